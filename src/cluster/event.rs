//! What happens while a command runs, for whoever wants to show it.

use std::time::Duration;

use a4co_bundle::{ObjectRef, ReleaseId};

use crate::{head::State, plan::Plan};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Somebody else is at work; we wait for the lease.
    WaitingForLease,
    /// An earlier command was interrupted; its work is finished first.
    Recovering {
        /// What it was doing.
        state: State,
    },
    /// The plan stands, and will be carried out.
    Planned(&'a Plan),
    /// A wave begins.
    Wave {
        /// Its number.
        wave: u8,
        /// How many objects it writes.
        objects: usize,
    },
    /// An object was created or updated.
    Applied(&'a ObjectRef),
    /// Still waiting for objects to become ready.
    Waiting {
        /// For how long.
        elapsed: Duration,
        /// How many objects are waited for, those that are ready by now included.
        awaited: usize,
        /// For what, and why it is not ready.
        pending: &'a [Pending],
    },
    /// The release is committed.
    Committed(ReleaseId),
    /// An object was deleted.
    Deleted(&'a ObjectRef),
    /// The release failed; the old one is being restored.
    RollingBack {
        /// Why.
        why: &'a str,
    },
    /// Something that did not stop the command.
    Warning(&'a str),
}

/// An object that is not ready yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Object.
    pub object: ObjectRef,
    /// Why it is not ready.
    pub why: String,
    /// What a person can do about it, where that is known.
    pub remedy: Option<&'static str>,
}

/// Hears what happens.
pub trait Observer: Sync {
    /// Called for every event, from the task that does the work; must not block for long.
    fn observe(&self, event: &Event<'_>);
}
