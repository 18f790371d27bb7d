//! What a tag stands for right now: the lockfile's question.

use std::collections::BTreeMap;

use a4co_bundle::{Digest, ImageDocument, ImageIndex, Platform};

use crate::{
    client::Client, error::RegistryError, name::Repository, reference::Reference, text::printable,
    wanted::Wanted,
};

/// Operating system of what is no image but lies beside one, such as an attestation.
const UNKNOWN: &str = "unknown";

/// What a tag stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Digest of the index, or of the manifest of an image for one platform.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: String,
    /// Manifest for each platform; never empty.
    pub platforms: BTreeMap<Platform, ResolvedManifest>,
}

/// The manifest of an image for one platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedManifest {
    /// Digest of the manifest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

impl Client {
    /// Asks what `reference` stands for: an index with its platforms, or a manifest, whose config
    /// tells the platform.
    ///
    /// Of several manifests for one platform, as those for versions of Windows, the first counts.
    ///
    /// # Errors
    /// Fails when it cannot be had, or is no image for any platform.
    pub async fn resolve(
        &self,
        repository: &Repository,
        reference: &Reference,
    ) -> Result<Resolved, RegistryError> {
        let found = self.manifest(repository, reference).await?;
        let (digest, size) = (found.digest, found.bytes.len() as u64);
        let refuse = |why: String| {
            let wanted = Wanted::new(reference, repository);
            RegistryError::Image { wanted: Box::new(wanted), why }
        };
        let document = ImageDocument::from_bytes(&found.bytes)
            .map_err(|error| refuse(printable(&error.to_string())))?;
        let platforms = match document {
            ImageDocument::Index(index) => platforms_of(&index),
            ImageDocument::Manifest(manifest) => {
                let config = &manifest.config;
                let bytes = self.small_blob(repository, config.digest, config.size).await?;
                let platform = Platform::of_config(&bytes).ok_or_else(|| {
                    refuse("its config names no platform, so it is no container image".to_owned())
                })?;
                BTreeMap::from([(platform, ResolvedManifest { digest, size })])
            }
        };
        if platforms.is_empty() {
            return Err(refuse("its index lists no image for any platform".to_owned()));
        }
        Ok(Resolved { digest, size, media_type: found.media_type, platforms })
    }
}

fn platforms_of(index: &ImageIndex) -> BTreeMap<Platform, ResolvedManifest> {
    let mut platforms = BTreeMap::new();
    for listed in &index.manifests {
        let Some(platform) = listed.platform.clone().filter(|it| it.os() != UNKNOWN) else {
            continue;
        };
        let (digest, size) = (listed.descriptor.digest, listed.descriptor.size);
        platforms.entry(platform).or_insert(ResolvedManifest { digest, size });
    }
    platforms
}
