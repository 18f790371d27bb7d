//! What happens, told while it happens.

use std::time::Duration;

use a4co_bundle::Digest;

use crate::error::RegistryError;

/// Something that happened between us and a registry.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// This is what will be transferred, or found to be there.
    Planned {
        /// How many blobs.
        blobs: usize,
        /// Their size in bytes.
        bytes: u64,
    },
    /// A blob was there already and is not transferred.
    Present {
        /// Its digest.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A blob begins to be transferred; or begins anew, when a registry lost what it had.
    Started {
        /// Its digest.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
        /// Bytes that an earlier attempt already transferred.
        offset: u64,
    },
    /// Bytes of a blob were transferred.
    Transferred {
        /// Its digest.
        digest: Digest,
        /// How many bytes.
        bytes: u64,
    },
    /// A blob is there, and its digest is right.
    Finished {
        /// Its digest.
        digest: Digest,
        /// Its size in bytes.
        size: u64,
    },
    /// A request failed and is made again.
    Retrying {
        /// Why it failed.
        error: &'a RegistryError,
        /// How long after.
        pause: Duration,
    },
    /// A mirror does not help, so the next address is asked.
    MirrorSkipped {
        /// Why.
        error: &'a RegistryError,
    },
}

/// Hears of what happens; must be quick, for the transfer waits.
pub trait Observer: Send + Sync {
    /// Hears of `event`.
    fn observe(&self, event: &Event<'_>);
}

/// Hears and forgets.
#[derive(Clone, Copy, Debug)]
pub struct Unobserved;

impl Observer for Unobserved {
    fn observe(&self, _: &Event<'_>) {}
}
