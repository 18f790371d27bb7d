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

/// A deliberate fault and the cases that are tried first, each a scenario and the beginning of
/// names.
pub(crate) struct Hunt {
    pub(crate) mutant: Mutant,
    first: (&'static str, &'static str),
}

/// How a deliberate fault was seen.
pub(crate) struct Catch {
    pub(crate) case: String,
    pub(crate) violation: Violation,
    /// How many runs it took.
    pub(crate) runs: usize,
}

const fn hunt(mutant: Mutant, scenario: &'static str, cases: &'static str) -> Hunt {
    Hunt { mutant, first: (scenario, cases) }
}

pub(crate) const HUNTS: [Hunt; 35] = [
    hunt(Mutant::CommitBeforeLastWave, "change", "no-fault"),
    hunt(Mutant::CommitInTwoWrites, "change", "no-fault"),
    hunt(Mutant::PruneBeforeCommit, "change", "no-fault"),
    hunt(Mutant::RecoveryDoesNotPrune, "change", "kill-after/PUT configmaps/head"),
    hunt(Mutant::JournalAfterEffect, "change", "no-fault"),
    hunt(Mutant::EmptyUndoLog, "failing-change", "no-fault"),
    hunt(Mutant::NoImages, "failing-change", "no-fault"),
    hunt(Mutant::UndoLogAfterJournal, "change", "kill-after/PUT configmaps/head"),
    hunt(Mutant::NoDeleteOnWayBack, "failing-change", "no-fault"),
    hunt(Mutant::NoRestoreOnWayBack, "failing-change", "no-fault"),
    hunt(Mutant::NoOwnersOnWayBack, "failing-change", "no-fault"),
    hunt(Mutant::OneRoundOnWayBack, "failing-change", "no-fault"),
    hunt(Mutant::NoRenewal, "change", "pause/PATCH"),
    hunt(Mutant::NoLateCreations, "change", "pause/PATCH configmaps/added"),
    hunt(Mutant::RecoveryOnlyCloses, "change", "kill-after/PATCH"),
    hunt(Mutant::RecoveryCommits, "change", "kill-after/PATCH"),
    hunt(Mutant::UpdateWithoutPrecondition, "change", "pause/PATCH"),
    hunt(Mutant::DeleteWithoutPrecondition, "change", "pause/DELETE"),
    hunt(Mutant::CreateOverwrites, "change", "pause/PATCH configmaps/added"),
    hunt(Mutant::HeadWithoutPrecondition, "change", "pause/PUT configmaps/head"),
    hunt(Mutant::LostHeadWriteIsDone, "change", "timeout/PUT configmaps/head"),
    hunt(Mutant::NoNewEpoch, "change", "no-fault"),
    hunt(Mutant::ForgetAnObject, "change", "no-fault"),
    hunt(Mutant::NoWaitForReady, "failing-change", "no-fault"),
    hunt(Mutant::NoConfirmation, "change", "meddling"),
    hunt(Mutant::NoFrom, "change", "no-fault"),
    hunt(Mutant::StaleInventory, "change", "no-fault"),
    hunt(Mutant::PruneOthers, "neighbours", "no-fault"),
    hunt(Mutant::ForgetHighestVersion, "rollback", "no-fault"),
    hunt(Mutant::NoStoredRelease, "change", "no-fault"),
    hunt(Mutant::CollectHistory, "change", "no-fault"),
    hunt(Mutant::CollectInventory, "change", "no-fault"),
    hunt(Mutant::DeleteBeforeCommit, "delete", "no-fault"),
    hunt(Mutant::DeleteHeadFirst, "delete", "no-fault"),
    hunt(Mutant::IgnoreLease, "change", "kill-before/PATCH"),
];

/// Whether deliberate faults are looked for in this scenario.
pub(crate) fn is_ground(scenario: &Scenario) -> bool {
    HUNTS.iter().any(|hunt| hunt.first.0 == scenario.name)
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
                let Some(violation) = first_violation(&case, recording, Some(self.mutant))? else {
                    continue;
                };
                // What fails anyway shows nothing.
                if first_violation(&case, recording, None)?.is_none() {
                    let case = format!("{scenario}/{case}");
                    return Ok(Some(Catch { case, violation, runs }));
                }
            }
        }
        Ok(None)
    }
}

fn first_violation(
    case: &Case,
    recording: &Recording,
    mutant: Option<Mutant>,
) -> Result<Option<Violation>> {
    let finding = block_on(async |cluster| case.run(cluster, recording, mutant).await)?;
    // A request that does not come any more is no proof that anything is wrong.
    let is_proof = |violation: &Violation| violation.invariant != "case";
    Ok(finding.violations.into_iter().find(is_proof))
}
