//! Shows on standard error what happens: one changing line on a terminal, plain lines elsewhere.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{self, IsTerminal as _},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use a4co_bundle::{Digest, Overlay};
use a4co_cluster::{Event, Goal, Observer, Pending, State};

use super::{
    global::Color,
    output::{self, Style},
    steps,
};

/// Most objects named that are not ready.
const NAMED: usize = 5;

/// Shows what happens. Dropped, it leaves the line below free.
#[derive(Debug)]
pub(crate) struct Progress {
    intent: Intent,
    /// Whether every step of the plan is named.
    is_verbose: bool,
    style: Style,
    written: AtomicUsize,
    in_wave: AtomicUsize,
    deleted: AtomicUsize,
    /// What is awaited, as it was told last.
    awaited: Mutex<Vec<Pending>>,
}

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Intent {
    /// It only looks.
    Look,
    /// It changes the cluster.
    Change,
}

impl Progress {
    pub(crate) fn new(intent: Intent, color: Color) -> Self {
        Self {
            intent,
            is_verbose: false,
            style: Style::for_errors(color),
            written: AtomicUsize::new(0),
            in_wave: AtomicUsize::new(0),
            deleted: AtomicUsize::new(0),
            awaited: Mutex::default(),
        }
    }

    /// Names every step of the plan, however many there are.
    pub(crate) fn verbose(mut self, is_verbose: bool) -> Self {
        self.is_verbose = is_verbose;
        self
    }

    fn wave(&self, wave: u8, objects: usize) {
        self.written.store(0, Ordering::Relaxed);
        self.in_wave.store(objects, Ordering::Relaxed);
        output::talk(&format!("wave {wave}: {}", output::count(objects, "object")));
    }

    /// Says what is awaited. On a terminal, nothing is said twice: until something changes, one line
    /// shows the time.
    fn waiting(&self, goal: Goal, elapsed: Duration, awaited: usize, pending: &[Pending]) {
        let mut told = self.awaited.lock().unwrap_or_else(PoisonError::into_inner);
        if *told == pending && io::stderr().is_terminal() {
            output::murmur(&waiting_line(goal, elapsed, awaited, pending));
        } else {
            output::talk(&waiting(goal, elapsed, awaited, pending));
            pending.clone_into(&mut told);
        }
    }

    /// Says how many objects a phase deleted, once it is over.
    fn end_deletions(&self) {
        let deleted = self.deleted.swap(0, Ordering::Relaxed);
        if deleted > 0 {
            output::talk(&format!("deleted {}", output::count(deleted, "object")));
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        if !matches!(event, Event::Deleted(_)) {
            self.end_deletions();
        }
        match event {
            Event::WaitingForLease { holder, age_seconds } => output::talk(&format!(
                "waiting for `{holder}`, which renewed its lease {age_seconds} s ago; after {} s without \
                 that, and a while of watching, it counts as killed",
                a4co_cluster::LEASE_DURATION.as_secs()
            )),
            Event::Registries { overlay, before, others } => {
                if let Some(text) = registries(*overlay, *before, others) {
                    output::talk(&text);
                }
            }
            Event::Recovering { state } => output::talk(&recovering(self.intent, *state)),
            // Whoever deletes everything has seen the plan and agreed to it.
            Event::Planned(plan) if plan.to.is_none() => {}
            Event::Planned(plan) => {
                output::talk(&steps::outline(plan, self.is_verbose, self.style));
            }
            Event::Wave { wave, objects } => self.wave(*wave, *objects),
            Event::Applied(object) => {
                let written = self.written.fetch_add(1, Ordering::Relaxed) + 1;
                let all = self.in_wave.load(Ordering::Relaxed);
                output::murmur(&format!("  {written}/{all} {object}"));
            }
            Event::Waiting { goal, elapsed, awaited, pending } => {
                self.waiting(*goal, *elapsed, *awaited, pending);
            }
            Event::Committed(release) => {
                let committed = self.style.green("committed");
                output::talk(&format!("{committed} release {}", release.short()));
            }
            Event::Deleted(object) => {
                let deleted = self.deleted.fetch_add(1, Ordering::Relaxed) + 1;
                output::murmur(&format!("  deleted {deleted}: {object}"));
            }
            Event::RollingBack { why } => {
                let failed = self.style.red("failed:");
                output::talk(&format!("{failed} {why}\ngoing back to the old release"));
            }
            Event::Warning(text) => {
                output::talk(&format!("{} {text}", self.style.yellow("warning:")));
            }
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end_deletions();
        output::murmur("");
    }
}

/// Says where images come from, where that is not what the release says or was otherwise before.
fn registries(
    overlay: Option<&Overlay>,
    before: Option<Digest>,
    others: &[String],
) -> Option<String> {
    let Some(overlay) = overlay else {
        return before.map(|before| {
            format!(
                "images come from the registries that the release names; the site overlay {} is dropped",
                before.short()
            )
        });
    };
    let digest = overlay.digest();
    let mut text =
        format!("images come from {}, by the site overlay {}", sources(overlay), digest.short());
    match before {
        Some(before) if before == digest => {}
        Some(before) => {
            let _ = write!(text, "; until now by {}", before.short());
        }
        None => text.push_str("; until now there was none"),
    }
    if !others.is_empty() {
        let _ = write!(text, "\n  but it says nothing about {}", others.join(", "));
    }
    Some(text)
}

/// The registries of a site overlay, each once.
pub(crate) fn sources(overlay: &Overlay) -> String {
    let registries: BTreeSet<&str> = overlay.registries().values().map(String::as_str).collect();
    registries.into_iter().collect::<Vec<_>>().join(", ")
}

fn recovering(intent: Intent, state: State) -> String {
    let then = match intent {
        Intent::Look => "`apply`, `rollback` or `recover` finishes that first",
        Intent::Change => "finishing that first",
    };
    format!("an earlier command stopped while {state}; {then}")
}

/// How many are ready, or gone, and what the others wait for, a line each.
fn waiting(goal: Goal, elapsed: Duration, awaited: usize, pending: &[Pending]) -> String {
    let mut text = waiting_line(goal, elapsed, awaited, pending);
    for pending in pending.iter().take(NAMED).skip(1) {
        let _ = write!(text, "\n    {}", reason(pending));
    }
    if pending.len() > NAMED {
        let _ = write!(text, "\n    and {} more", pending.len() - NAMED);
    }
    text
}

fn waiting_line(goal: Goal, elapsed: Duration, awaited: usize, pending: &[Pending]) -> String {
    let done = awaited.saturating_sub(pending.len());
    let goal = match goal {
        Goal::Ready => "ready",
        Goal::Gone => "gone",
    };
    let first = pending.first().map_or_else(String::new, reason);
    format!("  {done}/{awaited} {goal} after {} s, waiting for {first}", elapsed.as_secs())
}

fn reason(Pending { object, why, .. }: &Pending) -> String {
    format!("{object}: {}", output::one_line(why))
}

#[cfg(test)]
mod tests {
    use a4co_bundle::ObjectRef;

    use super::*;

    #[test]
    fn only_a_command_that_changes_things_promises_to_finish_what_was_left() {
        for (intent, expected) in [
            (Intent::Look, "while applying; `apply`, `rollback` or `recover` finishes that first"),
            (Intent::Change, "while applying; finishing that first"),
        ] {
            let text = recovering(intent, State::Applying);
            assert_eq!(text, format!("an earlier command stopped {expected}"), "{intent:?}");
        }
    }

    #[test]
    fn what_is_awaited_is_told_in_a_few_lines() {
        let object = ObjectRef {
            kind: "Pod".to_owned(),
            api_version: "v1".to_owned(),
            namespace: None,
            name: "x".to_owned(),
        };
        let pending = Pending { object, why: "a\nb".to_owned(), remedy: None };
        let pending = vec![pending; 7];
        let named = "\n    Pod/x: a b";
        for (case, pending, expected) in [
            ("one", &pending[..1], String::new()),
            ("as many as are named", &pending[..5], named.repeat(4)),
            ("more", &pending[..], named.repeat(4) + "\n    and 2 more"),
        ] {
            let text = waiting(Goal::Ready, Duration::from_secs(9), 9, pending);
            let ready = 9 - pending.len();
            let head = format!("  {ready}/9 ready after 9 s, waiting for Pod/x: a b");
            assert_eq!(text, head + &expected, "{case}");
        }
    }
}
