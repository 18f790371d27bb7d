//! What happens while a command runs, for whoever wants to show it.

use std::time::Duration;

use a4co_bundle::{Digest, ObjectRef, Overlay, ReleaseId};

use crate::{head::State, plan::Plan};

/// Something that happened.
#[derive(Debug)]
pub enum Event<'a> {
    /// Somebody else has the lease, and we wait for it.
    WaitingForLease {
        /// Who has it.
        holder: &'a str,
        /// Seconds since it was renewed.
        age_seconds: i64,
    },
    /// An earlier command was interrupted; its work is finished first.
    Recovering {
        /// What it was doing.
        state: State,
    },
    /// It stands where images come from.
    Registries {
        /// The site overlay that is to be in force.
        overlay: Option<&'a Overlay>,
        /// Digest of the one in force until now.
        before: Option<Digest>,
        /// Registries of the release that the overlay says nothing about.
        others: Vec<String>,
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
    /// Still waiting for objects.
    Waiting {
        /// What they are to become.
        goal: Goal,
        /// For how long.
        elapsed: Duration,
        /// How many objects are waited for, those that are so by now included.
        awaited: usize,
        /// For what, and why it is not so.
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

/// What objects are waited for to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Ready.
    Ready,
    /// Gone: they are being deleted.
    Gone,
}

/// An object that is awaited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Object.
    pub object: ObjectRef,
    /// Why it is not ready, or not gone.
    pub why: String,
    /// What a person can do about it, where that is known.
    pub remedy: Option<&'static str>,
}

/// Hears what happens.
pub trait Observer: Sync {
    /// Called for every event, from the task that does the work; must not block for long.
    fn observe(&self, event: &Event<'_>);
}
