//! What the kills found, as JSON and as a table.

use std::fmt::Write as _;

use serde::Serialize;

use super::case::Case;
use crate::{machine::Machine, report::ToolVersion, tool::Tool};

/// Everything; `target/bench/kill.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) machine: Machine,
    pub(crate) kubernetes: String,
    pub(crate) tools: Vec<ToolVersion>,
    pub(crate) objects: usize,
    pub(crate) totals: Vec<Totals>,
    pub(crate) cases: Vec<Case>,
}

/// Sums over the cases of one tool.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Totals {
    pub(crate) tool: Tool,
    /// The upgrade as it was typed.
    pub(crate) command: &'static str,
    /// Writes of an upgrade. There are two cases for each.
    pub(crate) writes: usize,
    pub(crate) cases: usize,
    /// Cases in which the write never came, so that nothing was killed.
    pub(crate) never_killed: usize,
    /// A mix of old and new objects right after the kill.
    pub(crate) mixed_after_kill: usize,
    /// The next command was refused, because another operation were in progress.
    pub(crate) refused: usize,
    /// The next command failed for any reason.
    pub(crate) failed: usize,
    /// A mix of old and new objects after the next command.
    pub(crate) mixed_after_next: usize,
    /// The next command left the new release, whole.
    pub(crate) complete: usize,
    /// Where it was refused, `helm rollback` brought the old release back.
    pub(crate) rollback_helps: usize,
    /// The longest that a next command took; it may wait for the lease of the killed one.
    pub(crate) longest_seconds: f64,
}

impl Totals {
    pub(crate) fn of(tool: Tool, writes: usize, cases: &[Case]) -> Self {
        let cases: Vec<_> = cases.iter().filter(|case| case.tool == tool).collect();
        let count = |holds: &dyn Fn(&Case) -> bool| cases.iter().filter(|case| holds(case)).count();
        let next = |holds: fn(&super::case::Next) -> bool| {
            count(&|case| case.next.as_ref().is_some_and(holds))
        };
        let seconds = cases.iter().filter_map(|case| Some(case.next.as_ref()?.seconds));
        Self {
            tool,
            command: command(tool),
            writes,
            cases: cases.len(),
            never_killed: count(&|case| !case.killed),
            mixed_after_kill: count(&|case| case.after_kill.is_mixed()),
            refused: next(|next| next.is_refused),
            failed: next(|next| next.code != 0),
            mixed_after_next: next(|next| next.left.is_mixed()),
            complete: next(|next| next.left.new == super::OBJECTS && next.left.old == 0),
            rollback_helps: count(&|case| case.rollback_helps == Some(true)),
            longest_seconds: seconds.fold(0.0, f64::max),
        }
    }

    /// Says what is not as it has to be: every write is struck on both sides, and after `a4co-apply`
    /// the next command always leaves the new release.
    pub(crate) fn faults(&self) -> Vec<String> {
        let (title, cases) = (self.tool.title(), self.cases);
        let mut faults = Vec::new();
        let mut expect = |is_so: bool, fault: String| {
            if !is_so {
                faults.push(format!("{title}: {fault}"));
            }
        };
        let wanted = 2 * self.writes;
        expect(cases == wanted, format!("{cases} cases for {} writes", self.writes));
        expect(self.never_killed == 0, format!("{} cases without a kill", self.never_killed));
        if self.tool == Tool::Ours {
            let Self { failed, mixed_after_next, complete, .. } = self;
            expect(*failed == 0, format!("{failed} next upgrades failed"));
            expect(*mixed_after_next == 0, format!("{mixed_after_next} next upgrades left a mix"));
            expect(*complete == cases, format!("{complete} of {cases} ended with the new release"));
        }
        faults
    }
}

/// The upgrade as it is typed.
fn command(tool: Tool) -> &'static str {
    match tool {
        Tool::Ours => "apply BUNDLE",
        // Helm takes the killed command for one at work, and has nothing to wait for its end with.
        _ => "upgrade bench CHART",
    }
}

impl Report {
    /// The table of `docs/benchmarks.md`.
    pub(crate) fn to_markdown(&self) -> String {
        let mut text = String::from(
            "| killed before or after each write of an upgrade | cases | mix of old and new right after \
             the kill | next upgrade refused: another operation in progress | next upgrade failed | mix \
             of old and new after the next upgrade | new release complete after the next upgrade |\n\
             |---|---:|---:|---:|---:|---:|---:|\n",
        );
        for totals in &self.totals {
            let _ = writeln!(
                text,
                "| {} `{}` | {} | {} | {} | {} | {} | {} |",
                totals.tool.title(),
                totals.command,
                totals.cases,
                totals.mixed_after_kill,
                totals.refused,
                totals.failed,
                totals.mixed_after_next,
                totals.complete
            );
        }
        for totals in &self.totals {
            let title = totals.tool.title();
            let longest = totals.longest_seconds;
            let _ = write!(text, "\n{title}: the longest next upgrade took {longest:.1} s.");
            if totals.tool == Tool::Helm {
                let _ = write!(
                    text,
                    " Where it was refused, `helm rollback` by hand brought the old release back \
                     in {} of {} cases.",
                    totals.rollback_helps, totals.refused
                );
            }
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kill::{
        OBJECTS,
        case::{Mix, Moment, Next, Target},
    };

    fn case(tool: Tool, killed: bool, code: i32, left: Mix) -> Case {
        let next = Next { code, seconds: 1.0, is_refused: false, said: String::new(), left };
        Case {
            tool,
            target: Target { number: 1, moment: Moment::Before },
            killed,
            write: String::new(),
            after_kill: Mix { old: OBJECTS, new: 0 },
            next: Some(next),
            rollback_helps: None,
        }
    }

    #[test]
    fn what_may_not_be_is_a_fault() {
        let new = Mix { old: 0, new: OBJECTS };
        let mixed = Mix { old: 1, new: OBJECTS - 1 };
        let good = || case(Tool::Ours, true, 0, new);
        for (told, tool, cases, expected) in [
            ("both sides, and whole", Tool::Ours, vec![good(), good()], 0),
            ("one side alone", Tool::Ours, vec![good()], 1),
            ("nothing killed", Tool::Ours, vec![good(), case(Tool::Ours, false, 0, new)], 1),
            ("a next one that fails", Tool::Ours, vec![good(), case(Tool::Ours, true, 3, new)], 1),
            ("a mix is left", Tool::Ours, vec![good(), case(Tool::Ours, true, 0, mixed)], 2),
            ("helm may leave one", Tool::Helm, vec![case(Tool::Helm, true, 1, mixed); 2], 0),
        ] {
            let faults = Totals::of(tool, 1, &cases).faults();
            assert_eq!(faults.len(), expected, "{told}: {faults:?}");
        }
    }
}
