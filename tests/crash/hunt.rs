//! Whether the enumeration sees a deliberate fault in the protocol.

use std::sync::Arc;

use a4co_cluster::Mutant;

use crate::{
    case::Case,
    cluster::{Result, block_on},
    invariant::Violation,
    record::Recording,
    scenario::Scenario,
};

/// A deliberate fault, the cases that are tried first, each a scenario and the beginning of names,
/// and the invariant that it breaks there.
pub(crate) struct Hunt {
    pub(crate) mutant: Mutant,
    first: (&'static str, &'static str),
    breaks: &'static str,
}

/// How a deliberate fault was seen.
pub(crate) struct Catch {
    pub(crate) case: String,
    pub(crate) violation: Violation,
    /// How many runs it took.
    pub(crate) runs: usize,
}

const fn hunt(
    mutant: Mutant,
    scenario: &'static str,
    cases: &'static str,
    breaks: &'static str,
) -> Hunt {
    Hunt { mutant, first: (scenario, cases), breaks }
}

pub(crate) const HUNTS: [Hunt; 40] = [
    hunt(Mutant::CommitBeforeLastWave, "change", "no-fault", "I1"),
    hunt(Mutant::CommitInTwoWrites, "change", "no-fault", "I3"),
    hunt(Mutant::PruneBeforeCommit, "change", "no-fault", "I4"),
    hunt(Mutant::RecoveryDoesNotPrune, "change", "kill-before/DELETE configmaps/dropped", "I2"),
    hunt(Mutant::JournalAfterEffect, "change", "no-fault", "I1"),
    hunt(Mutant::EmptyUndoLog, "failing-change", "no-fault", "I5"),
    hunt(Mutant::NoImages, "adopt", "kill-after/PATCH configmaps/different", "I5"),
    hunt(Mutant::NoStoredUndoLog, "change", "kill-after/PUT configmaps/head", "I10"),
    hunt(Mutant::OneChunk, "chunks", "no-fault", "I10"),
    hunt(Mutant::NoDeleteOnWayBack, "failing-change", "no-fault", "I2"),
    hunt(Mutant::NoRestoreOnWayBack, "failing-change", "no-fault", "I5"),
    hunt(Mutant::NoOwnersOnWayBack, "failing-change", "no-fault", "I5"),
    hunt(Mutant::OneRoundOnWayBack, "failing-change", "no-fault", "I5"),
    hunt(Mutant::NoRenewal, "change", "pause/PATCH", "I7"),
    hunt(Mutant::NoLateCreations, "change", "pause/PATCH configmaps/added", "I2"),
    hunt(Mutant::RecoveryOnlyCloses, "change", "kill-after/PATCH", "I5"),
    hunt(Mutant::RecoveryCommits, "change", "kill-before/POST secrets/inventory", "recovery"),
    hunt(Mutant::UpdateWithoutPrecondition, "change", "pause/PATCH", "I7"),
    hunt(Mutant::DeleteWithoutPrecondition, "change", "pause/DELETE", "I7"),
    hunt(Mutant::CreateOverwrites, "change", "pause/PATCH configmaps/added#1/then-other", "I7"),
    hunt(Mutant::HeadWithoutPrecondition, "change", "pause/PUT configmaps/head", "I7"),
    hunt(Mutant::NoFencingCheck, "change", "pause/PATCH", "I7"),
    hunt(Mutant::NoEpochOnCreations, "change", "pause-fenced/PATCH configmaps/added", "I7"),
    hunt(Mutant::LostHeadWriteIsDone, "change", "late/PUT configmaps/head", "truth"),
    hunt(Mutant::HeadWrittenTwice, "change", "no-fault", "I9"),
    hunt(Mutant::NoNewEpoch, "change", "no-fault", "I6"),
    hunt(Mutant::ForgetAnObject, "change", "no-fault", "I5"),
    hunt(Mutant::NoWaitForReady, "failing-change", "no-fault", "ready"),
    hunt(Mutant::NoConfirmation, "change", "meddling", "I5"),
    hunt(Mutant::NoFrom, "change", "no-fault", "I3"),
    hunt(Mutant::StaleInventory, "change", "no-fault", "I3"),
    hunt(Mutant::PruneOthers, "neighbours", "no-fault", "I2"),
    hunt(Mutant::ForgetHighestVersion, "rollback", "no-fault", "I6"),
    hunt(Mutant::NoStoredRelease, "change", "no-fault", "I10"),
    hunt(Mutant::CollectHistory, "change", "no-fault", "I10"),
    hunt(Mutant::CollectInventory, "change", "no-fault", "I10"),
    hunt(Mutant::DeleteBeforeCommit, "delete", "no-fault", "I4"),
    hunt(Mutant::DeleteHeadFirst, "delete", "no-fault", "I1"),
    hunt(Mutant::NeverSettled, "change", "no-fault", "I8"),
    hunt(Mutant::IgnoreLease, "change", "kill-before/PATCH", "lease"),
];

/// Whether deliberate faults whose names contain `part` are looked for in this scenario.
pub(crate) fn is_ground(scenario: &Scenario, part: &str) -> bool {
    let is_meant = |hunt: &&Hunt| format!("{:?}", hunt.mutant).contains(part);
    HUNTS.iter().filter(is_meant).any(|hunt| hunt.first.0 == scenario.name)
}

impl Hunt {
    /// Runs cases until one shows the fault.
    pub(crate) fn run(&self, recordings: &[Arc<Recording>]) -> Result<Option<Catch>> {
        let (scenario, start) = self.first;
        let home = recordings.iter().filter(|recording| recording.scenario.name == scenario);
        let mut runs = 0;
        for recording in home {
            let (likely, others): (Vec<Case>, Vec<Case>) = Case::all(recording, true)
                .into_iter()
                .partition(|case| case.to_string().starts_with(start));
            for case in likely.into_iter().chain(others) {
                runs += 1;
                let broken = violations(&case, recording, Some(self.mutant))?;
                let is_it = |violation: &Violation| violation.invariant == self.breaks;
                let Some(violation) = broken.into_iter().find(is_it) else { continue };
                // What fails anyway shows nothing.
                if violations(&case, recording, None)?.is_empty() {
                    let case = format!("{scenario}/{case}");
                    return Ok(Some(Catch { case, violation, runs }));
                }
            }
        }
        Ok(None)
    }
}

fn violations(
    case: &Case,
    recording: &Recording,
    mutant: Option<Mutant>,
) -> Result<Vec<Violation>> {
    Ok(block_on(async |cluster| case.run(cluster, recording, mutant).await)?.violations)
}
