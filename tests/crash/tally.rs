//! What was counted, and what is said at the end.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{self, Write as _},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use crate::{
    case::Finding,
    hunt::{Catch, Hunt},
};

/// What was counted.
pub(crate) struct Tally {
    start: Instant,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    scenarios: BTreeSet<&'static str>,
    runs: usize,
    violations: usize,
    exceptions: usize,
    missed: usize,
    mutants: usize,
    /// A line for each mutant that was caught.
    caught: Vec<String>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { start: Instant::now(), counts: Mutex::default() }
    }
}

impl Tally {
    pub(crate) fn count(&self, scenario: &'static str, finding: &Finding) {
        let mut counts = self.counts();
        counts.scenarios.insert(scenario);
        counts.runs += 1;
        counts.violations += usize::from(!finding.violations.is_empty());
        counts.exceptions += finding.exceptions;
        counts.missed += usize::from(finding.is_missed);
    }

    pub(crate) fn caught(&self, hunt: &Hunt, caught: Option<Catch>) {
        let mut counts = self.counts();
        counts.mutants += 1;
        if let Some(Catch { case, violation, runs }) = caught {
            let mutant = format!("{:?}", hunt.mutant);
            let invariant = violation.invariant;
            let line = format!("  {mutant:<26}{invariant:<9}{case}, run {runs}");
            counts.caught.push(line);
        }
    }

    /// How many runs there were.
    pub(crate) fn runs(&self) -> usize {
        self.counts().runs
    }

    /// Whether hardly any second crash was missed.
    pub(crate) fn is_nearly_complete(&self) -> bool {
        let counts = self.counts();
        counts.missed * 100 <= counts.runs
    }

    /// Says what was counted.
    pub(crate) fn tell(&self) {
        let mut counts = self.counts();
        counts.caught.sort();
        let seconds = self.start.elapsed().as_secs();
        let Counts { scenarios, runs, violations, exceptions, missed, mutants, caught } = &*counts;
        let mut text = String::new();
        if *mutants > 0 {
            let count = caught.len();
            let lines = caught.join("\n");
            let _ = writeln!(text, "mutants: {count} of {mutants} caught\n{lines}\n");
        }
        let _ = writeln!(
            text,
            "crash enumeration: {} runs over {} scenarios in {seconds} s, {violations} violations; \
             {exceptions} late creations, each removed by the next command",
            thousands(*runs),
            scenarios.len(),
        );
        if *missed > 0 {
            let _ = writeln!(text, "{missed} second crashes at requests that did not come again");
        }
        // When nobody listens, there is nobody to tell.
        let _ = io::stdout().write_all(text.as_bytes());
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn thousands(number: usize) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", number / 1000, number % 1000),
    }
}
