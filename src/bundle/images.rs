//! What the images of a release consist of, and where in a bundle it lies.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    contents::Contents,
    digest::{Digest, ReleaseId},
    platform::Platform,
};

/// What a blob of an image is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BlobKind {
    /// The index or manifest that the release pins.
    Root,
    /// A manifest that an index lists.
    Manifest,
    /// The config of a manifest.
    Config,
    /// A layer of a manifest.
    Layer,
}

impl BlobKind {
    /// Returns whether it refers to other blobs: an index or a manifest.
    #[must_use]
    pub fn is_document(self) -> bool {
        matches!(self, Self::Root | Self::Manifest)
    }
}

/// A blob of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageBlob {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type, by the document that named it first; for a root, its own.
    pub media_type: String,
    /// What it is to the document that named it first.
    pub kind: BlobKind,
    /// Whether it is left out of the bundle.
    pub is_absent: bool,
}

/// A manifest that an index lists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedManifest {
    /// Its digest.
    pub digest: Digest,
    /// Its platform, if the index says one.
    pub platform: Option<Platform>,
    /// Whether its platform is one of those that are here, with config and layers. The manifest
    /// itself is here in any case.
    pub is_here: bool,
}

/// Config and layers of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestParts {
    /// Digest of the config.
    pub config: Digest,
    /// Digests of the layers, the lowest first.
    pub layers: Vec<Digest>,
}

/// What the images of a release consist of, for some platforms.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageSet {
    pub(crate) indexes: BTreeMap<Digest, Vec<ListedManifest>>,
    pub(crate) manifests: BTreeMap<Digest, ManifestParts>,
    pub(crate) blobs: Vec<ImageBlob>,
    pub(crate) positions: BTreeMap<Digest, usize>,
}

impl ImageSet {
    /// Returns every blob once, in the order of a bundle, also those that are left out of it.
    #[must_use]
    pub fn blobs(&self) -> &[ImageBlob] {
        &self.blobs
    }

    /// Returns the blob with this digest.
    #[must_use]
    pub fn blob(&self, digest: Digest) -> Option<&ImageBlob> {
        self.positions.get(&digest).map(|position| &self.blobs[*position])
    }

    /// Returns the manifests that the index with this digest lists, in its order, also those whose
    /// platform is not here.
    #[must_use]
    pub fn index(&self, digest: Digest) -> Option<&[ListedManifest]> {
        self.indexes.get(&digest).map(Vec::as_slice)
    }

    /// Returns what the manifest with this digest names as config and layers, be they here or not.
    #[must_use]
    pub fn manifest(&self, digest: Digest) -> Option<&ManifestParts> {
        self.manifests.get(&digest)
    }

    /// Returns the manifests of the image with this root whose platform is here, with config and
    /// layers. The root may be a manifest itself.
    #[must_use]
    pub fn manifests_here(&self, root: Digest) -> Vec<Digest> {
        match self.index(root) {
            Some(listed) => listed.iter().filter(|it| it.is_here).map(|it| it.digest).collect(),
            None => self.manifests.contains_key(&root).then_some(root).into_iter().collect(),
        }
    }

    /// Returns the manifests that the index with this digest lists for platforms that are not here,
    /// each once and in its order: they are stored without what they refer to. A root that is a
    /// manifest has none.
    #[must_use]
    pub fn bare_manifests(&self, root: Digest) -> Vec<&ImageBlob> {
        let mut seen: BTreeSet<_> = self.manifests_here(root).into_iter().collect();
        let listed = self.index(root).unwrap_or_default().iter().map(|it| it.digest);
        listed.filter(|it| seen.insert(*it)).filter_map(|it| self.blob(it)).collect()
    }

    /// Returns every blob of the platforms that are here of the image with this root, each once and
    /// after all that it refers to, as a registry wants to be given them: the root comes last. The
    /// index may list more: [`Self::bare_manifests`].
    #[must_use]
    pub fn leaves_first(&self, root: Digest) -> Vec<&ImageBlob> {
        let mut digests = Vec::new();
        for manifest in self.manifests_here(root) {
            if let Some(parts) = self.manifest(manifest) {
                digests.extend_from_slice(&parts.layers);
                digests.push(parts.config);
            }
            digests.push(manifest);
        }
        digests.push(root);
        let mut seen = BTreeSet::new();
        digests.retain(|digest| seen.insert(*digest));
        digests.into_iter().filter_map(|digest| self.blob(digest)).collect()
    }
}

/// The images that a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredImages {
    pub(crate) contents: Contents,
    pub(crate) set: ImageSet,
    /// Offset of each blob's content in the tar stream, by position in the set.
    pub(crate) offsets: Vec<Option<u64>>,
}

/// A blob that lies in a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBlob {
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
    /// Offset of its content in the tar stream of the bundle.
    pub offset: u64,
}

/// How much of its images a bundle holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Platforms whose content is here; nothing if it is that of all.
    pub platforms: Option<Vec<Platform>>,
    /// Number of blobs that are here, each counted once.
    pub blobs: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// Number of blobs that are left out.
    pub absent: usize,
    /// Release whose bundle has what is left out.
    pub base: Option<ReleaseId>,
}

impl StoredImages {
    /// Counts what is here.
    #[must_use]
    pub fn held(&self) -> Held {
        let Contents { platforms, base, absent, .. } = &self.contents;
        let here = || self.set.blobs.iter().filter(|blob| !blob.is_absent);
        Held {
            platforms: (!platforms.is_empty()).then(|| platforms.iter().cloned().collect()),
            blobs: here().count(),
            bytes: here().map(|blob| blob.size).sum(),
            absent: absent.len(),
            base: *base,
        }
    }

    /// Returns what the bundle says is here.
    #[must_use]
    pub fn contents(&self) -> &Contents {
        &self.contents
    }

    /// Returns what the images consist of, also what is left out of the bundle.
    #[must_use]
    pub fn set(&self) -> &ImageSet {
        &self.set
    }

    /// Returns where the blob with this digest lies; nothing if it is none of the images here, or
    /// is left out.
    #[must_use]
    pub fn stored(&self, digest: Digest) -> Option<StoredBlob> {
        let position = *self.set.positions.get(&digest)?;
        let ImageBlob { size, media_type, .. } = &self.set.blobs[position];
        let (size, media_type) = (*size, media_type.clone());
        let offset = (*self.offsets.get(position)?)?;
        Some(StoredBlob { digest, size, media_type, offset })
    }
}
