//! What was found, as JSON and as tables.

use std::fmt::Write as _;

use serde::Serialize;

use crate::{
    budget::Verdict,
    machine::Machine,
    measure::Usage,
    statistics::{median, range},
    table::{budgets, digits},
};

/// Everything; `target/bench/images.json`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    schema: u32,
    machine: Machine,
    /// Length of the bundle.
    bytes: u64,
    /// Whether the machine was, at the start of each repetition.
    pub(super) is_quiet: Vec<bool>,
    pub(super) pairs: Vec<Pair>,
    pub(super) push: Vec<Push>,
    /// Time of the client, memory of the server.
    pub(super) serve: Vec<Usage>,
    pub(super) join: Vec<Usage>,
    pub(super) killed: Vec<Killed>,
}

/// The same bytes, one after the other.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Pair {
    pub(super) verify: Usage,
    pub(super) sha256sum: Usage,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Push {
    pub(super) first: Usage,
    /// With everything there.
    pub(super) again: Usage,
    /// Bytes that went to the registry then, requests and all.
    pub(super) again_sent: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Killed {
    /// Of 8 of the bundle, when the push was killed.
    pub(super) part: u32,
    /// Blobs that the registry had then.
    pub(super) finished: usize,
    /// Bytes in all, by both pushes.
    pub(super) sent: u64,
    /// Blobs that the registry was given more than once.
    pub(super) twice: u32,
}

impl Report {
    pub(super) fn new(machine: Machine, bytes: u64) -> Self {
        Self {
            schema: 1,
            machine,
            bytes,
            is_quiet: Vec::new(),
            pairs: Vec::new(),
            push: Vec::new(),
            serve: Vec::new(),
            join: Vec::new(),
            killed: Vec::new(),
        }
    }

    /// What was done, and what each repetition took.
    fn rows(&self) -> [(&'static str, Vec<Usage>); 6] {
        let pairs = |of: fn(&Pair) -> Usage| self.pairs.iter().map(of).collect();
        let pushes = |of: fn(&Push) -> Usage| self.push.iter().map(of).collect();
        [
            ("**verify**", pairs(|pair| pair.verify)),
            ("sha256sum", pairs(|pair| pair.sha256sum)),
            ("**images push**, to docker-registry", pushes(|push| push.first)),
            ("**images push**, all of it there", pushes(|push| push.again)),
            ("**images serve**, while skopeo copies all", self.serve.clone()),
            ("**images join**, of a delta and its base", self.join.clone()),
        ]
    }

    /// Compares what was measured with what may be.
    pub(super) fn judge(&self) -> Vec<Verdict> {
        let ratio = self.pairs.iter();
        let ratio = ratio.map(|pair| pair.verify.wall_seconds / pair.sha256sum.wall_seconds);
        let [verify, _, push, again, serve, join] = self.rows().map(|(_, usages)| peak(&usages));
        let again_sent = self.push.iter().map(|push| push.again_sent).max();
        let twice: u32 = self.killed.iter().map(|killed| killed.twice).sum();
        [
            // 0.8 times the speed.
            ("time to verify, against sha256sum", "×", 1.25, median(ratio)),
            ("memory of `verify`", "MiB", 32.0, verify),
            ("memory of `images push`", "MiB", 32.0, push),
            ("memory of `images push`, all of it there", "MiB", 32.0, again),
            ("memory of `images serve`", "MiB", 32.0, serve),
            ("memory of `images join`", "MiB", 32.0, join),
            ("sent by a push of what is there", "MiB", 0.1, again_sent.map(mebibytes)),
            ("finished blobs sent again after a kill", "", 0.0, Some(f64::from(twice))),
        ]
        .map(|(what, unit, limit, measured)| Verdict { what, unit, limit, measured })
        .into()
    }

    pub(super) fn to_markdown(&self) -> String {
        let machine = &self.machine;
        let quiet = self.is_quiet.iter().filter(|is_quiet| **is_quiet).count();
        let mut text = format!(
            "{} processors ({}), Linux {}. A bundle of {:.0} MiB, {} repetitions; the machine was quiet at \
             the start of {quiet}.\n\n\
             | | time | lowest–highest | MiB a second | CPU | memory |\n|---|---:|---:|---:|---:|---:|\n",
            machine.processors,
            machine.model,
            machine.kernel,
            mebibytes(self.bytes),
            self.pairs.len(),
        );
        for (what, usages) in self.rows() {
            let seconds = || usages.iter().map(|usage| usage.wall_seconds);
            let (wall, (low, high)) = (median(seconds()), range(seconds()).unwrap_or_default());
            let cpu = median(usages.iter().map(|usage| usage.cpu_seconds));
            let wall = wall.unwrap_or_default();
            let _ = writeln!(
                text,
                "| {what} | {} s | {}–{} s | {:.0} | {} s | {:.1} MiB |",
                digits(wall),
                digits(low),
                digits(high),
                mebibytes(self.bytes) / wall,
                digits(cpu.unwrap_or_default()),
                peak(&usages).unwrap_or_default(),
            );
        }
        text.push_str(
            "\n| a push killed when it had sent | blobs that were finished | finished again | sent in all |\n\
             |---|---:|---:|---:|\n",
        );
        for killed in &self.killed {
            let _ = writeln!(
                text,
                "| {:.0} % of the bundle | {} | {} | {:.0} % |",
                100.0 / 8.0 * f64::from(killed.part),
                killed.finished,
                killed.twice,
                mebibytes(killed.sent) / mebibytes(self.bytes) * 100.0,
            );
        }
        let _ = write!(text, "\n{}", budgets("large bundle", &self.judge()));
        text
    }
}

/// The most memory that any took.
fn peak(usages: &[Usage]) -> Option<f64> {
    usages.iter().map(|usage| usage.peak_bytes).max().map(mebibytes)
}

#[expect(clippy::cast_precision_loss, reason = "no program here has petabytes")]
fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
