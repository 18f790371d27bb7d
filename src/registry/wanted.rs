//! What was wanted of which registry, for errors and progress.

use std::fmt;

use a4co_bundle::Digest;

use crate::{address::Address, name::Repository, reference::Reference};

/// What was wanted of which registry: `docker.io/library/nats:2.11`, `the blob sha256:… of
/// docker.io/library/nats`, and from where if that was a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub(crate) what: What,
    pub(crate) repository: Repository,
    /// Where it was asked for, if that is not the registry itself.
    pub(crate) mirror: Option<Address>,
}

/// A part of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// An index or a manifest.
    Manifest(Reference),
    /// Anything else by its digest.
    Blob(Digest),
}

impl Wanted {
    /// Wants something of the registry itself.
    pub(crate) fn new(what: impl Into<What>, repository: &Repository) -> Self {
        Self { what: what.into(), repository: repository.clone(), mirror: None }
    }

    /// Returns who was asked, as `docker login` calls it.
    pub(crate) fn asked(&self) -> &str {
        match &self.mirror {
            Some(mirror) => mirror.authority(),
            None => self.repository.host().as_str(),
        }
    }

    /// Returns the digest that was asked for, if it was one that names a manifest.
    pub(crate) fn pinned(&self) -> Option<Digest> {
        match self.what {
            What::Manifest(Reference::Digest(digest)) => Some(digest),
            _ => None,
        }
    }
}

impl From<&Reference> for What {
    fn from(reference: &Reference) -> Self {
        Self::Manifest(reference.clone())
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, repository, mirror } = self;
        match what {
            What::Manifest(Reference::Tag(tag)) => write!(f, "{repository}:{tag}")?,
            What::Manifest(Reference::Digest(digest)) => write!(f, "{repository}@{digest}")?,
            What::Blob(digest) => write!(f, "the blob {digest} of {repository}")?,
        }
        mirror.as_ref().map_or(Ok(()), |mirror| write!(f, " (from the mirror {mirror})"))
    }
}
