//! What a comparison found, as `target/bench/report.json` has it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    budget::Verdict,
    machine::Machine,
    measure::Usage,
    repetition::{Drift, Sample, Samples},
    requests::Requests,
    statistics::median,
    tool::{Phase, Tool},
};

/// A comparison. `schema` changes when a field changes its meaning.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) schema: u32,
    pub(crate) machine: Machine,
    /// Version of the API server.
    pub(crate) kubernetes: String,
    pub(crate) tools: Vec<ToolVersion>,
    pub(crate) sizes: Vec<Size>,
    /// What each tool makes of a change by hand.
    pub(crate) drift: BTreeMap<Tool, Drift>,
    pub(crate) budgets: Vec<Verdict>,
}

/// A tool as it was used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ToolVersion {
    pub(crate) tool: Tool,
    pub(crate) version: String,
    /// Size of its program file.
    pub(crate) program_bytes: u64,
}

/// Everything about workloads of one size.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Size {
    pub(crate) objects: usize,
    /// Bytes of all manifests as JSON.
    pub(crate) manifest_bytes: usize,
    pub(crate) repetitions: usize,
    /// Median share of all processors that neither the tool nor the servers used while something
    /// was measured. The higher it is, the less the times are worth.
    pub(crate) foreign_share: f64,
    pub(crate) results: Vec<Outcome>,
}

/// What one tool took for one phase.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Outcome {
    pub(crate) phase: Phase,
    pub(crate) tool: Tool,
    pub(crate) median: Usage,
    /// Median of the processor time that the API server and etcd took.
    pub(crate) server_cpu_seconds: f64,
    /// Median of the ratios to Helm's wall time in the same repetition.
    pub(crate) ratio_to_helm: Option<f64>,
    /// Median of the ratios to the floor's wall time in the same repetition.
    pub(crate) ratio_to_floor: Option<f64>,
    pub(crate) requests: Option<Requests>,
    pub(crate) samples: Vec<Sample>,
}

impl Size {
    /// Sums up repetitions; `counted` is the one in which requests were counted.
    pub(crate) fn new(
        objects: usize,
        manifest_bytes: usize,
        counted: &Samples,
        timed: &[Samples],
        processors: usize,
    ) -> Self {
        let mut results = Vec::new();
        for phase in Phase::ALL {
            for tool in Tool::ALL {
                let key = (phase, tool);
                let samples: Vec<_> =
                    timed.iter().filter_map(|samples| samples.get(&key)).cloned().collect();
                let Some(usage) = median_usage(&samples) else { continue };
                results.push(Outcome {
                    phase,
                    tool,
                    median: usage,
                    server_cpu_seconds: median(samples.iter().map(|one| one.server_cpu_seconds))
                        .unwrap_or_default(),
                    ratio_to_helm: ratio(timed, key, (phase, Tool::Helm)),
                    ratio_to_floor: ratio(timed, key, (phase, Tool::Floor)),
                    requests: counted.get(&key).and_then(|sample| sample.requests.clone()),
                    samples,
                });
            }
        }
        let shares = timed.iter().flat_map(|samples| samples.values()).map(|sample| {
            #[expect(clippy::cast_precision_loss, reason = "few processors")]
            let capacity = sample.usage.wall_seconds * processors as f64;
            sample.foreign_cpu_seconds / capacity
        });
        let foreign_share = median(shares).unwrap_or_default();
        Self { objects, manifest_bytes, repetitions: timed.len(), foreign_share, results }
    }

    pub(crate) fn samples(&self) -> impl Iterator<Item = &Sample> {
        self.results.iter().flat_map(|outcome| &outcome.samples)
    }

    pub(crate) fn outcome(&self, phase: Phase, tool: Tool) -> Option<&Outcome> {
        self.results.iter().find(|outcome| outcome.phase == phase && outcome.tool == tool)
    }
}

fn median_usage(samples: &[Sample]) -> Option<Usage> {
    let usages = || samples.iter().map(|sample| sample.usage);
    let mut peaks: Vec<u64> = usages().map(|usage| usage.peak_bytes).collect();
    peaks.sort_unstable();
    Some(Usage {
        wall_seconds: median(usages().map(|usage| usage.wall_seconds))?,
        cpu_seconds: median(usages().map(|usage| usage.cpu_seconds))?,
        peak_bytes: peaks.get(peaks.len() / 2).copied()?,
    })
}

/// Median of the ratios of wall time in repetitions that have both.
fn ratio(timed: &[Samples], one: (Phase, Tool), other: (Phase, Tool)) -> Option<f64> {
    let ratios = timed.iter().filter_map(|samples| {
        let (one, other) = (samples.get(&one)?, samples.get(&other)?);
        Some(one.usage.wall_seconds / other.usage.wall_seconds)
    });
    median(ratios)
}
