//! What is served: repositories, with their tags and blobs.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{Digest, Image, StoredImages};
use thiserror::Error;

use crate::{
    delta::{DeltaError, refuse_delta},
    name::{ParseNameError, Repository},
};

/// The repositories that a bundle holds.
#[derive(Clone, Debug)]
pub struct Catalog {
    repositories: BTreeMap<Repository, Shelf>,
}

/// What a repository has.
#[derive(Clone, Debug, Default)]
pub(super) struct Shelf {
    pub(super) tags: BTreeMap<String, Digest>,
    /// Indexes and manifests.
    pub(super) documents: BTreeSet<Digest>,
    /// Configs and layers.
    pub(super) blobs: BTreeSet<Digest>,
}

/// Why a bundle cannot be served.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A part of the images is in another bundle.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// A name that no registry has.
    #[error(transparent)]
    Name(#[from] ParseNameError),
}

impl Catalog {
    /// Lists the `images` of a release as far as its bundle holds them, which is `stored`.
    ///
    /// # Errors
    /// Fails when the bundle is a delta, and when an image has a name that no registry could have.
    pub fn new(images: &[Image], stored: &StoredImages) -> Result<Self, CatalogError> {
        refuse_delta(stored)?;
        let mut repositories: BTreeMap<Repository, Shelf> = BTreeMap::new();
        for image in images {
            let shelf = repositories.entry(image.name.parse()?).or_default();
            for blob in stored.set().leaves_first(image.digest) {
                let shelf =
                    if blob.kind.is_document() { &mut shelf.documents } else { &mut shelf.blobs };
                shelf.insert(blob.digest);
            }
            if !image.tag.is_empty() {
                shelf.tags.insert(image.tag.clone(), image.digest);
            }
        }
        Ok(Self { repositories })
    }

    /// Returns what the repositories have that `name` may mean: all of that path, or only that of
    /// the registry `namespace`, or the one that is named with its registry.
    pub(super) fn find(&self, name: &str, namespace: Option<&str>) -> Vec<&Shelf> {
        let is_meant = |repository: &Repository| {
            let host = repository.host().as_str();
            let has_host = || {
                let rest = name.strip_prefix(host).and_then(|rest| rest.strip_prefix('/'));
                rest == Some(repository.path())
            };
            let is_path = repository.path() == name && namespace.is_none_or(|it| it == host);
            is_path || has_host()
        };
        let found = self.repositories.iter().filter(|(repository, _)| is_meant(repository));
        found.map(|(_, shelf)| shelf).collect()
    }
}
