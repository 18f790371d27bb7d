//! Deliberate faults in the protocol, to prove that the crash enumeration would see each of them.
//!
//! They exist only with the feature `mutants`, which no program of ours has; without it [`is`] is
//! the constant `false`, and nothing of this is left in a binary.

/// A deliberate fault.
#[cfg_attr(not(feature = "mutants"), expect(unreachable_pub, reason = "the feature publishes it"))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// The release is committed before its last wave is written.
    CommitBeforeLastWave,
    /// The commit is two head writes: first `committed`, then the rest.
    CommitInTwoWrites,
    /// What the release drops is deleted before the commit.
    PruneBeforeCommit,
    /// What the release drops is not deleted by a recovery.
    RecoveryDoesNotPrune,
    /// The first wave is written before the journal is open.
    JournalAfterEffect,
    /// The undo log is empty.
    EmptyUndoLog,
    /// The undo log says of every object that it did not exist.
    NoImages,
    /// The journal names an undo log that is not stored.
    NoStoredUndoLog,
    /// The way back leaves what the failed release created.
    NoDeleteOnWayBack,
    /// The way back leaves what the failed release changed.
    NoRestoreOnWayBack,
    /// The way back gives fields their values back, but not their owners.
    NoOwnersOnWayBack,
    /// The way back does not look again at what it did.
    OneRoundOnWayBack,
    /// The way back does not outdate requests that may still be under way.
    NoRenewal,
    /// The way back forgets what late requests may yet create.
    NoLateCreations,
    /// Recovery closes the journal and says that all is undone.
    RecoveryOnlyCloses,
    /// Recovery commits the new release as it is.
    RecoveryCommits,
    /// Updates are sent without uid and version of the object that was seen.
    UpdateWithoutPrecondition,
    /// Deletions are sent without uid and version of the object that was seen.
    DeleteWithoutPrecondition,
    /// Creations overwrite what is there.
    CreateOverwrites,
    /// The head is written without the version that was read.
    HeadWithoutPrecondition,
    /// What is read while another command takes over is taken for current.
    NoFencingCheck,
    /// What is created does not say in which transaction.
    NoEpochOnCreations,
    /// The head is written twice each time.
    HeadWrittenTwice,
    /// A head write without an answer counts as done.
    LostHeadWriteIsDone,
    /// The epoch stays.
    NoNewEpoch,
    /// An object that changes is left as it is.
    ForgetAnObject,
    /// Nothing waits for a wave to become ready.
    NoWaitForReady,
    /// What others changed before the commit is not noticed.
    NoConfirmation,
    /// The journal forgets which release was there before.
    NoFrom,
    /// The inventory stays what it was.
    StaleInventory,
    /// What belongs to others by now is pruned too.
    PruneOthers,
    /// The highest version is that of the last release.
    ForgetHighestVersion,
    /// The new release is not stored in the cluster.
    NoStoredRelease,
    /// Of stored content there is the first chunk alone.
    OneChunk,
    /// Garbage collection deletes the bundles that only the history names.
    CollectHistory,
    /// Garbage collection deletes the inventory.
    CollectInventory,
    /// A deletion removes objects before the head says so.
    DeleteBeforeCommit,
    /// A deletion removes the head before the objects.
    DeleteHeadFirst,
    /// What is committed is applied again as if it were new.
    NeverSettled,
    /// A held lease is ignored.
    IgnoreLease,
}

#[cfg(feature = "mutants")]
tokio::task_local! {
    static CHOSEN: Mutant;
    static CHUNK_BYTES: usize;
}

/// Does `work` with one deliberate fault.
#[cfg(feature = "mutants")]
pub async fn with<T>(mutant: Mutant, work: impl Future<Output = T>) -> T {
    CHOSEN.scope(mutant, work).await
}

/// Returns whether the fault `mutant` is wanted.
#[cfg(feature = "mutants")]
pub(crate) fn is(mutant: Mutant) -> bool {
    CHOSEN.try_with(|chosen| *chosen == mutant).unwrap_or(false)
}

/// Returns whether the fault `mutant` is wanted: never.
#[cfg(not(feature = "mutants"))]
pub(crate) const fn is(_: Mutant) -> bool {
    false
}

/// Does `work` with chunks of stored content of `bytes`, so that little content has several.
#[cfg(feature = "mutants")]
pub async fn with_chunks_of<T>(bytes: usize, work: impl Future<Output = T>) -> T {
    CHUNK_BYTES.scope(bytes, work).await
}

/// Bytes of a chunk of stored content: `usual`, unless a test wants it otherwise.
#[cfg(feature = "mutants")]
pub(crate) fn chunk_bytes(usual: usize) -> usize {
    CHUNK_BYTES.try_with(|bytes| *bytes).unwrap_or(usual)
}

/// Bytes of a chunk of stored content: `usual`.
#[cfg(not(feature = "mutants"))]
pub(crate) const fn chunk_bytes(usual: usize) -> usize {
    usual
}
