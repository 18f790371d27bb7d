//! `a4co/images.json`: which blobs of a release's images a bundle holds.
//!
//! Nobody signs it, and nobody has to: it can only leave something out. Which bytes an image has is
//! pinned by the release that is signed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    canonical,
    digest::{Digest, ReleaseId},
    error::ImageError,
    images::{ImageSet, StoredImages},
    limits::MAX_CONTENTS_BYTES,
    platform::Platform,
};

/// Version of the schema of [`Contents`] that this code reads and writes.
pub const CONTENTS_SCHEMA: u32 = 1;

/// Which of the blobs that a release's images consist of are in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contents {
    /// Configs and layers that are left out, because `base` has them. Indexes and manifests never
    /// are: they are small, and tell what is missing.
    pub absent: BTreeSet<Digest>,
    /// Release whose bundle has what is absent. There exactly if something is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<ReleaseId>,
    /// Platforms whose configs and layers are here; empty for all of every index, attestations of
    /// build tools included. Every manifest is here, and an image without an index, in any case.
    pub platforms: BTreeSet<Platform>,
    /// Version of this schema, [`CONTENTS_SCHEMA`].
    pub schema: u32,
}

/// What every version of the schema has.
#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

impl Contents {
    /// Everything of these platforms, or of all if there is none.
    #[must_use]
    pub fn full(platforms: impl IntoIterator<Item = Platform>) -> Self {
        let platforms = platforms.into_iter().collect();
        Self { absent: BTreeSet::new(), base: None, platforms, schema: CONTENTS_SCHEMA }
    }

    /// The contents of a delta: what `images` has (as a walk with [`Contents::full`] of the same
    /// platforms found it) without what the bundle of release `base` holds.
    #[must_use]
    pub fn delta(
        platforms: impl IntoIterator<Item = Platform>,
        images: &ImageSet,
        base: ReleaseId,
        held: &StoredImages,
    ) -> Self {
        let content = images.blobs().iter().filter(|blob| !blob.kind.is_document());
        let absent: BTreeSet<_> =
            content.map(|blob| blob.digest).filter(|it| held.stored(*it).is_some()).collect();
        let base = (!absent.is_empty()).then_some(base);
        Self { absent, base, ..Self::full(platforms) }
    }

    /// Returns whether nothing is left out of what the platforms need.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.absent.is_empty()
    }

    /// Encodes the list as it stands in a bundle.
    ///
    /// # Errors
    /// Fails when a reader would refuse it.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ImageError> {
        self.check()?;
        let bytes = canonical::to_bytes(self).map_err(ImageError::Contents)?;
        if bytes.len() as u64 > MAX_CONTENTS_BYTES {
            let what = "bytes in `a4co/images.json`";
            return Err(ImageError::TooMany { what, limit: MAX_CONTENTS_BYTES });
        }
        Ok(bytes)
    }

    /// Reads the list.
    ///
    /// # Errors
    /// Fails on anything that [`Self::to_bytes`] would not write.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ImageError> {
        // Asked first: another schema has other fields, and the person should hear the reason.
        let Schema { schema } = canonical::from_bytes(bytes).map_err(ImageError::Contents)?;
        check_schema(schema)?;
        let contents: Self = canonical::from_exact_bytes(bytes).map_err(ImageError::Contents)?;
        contents.check()?;
        Ok(contents)
    }

    fn check(&self) -> Result<(), ImageError> {
        check_schema(self.schema)?;
        if self.base.is_some() == self.absent.is_empty() {
            return Err(ImageError::Base);
        }
        Ok(())
    }
}

fn check_schema(found: u32) -> Result<(), ImageError> {
    if found == CONTENTS_SCHEMA {
        return Ok(());
    }
    Err(ImageError::Schema { found, supported: CONTENTS_SCHEMA })
}
