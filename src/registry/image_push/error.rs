//! Why images are not all at the registry.

use a4co_bundle::{Digest, ReleaseId};
use thiserror::Error;

use crate::{
    error::RegistryError,
    name::{ParseNameError, Repository},
};

/// Why the images of a bundle are not all at the registry.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ImagePushError {
    /// A registry that cannot be written to, or a damaged file.
    #[error(transparent)]
    Registry(#[from] RegistryError),
    /// A name that no registry has.
    #[error("an image has no name that the registry can have")]
    Name(#[from] ParseNameError),
    /// Two images with one tag.
    #[error("`{name}` is the tag of {} and of {}, which are two images", digests[0], digests[1])]
    Tag {
        /// Repository and tag.
        name: String,
        /// What it would have to be.
        digests: [Digest; 2],
    },
    /// A blob that a delta leaves out, and the registry does not have.
    #[error("{repository} lacks the blob {digest}, which the bundle leaves out{}", of(.base.as_ref()))]
    Absent {
        /// Where it is needed.
        repository: Repository,
        /// Its digest.
        digest: Digest,
        /// Release whose bundle has it.
        base: Option<ReleaseId>,
    },
    /// A manifest that was there and is not any more.
    #[error("{repository} had the manifest {digest} and has it no more")]
    Vanished {
        /// Where it was.
        repository: Repository,
        /// Its digest.
        digest: Digest,
    },
}

fn of(base: Option<&ReleaseId>) -> String {
    base.map_or_else(String::new, |base| format!(", because the bundle of release {base} has it"))
}

impl ImagePushError {
    /// Returns what to do about it, if there is something that helps in general.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Registry(error) => error.hint(),
            Self::Name(_) => Some("give the registry a shorter prefix".to_owned()),
            Self::Tag { .. } => Some("push without --tags: pods find images by digest".to_owned()),
            Self::Absent { base: Some(base), .. } => Some(format!(
                "push the bundle of release {base} first, or join the two: `a4co-apply images join`"
            )),
            Self::Absent { base: None, .. } => None,
            Self::Vanished { .. } => Some(
                "something deletes images at the registry; see that it spares those with a tag \
                 `a4co-…`, and push again"
                    .to_owned(),
            ),
        }
    }
}
