//! Bundles that leave something out: nothing can be imported or served from one alone.

use a4co_bundle::{ReleaseId, StoredImages};
use thiserror::Error;

/// A part of the images is in another bundle.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the bundle is a delta and leaves out what the bundle of release {base} holds; join the two \
     first: `a4co-apply images join`"
)]
pub struct DeltaError {
    /// The release of the other bundle.
    pub base: ReleaseId,
}

/// Refuses a bundle that leaves something out.
pub(crate) fn refuse_delta(stored: &StoredImages) -> Result<(), DeltaError> {
    stored.contents().base.map_or(Ok(()), |base| Err(DeltaError { base }))
}
