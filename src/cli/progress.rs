//! Shows on standard error what happens: one changing line on a terminal, plain lines elsewhere.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use a4co_cluster::{Change, Event, Observer, Pending, Plan, State};

use super::{
    global::Color,
    output::{self, Style},
};

/// Most objects named that are not ready.
const NAMED: usize = 5;

/// Shows what happens. Dropped, it leaves the line below free.
#[derive(Debug)]
pub(crate) struct Progress {
    intent: Intent,
    style: Style,
    written: AtomicUsize,
    in_wave: AtomicUsize,
    deleted: AtomicUsize,
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
            style: Style::for_errors(color),
            written: AtomicUsize::new(0),
            in_wave: AtomicUsize::new(0),
            deleted: AtomicUsize::new(0),
        }
    }

    fn wave(&self, wave: u8, objects: usize) {
        self.written.store(0, Ordering::Relaxed);
        self.in_wave.store(objects, Ordering::Relaxed);
        output::talk(&format!("wave {wave}: {}", count_objects(objects)));
    }

    /// Says how many objects a phase deleted, once it is over.
    fn end_deletions(&self) {
        let deleted = self.deleted.swap(0, Ordering::Relaxed);
        if deleted > 0 {
            output::talk(&format!("deleted {}", count_objects(deleted)));
        }
    }
}

impl Observer for Progress {
    fn observe(&self, event: &Event<'_>) {
        if !matches!(event, Event::Deleted(_)) {
            self.end_deletions();
        }
        match event {
            Event::WaitingForLease => output::talk("waiting for another command to finish"),
            Event::Recovering { state } => output::talk(&recovering(self.intent, *state)),
            Event::Planned(plan) => {
                output::talk(&format!("plan: {}; way back: {}", summary(plan), way_back(plan)));
            }
            Event::Wave { wave, objects } => self.wave(*wave, *objects),
            Event::Applied(object) => {
                let written = self.written.fetch_add(1, Ordering::Relaxed) + 1;
                let all = self.in_wave.load(Ordering::Relaxed);
                output::murmur(&format!("  {written}/{all} {object}"));
            }
            Event::Waiting { elapsed, pending } => output::talk(&waiting(*elapsed, pending)),
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

fn recovering(intent: Intent, state: State) -> String {
    let then = match intent {
        Intent::Look => "`apply`, `rollback` or `recover` finishes that first",
        Intent::Change => "finishing that first",
    };
    format!("an earlier command stopped while {state}; {then}")
}

fn waiting(elapsed: Duration, pending: &[Pending]) -> String {
    let mut text = format!("  waiting for {} since {} s:", pending.len(), elapsed.as_secs());
    for Pending { object, why } in pending.iter().take(NAMED) {
        let _ = write!(text, "\n    {object}: {}", output::one_line(why));
    }
    if pending.len() > NAMED {
        let _ = write!(text, "\n    and {} more", pending.len() - NAMED);
    }
    text
}

fn count_objects(count: usize) -> String {
    if count == 1 { "1 object".to_owned() } else { format!("{count} objects") }
}

/// Counts what a plan does, in words.
pub(crate) fn summary(plan: &Plan) -> String {
    count(
        plan,
        &[
            ("to create", |change| *change == Change::Create),
            ("to update", |change| matches!(change, Change::Update(_))),
            ("to restore", |change| *change == Change::Restore),
            ("to prune", |change| *change == Change::Prune),
            ("unchanged", |change| *change == Change::Keep),
            ("left in place", |change| *change == Change::Leave),
        ],
    )
}

/// Counts what undoing a plan takes when it fails before its commit, in words. What a plan prunes
/// still exists then.
pub(crate) fn way_back(plan: &Plan) -> String {
    count(
        plan,
        &[
            ("to delete", |change| *change == Change::Create),
            ("to update back", |change| matches!(change, Change::Update(_))),
        ],
    )
}

/// A kind of change, in words and as code.
type Kind = (&'static str, fn(&Change) -> bool);

fn count(plan: &Plan, kinds: &[Kind]) -> String {
    let counted = kinds.iter().map(|(what, is_kind)| (what, plan.count(is_kind)));
    let told = counted.filter(|(_, count)| *count > 0);
    let told: Vec<String> = told.map(|(what, count)| format!("{count} {what}")).collect();
    if told.is_empty() { "nothing".to_owned() } else { told.join(", ") }
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
        let pending = vec![Pending { object, why: "a\nb".to_owned() }; 7];
        let named = "\n    Pod/x: a b";
        for (case, pending, expected) in [
            ("one", &pending[..1], named.to_owned()),
            ("as many as are named", &pending[..5], named.repeat(5)),
            ("more", &pending[..], named.repeat(5) + "\n    and 2 more"),
        ] {
            let text = waiting(Duration::from_secs(9), pending);
            let head = format!("  waiting for {} since 9 s:", pending.len());
            assert_eq!(text, head + &expected, "{case}");
        }
    }
}
