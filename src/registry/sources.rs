//! Which of the sources of a blob is asked next.

use crate::options::Source;

/// Mirrors of a registry and the registry itself, in the order in which they are asked for a blob.
pub(crate) struct Sources {
    all: Vec<Candidate>,
    current: usize,
}

struct Candidate {
    source: Source,
    /// It does not have the blob, or another under its name: it is not asked for it again.
    is_refused: bool,
    /// Bytes of the blob came from it.
    has_given: bool,
}

impl Sources {
    pub(crate) fn new(sources: Vec<Source>) -> Self {
        let candidate = |source| Candidate { source, is_refused: false, has_given: false };
        Self { all: sources.into_iter().map(candidate).collect(), current: 0 }
    }

    /// Returns the one to ask.
    pub(crate) fn current(&self) -> Option<&Source> {
        self.all.get(self.current).map(|it| &it.source)
    }

    /// Notes that the current one gave bytes.
    pub(crate) fn give(&mut self) {
        if let Some(it) = self.all.get_mut(self.current) {
            it.has_given = true;
        }
    }

    /// Notes that the blob is begun anew: nobody gave anything of it.
    pub(crate) fn forget(&mut self) {
        self.all.iter_mut().for_each(|it| it.has_given = false);
    }

    /// Goes on to the next after a failure of the current one; returns whether that may be asked at
    /// once, or all had their turn. The last one, which is the registry itself unless it is never
    /// asked, keeps its turn when its failure does not pass: it is the failure to tell.
    pub(crate) fn fail(&mut self, is_transient: bool) -> bool {
        let is_last = self.current + 1 >= self.all.len();
        if is_last && !is_transient {
            return false;
        }
        if let Some(it) = self.all.get_mut(self.current) {
            it.is_refused = !is_transient;
        }
        let is_left = |it: &Candidate| !it.is_refused;
        let next = self.all.iter().skip(self.current + 1).position(is_left);
        if let Some(next) = next {
            self.current += 1 + next;
            return true;
        }
        self.current = self.all.iter().position(is_left).unwrap_or(self.current);
        false
    }

    /// Refuses the current one, and starts over with those that are left.
    pub(crate) fn leave_out(&mut self) {
        if let Some(it) = self.all.get_mut(self.current) {
            it.is_refused = true;
        }
        self.current = self.all.iter().position(|it| !it.is_refused).unwrap_or(self.current);
    }

    /// Refuses who gave the bytes of a blob that is wrong, and starts over; returns whether anybody
    /// is left. Of several, the last stays: it is the one to believe most, and cannot be to blame
    /// for what the others gave.
    pub(crate) fn distrust(&mut self) -> bool {
        let givers = self.all.iter().filter(|it| it.has_given).count();
        for it in self.all.iter_mut().filter(|it| it.has_given).take(givers.max(2) - 1) {
            it.is_refused = true;
        }
        self.forget();
        let left = self.all.iter().position(|it| !it.is_refused);
        self.current = left.unwrap_or(self.current);
        givers > 0 && left.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;

    fn sources() -> Sources {
        let address = |host: &str| Address::parse(&format!("https://{host}.lan")).unwrap();
        let mirrors = ["a", "b"].map(|host| Source::Mirror(address(host)));
        Sources::new(mirrors.into_iter().chain([Source::Origin(address("origin"))]).collect())
    }

    fn current(sources: &Sources) -> String {
        sources.current().unwrap().address().authority().replace(".lan", "")
    }

    #[test]
    fn who_fails_is_asked_again_if_that_may_help() {
        for (case, failures, expected) in [
            ("all pass", &[true, true, true, true][..], ["b", "origin", "a …", "b"].as_slice()),
            ("a has nothing", &[false, true, true, true], &["b", "origin", "b …", "origin"]),
            (
                "no mirror has it",
                &[false, false, true, true],
                &["b", "origin", "origin …", "origin …"],
            ),
            ("the registry says no", &[true, true, false], &["b", "origin", "origin …"]),
        ] {
            let mut sources = sources();
            let found: Vec<_> = failures
                .iter()
                .map(|failure| {
                    let pause = if sources.fail(*failure) { "" } else { " …" };
                    format!("{}{pause}", current(&sources))
                })
                .collect();
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn who_gave_wrong_bytes_is_not_asked_again() {
        for (case, givers, expected) in [
            ("the first", &["a"][..], Some("b")),
            ("the first two: one of them", &["a", "b"], Some("b")),
            ("a mirror and the registry", &["a", "origin"], Some("b")),
            ("the registry: there is a mirror that may have it", &["origin"], Some("a")),
            ("nobody", &[], None),
        ] {
            let mut sources = sources();
            while current(&sources) != "origin" {
                if givers.contains(&&*current(&sources)) {
                    sources.give();
                }
                sources.fail(true);
            }
            if givers.contains(&"origin") {
                sources.give();
            }
            let found = sources.distrust().then(|| current(&sources));
            assert_eq!(found.as_deref(), expected, "{case}");
        }
        let mut sources = sources();
        for left in [true, true, false] {
            sources.give();
            assert_eq!(sources.distrust(), left);
        }
    }
}
