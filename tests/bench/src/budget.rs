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
    /// `None` when a tool that it needs did not run.
    pub(crate) measured: Option<f64>,
}

impl Verdict {
    /// Whether the budget was kept; `None` when nobody knows.
    pub(crate) fn is_kept(&self) -> Option<bool> {
        self.measured.map(|measured| measured <= self.limit)
    }
}

/// Says which budgets were missed.
pub(crate) fn missed(verdicts: &[Verdict]) -> Option<String> {
    let missed = verdicts.iter().filter(|verdict| verdict.is_kept() == Some(false));
    let missed: Vec<_> = missed.map(|verdict| verdict.what).collect();
    (!missed.is_empty()).then(|| format!("budgets were missed: {}", missed.join("; ")))
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
    let ours = size.results.iter().filter(|outcome| outcome.tool == Tool::Ours);
    let peak = ours.flat_map(|outcome| &outcome.samples).map(|one| one.usage.peak_bytes).max();
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
    .map(|(what, unit, limit, measured)| Verdict { what, unit, limit, measured })
    .into()
}

/// Millions of bytes.
#[expect(clippy::cast_precision_loss, reason = "no program here has petabytes")]
pub(crate) fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{measure::Usage, repetition::Sample};

    fn outcome(phase: Phase, samples: &[(f64, u64)]) -> Outcome {
        let usage = |&(wall_seconds, peak_bytes): &(f64, u64)| Usage {
            wall_seconds,
            cpu_seconds: 0.0,
            peak_bytes,
        };
        let sample = |sample| Sample {
            usage: usage(sample),
            server_cpu_seconds: 0.0,
            foreign_cpu_seconds: 0.0,
            is_quiet: true,
            requests: None,
        };
        Outcome {
            phase,
            tool: Tool::Ours,
            median: usage(&samples[0]),
            server_cpu_seconds: 0.0,
            ratio_to_helm: None,
            ratio_to_floor: None,
            requests: None,
            samples: samples.iter().map(sample).collect(),
        }
    }

    #[test]
    fn a_budget_is_kept_or_missed_or_was_not_measured() {
        let unchanged = outcome(Phase::Unchanged, &[(0.2, 10_000_000), (0.3, 30_000_000)]);
        let rollback = outcome(Phase::Rollback, &[(3.0, 10_000_000)]);
        let size = Size {
            objects: OBJECTS,
            manifest_bytes: 0,
            repetitions: 2,
            foreign_share: 0.0,
            results: vec![unchanged, rollback],
        };
        let verdicts = judge(&[size]);
        for (part, expected) in [
            ("nothing changed", Some(true)),
            ("rollback", Some(false)),
            ("most memory", Some(false)),
            ("against helm", None),
            ("1 % changed", None),
        ] {
            let verdict = verdicts.iter().find(|verdict| verdict.what.contains(part)).unwrap();
            assert_eq!(verdict.is_kept(), expected, "{part}");
        }
        let missed = missed(&verdicts).unwrap();
        assert!(missed.contains("rollback") && missed.contains("most memory"), "{missed}");
        assert!(judge(&[]).is_empty());
    }
}
