//! A release: a manifest, its config and its objects, all named by one digest.

use std::sync::Arc;

use serde_json::Value;

use crate::{
    canonical,
    config::ReleaseConfig,
    digest::{Digest, ReleaseId},
    error::ReleaseError,
    labels,
    manifest::{Blob, Listed, Manifest},
    object::Object,
};

/// A release, complete and consistent. Clones share it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release(Arc<Parts>);

#[derive(Debug, PartialEq, Eq)]
struct Parts {
    id: ReleaseId,
    manifest: Vec<u8>,
    config: ReleaseConfig,
    config_bytes: Vec<u8>,
    objects: Vec<Object>,
}

impl Release {
    /// Makes a release of `config` and of manifests with the wave of each, in any order; lists of
    /// the config whose order means nothing are sorted.
    ///
    /// # Errors
    /// Fails when a manifest is not a Kubernetes object or not a member of the release's set, when
    /// one object occurs twice, when the config names something that cannot be or names it twice, or
    /// when something is too large.
    pub fn new(
        mut config: ReleaseConfig,
        manifests: Vec<(u8, Value)>,
    ) -> Result<Self, ReleaseError> {
        config.sort();
        config.check()?;
        let applyset = labels::applyset_id(&config.app, &config.namespace);
        let mut objects = manifests
            .into_iter()
            .map(|(wave, manifest)| Object::new(wave, &manifest, &applyset))
            .collect::<Result<Vec<_>, _>>()?;
        objects.sort_by(|a, b| (a.wave(), a.reference()).cmp(&(b.wave(), b.reference())));
        let config_bytes = canonical::to_bytes(&config).map_err(ReleaseError::Config)?;
        let listed =
            Manifest { config: blob(&config_bytes), objects: objects.iter().map(list).collect() };
        listed.check()?;
        let manifest = listed.to_bytes()?;
        let id = ReleaseId::of(&manifest);
        Ok(Self(Arc::new(Parts { id, manifest, config, config_bytes, objects })))
    }

    /// Puts a release together from parts that the caller has checked, each and all together.
    pub(crate) fn from_verified_parts(
        manifest: Vec<u8>,
        config: ReleaseConfig,
        config_bytes: Vec<u8>,
        objects: Vec<Object>,
    ) -> Self {
        let id = ReleaseId::of(&manifest);
        Self(Arc::new(Parts { id, manifest, config, config_bytes, objects }))
    }

    /// Returns the release id.
    #[must_use]
    pub fn id(&self) -> ReleaseId {
        self.0.id
    }

    /// Returns the config.
    #[must_use]
    pub fn config(&self) -> &ReleaseConfig {
        &self.0.config
    }

    /// Returns the objects by wave and reference.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        &self.0.objects
    }

    /// Returns the bytes of the manifest; the release id is their digest.
    #[must_use]
    pub fn manifest(&self) -> &[u8] {
        &self.0.manifest
    }

    /// Returns the bytes of the config.
    #[must_use]
    pub fn config_bytes(&self) -> &[u8] {
        &self.0.config_bytes
    }

    /// Returns the id of the set whose members the objects are.
    #[must_use]
    pub fn applyset(&self) -> String {
        labels::applyset_id(&self.0.config.app, &self.0.config.namespace)
    }
}

fn list(object: &Object) -> Listed {
    Listed {
        wave: object.wave(),
        object: object.reference().clone(),
        blob: Blob { digest: object.digest(), size: object.bytes().len() as u64 },
    }
}

fn blob(bytes: &[u8]) -> Blob {
    Blob { digest: Digest::of(bytes), size: bytes.len() as u64 }
}
