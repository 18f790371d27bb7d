//! What `a4co-apply` may take, and whether it kept to that.

use serde::Serialize;

use crate::{
    report::{Outcome, Size},
    tool::{Phase, Tool},
};

/// The size that the budgets are about.
const OBJECTS: usize = 1_000;

/// A budget and what was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Verdict {
    pub(crate) what: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) limit: f64,
    pub(crate) measured: f64,
    pub(crate) kept: bool,
}

/// Compares what was measured for 1,000 objects with every budget; nothing when that size was not
/// measured.
pub(crate) fn judge(sizes: &[Size]) -> Vec<Verdict> {
    let Some(size) = sizes.iter().find(|size| size.objects == OBJECTS) else {
        return Vec::new();
    };
    let of = |phase: Phase| size.outcome(phase, Tool::Ours);
    let seconds = |phase: Phase| of(phase).map(|outcome| outcome.median.wall_seconds);
    let ratio = |phase: Phase, ratio: fn(&Outcome) -> Option<f64>| of(phase).and_then(ratio);
    let peaks = size.results.iter().filter(|outcome| outcome.tool == Tool::Ours);
    let peak = peaks.map(|outcome| outcome.median.peak_bytes).max();
    [
        (
            "first install, against helm",
            "×",
            0.55,
            ratio(Phase::Install, |outcome| outcome.ratio_to_helm),
        ),
        (
            "first install, against the same patches sent bare",
            "×",
            1.25,
            ratio(Phase::Install, |outcome| outcome.ratio_to_floor),
        ),
        ("upgrade with nothing changed, drift checked", "s", 0.25, seconds(Phase::Unchanged)),
        ("upgrade with 1 % changed", "s", 0.4, seconds(Phase::OnePercent)),
        ("rollback, everything changed", "s", 2.5, seconds(Phase::Rollback)),
        ("most memory in any phase", "MB", 20.0, peak.map(megabytes)),
    ]
    .into_iter()
    .filter_map(|(what, unit, limit, measured)| {
        let measured = measured?;
        Some(Verdict { what, unit, limit, measured, kept: measured <= limit })
    })
    .collect()
}

/// Millions of bytes.
#[expect(clippy::cast_precision_loss, reason = "no program here has petabytes")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
