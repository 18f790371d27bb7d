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
    pub(crate) cases: usize,
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
    pub(crate) fn of(tool: Tool, cases: &[Case]) -> Self {
        let cases: Vec<_> = cases.iter().filter(|case| case.tool == tool && case.killed).collect();
        let count = |holds: &dyn Fn(&Case) -> bool| cases.iter().filter(|case| holds(case)).count();
        let next = |holds: fn(&super::case::Next) -> bool| {
            count(&|case| case.next.as_ref().is_some_and(holds))
        };
        let seconds = cases.iter().filter_map(|case| Some(case.next.as_ref()?.seconds));
        Self {
            tool,
            cases: cases.len(),
            mixed_after_kill: count(&|case| case.after_kill.is_mixed()),
            refused: next(|next| next.is_refused),
            failed: next(|next| next.code != 0),
            mixed_after_next: next(|next| next.left.is_mixed()),
            complete: next(|next| next.left.new == super::OBJECTS && next.left.old == 0),
            rollback_helps: count(&|case| case.rollback_helps == Some(true)),
            longest_seconds: seconds.fold(0.0, f64::max),
        }
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
                "| {} | {} | {} | {} | {} | {} | {} |",
                totals.tool.title(),
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
