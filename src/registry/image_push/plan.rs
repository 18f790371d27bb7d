//! What goes where, decided before anything is sent.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{Digest, Image, ImageBlob, StoredImages};

use crate::{
    address::Address,
    image_push::{ImagePushError, Tags},
    name::Repository,
    reference::Reference,
};

/// What is to be at the registry.
#[derive(Debug)]
pub(super) struct Plan {
    /// Every repository, once.
    pub(super) repositories: BTreeSet<Repository>,
    /// Configs and layers, each once, in the order of the bundle: a disk reads that fastest.
    pub(super) blobs: Vec<PlannedBlob>,
    /// Images, in the order of the release.
    pub(super) images: Vec<PlannedImage>,
}

/// A config or layer.
#[derive(Debug)]
pub(super) struct PlannedBlob {
    pub(super) digest: Digest,
    pub(super) size: u64,
    /// Whether the bundle leaves it out.
    pub(super) is_absent: bool,
    /// Where it is needed.
    pub(super) repositories: BTreeSet<Repository>,
}

/// An image.
#[derive(Debug)]
pub(super) struct PlannedImage {
    pub(super) repository: Repository,
    pub(super) root: Digest,
    /// Indexes and manifests, each after what it refers to.
    pub(super) documents: Vec<Digest>,
    /// Manifests that the index lists for platforms that are not here.
    pub(super) bare: Vec<Digest>,
    pub(super) tags: Vec<Reference>,
}

impl Plan {
    pub(super) fn new(
        images: &[Image],
        stored: &StoredImages,
        registry: &Address,
        tags: Tags,
    ) -> Result<Self, ImagePushError> {
        let set = stored.set();
        let mut needed: BTreeMap<Digest, BTreeSet<Repository>> = BTreeMap::new();
        let mut planned: Vec<PlannedImage> = Vec::new();
        let mut tagged = BTreeMap::new();
        for image in images {
            let repository = registry.repository(&image.name.parse()?)?;
            let mut documents = Vec::new();
            for blob in set.leaves_first(image.digest) {
                if blob.kind.is_document() {
                    documents.push(blob.digest);
                } else {
                    needed.entry(blob.digest).or_default().insert(repository.clone());
                }
            }
            let (root, tags) = (image.digest, tags_of(image, tags)?);
            for tag in &tags {
                let name = format!("{repository}:{tag}");
                let first = *tagged.entry(name.clone()).or_insert(root);
                if first != root {
                    return Err(ImagePushError::Tag { name, digests: [first, root] });
                }
            }
            let bare = set.bare_manifests(root).iter().map(|blob| blob.digest).collect();
            planned.push(PlannedImage { repository, root, documents, bare, tags });
        }
        let blobs = set.blobs().iter().filter_map(|blob| {
            let repositories = needed.remove(&blob.digest)?;
            let ImageBlob { digest, size, is_absent, .. } = *blob;
            Some(PlannedBlob { digest, size, is_absent, repositories })
        });
        let blobs = blobs.collect();
        let repositories = planned.iter().map(|image| image.repository.clone()).collect();
        Ok(Self { repositories, blobs, images: planned })
    }

    /// Returns every index and manifest with its repository, once.
    pub(super) fn documents<'a>(&'a self) -> BTreeSet<(&'a Repository, Digest)> {
        let of = |image: &'a PlannedImage| {
            let PlannedImage { repository, documents, .. } = image;
            documents.iter().map(move |digest| (repository, *digest))
        };
        self.images.iter().flat_map(of).collect()
    }
}

/// Returns the tags that an image gets.
fn tags_of(image: &Image, tags: Tags) -> Result<Vec<Reference>, ImagePushError> {
    let own = format!("a4co-{}", &image.digest.to_hex()[..12]);
    let mut all = vec![Reference::tag(&own)?];
    if tags == Tags::Release && !image.tag.is_empty() {
        all.push(Reference::tag(&image.tag)?);
    }
    Ok(all)
}
