//! The release manifest: an OCI image manifest whose layers are Kubernetes objects.
//!
//! Its digest is the release id. Fixed parts are not read but compared: a manifest is accepted only
//! if writing what was read gives the same bytes again.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    canonical,
    digest::{Digest, ReleaseId},
    error::ReleaseError,
    limits::{MAX_CONFIG_BYTES, MAX_MANIFEST_BYTES, MAX_OBJECT_BYTES, MAX_OBJECTS_BYTES},
    object::ObjectRef,
};

const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const ARTIFACT_TYPE: &str = "application/vnd.a4co.release.v1+json";
const CONFIG_TYPE: &str = "application/vnd.a4co.release.config.v1+json";
const OBJECT_TYPE: &str = "application/vnd.a4co.object.v1+json";

const WAVE: &str = "dev.a4co.wave";
const API_VERSION: &str = "dev.a4co.api-version";
const KIND: &str = "dev.a4co.kind";
const NAMESPACE: &str = "dev.a4co.namespace";
const NAME: &str = "dev.a4co.name";

/// Digest and size of a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blob {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

/// One object as the manifest lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) wave: u8,
    pub(crate) object: ObjectRef,
    pub(crate) blob: Blob,
}

/// What a release manifest says: its config, and its objects by wave and reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) config: Blob,
    pub(crate) objects: Vec<Listed>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OciManifest {
    schema_version: u32,
    media_type: String,
    artifact_type: String,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OciIndex {
    schema_version: u32,
    media_type: String,
    manifests: Vec<Descriptor>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Descriptor {
    media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<String>,
    digest: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<String, String>,
}

impl Manifest {
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ReleaseError> {
        let manifest = OciManifest {
            schema_version: 2,
            media_type: MANIFEST_TYPE.to_owned(),
            artifact_type: ARTIFACT_TYPE.to_owned(),
            config: descriptor(CONFIG_TYPE, self.config, BTreeMap::new()),
            layers: self.objects.iter().map(Listed::to_descriptor).collect(),
        };
        let bytes = canonical::to_bytes(&manifest).map_err(ReleaseError::Manifest)?;
        check_size("release manifest", bytes.len() as u64, MAX_MANIFEST_BYTES)?;
        Ok(bytes)
    }

    /// Reads a manifest and checks names, order, uniqueness and sizes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ReleaseError> {
        let oci: OciManifest = canonical::from_bytes(bytes).map_err(ReleaseError::Manifest)?;
        if (oci.media_type.as_str(), oci.artifact_type.as_str()) != (MANIFEST_TYPE, ARTIFACT_TYPE) {
            return Err(ReleaseError::NotAReleaseManifest {
                found: [oci.media_type, oci.artifact_type],
                artifact_type: ARTIFACT_TYPE,
            });
        }
        let config = Blob { digest: oci.config.digest, size: oci.config.size };
        let layers = oci.layers.into_iter().enumerate();
        let objects = layers.map(|(index, layer)| {
            let listed = Listed::from_descriptor(layer);
            listed.map_err(|annotation| ReleaseError::Layer { index, annotation })
        });
        let manifest = Self { config, objects: objects.collect::<Result<_, _>>()? };
        canonical::check_written(bytes, &manifest.to_bytes()?).map_err(ReleaseError::Manifest)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks that objects are unique and sorted, and that sizes are within the limits.
    pub(crate) fn check(&self) -> Result<(), ReleaseError> {
        self.check_order()?;
        let mut total = 0_u64;
        for Listed { object, blob, .. } in &self.objects {
            check_object_size(object, blob.size)?;
            total = total.saturating_add(blob.size);
        }
        check_size("release config", self.config.size, MAX_CONFIG_BYTES)?;
        check_size("objects together", total, MAX_OBJECTS_BYTES)
    }

    fn check_order(&self) -> Result<(), ReleaseError> {
        let mut identities: Vec<_> =
            self.objects.iter().map(|entry| entry.object.identity()).collect();
        identities.sort_unstable();
        if let Some(pair) = identities.windows(2).find(|pair| pair[0] == pair[1]) {
            let (_, kind, namespace, name) = pair[0];
            let object = [kind, namespace.unwrap_or_default(), name].join("/");
            return Err(ReleaseError::Twice { object });
        }
        let mut pairs = self.objects.windows(2);
        match pairs.find(|pair| pair[0].position() >= pair[1].position()) {
            Some(pair) => Err(ReleaseError::NotSorted { object: pair[1].object.clone() }),
            None => Ok(()),
        }
    }
}

fn check_size(what: &'static str, size: u64, limit: u64) -> Result<(), ReleaseError> {
    if size <= limit {
        return Ok(());
    }
    Err(ReleaseError::TooLarge { what, size, limit })
}

/// Checks the size of one object's bytes.
pub(crate) fn check_object_size(object: &ObjectRef, size: u64) -> Result<(), ReleaseError> {
    if size <= MAX_OBJECT_BYTES {
        return Ok(());
    }
    Err(ReleaseError::ObjectTooLarge { object: object.clone(), size, limit: MAX_OBJECT_BYTES })
}

impl Listed {
    /// What objects are sorted by.
    fn position(&self) -> (u8, &ObjectRef) {
        (self.wave, &self.object)
    }

    fn to_descriptor(&self) -> Descriptor {
        let mut annotations = BTreeMap::from([
            (WAVE.to_owned(), self.wave.to_string()),
            (API_VERSION.to_owned(), self.object.api_version.clone()),
            (KIND.to_owned(), self.object.kind.clone()),
            (NAME.to_owned(), self.object.name.clone()),
        ]);
        if let Some(namespace) = &self.object.namespace {
            annotations.insert(NAMESPACE.to_owned(), namespace.clone());
        }
        descriptor(OBJECT_TYPE, self.blob, annotations)
    }

    /// Reads a layer; the error names the annotation that is missing or malformed.
    fn from_descriptor(mut descriptor: Descriptor) -> Result<Self, &'static str> {
        let mut take = |key| descriptor.annotations.remove(key);
        let wave = take(WAVE).and_then(|wave| wave.parse().ok());
        let object = ObjectRef {
            kind: take(KIND).ok_or(KIND)?,
            api_version: take(API_VERSION).ok_or(API_VERSION)?,
            namespace: take(NAMESPACE),
            name: take(NAME).ok_or(NAME)?,
        };
        match object.malformed_part() {
            None => Ok(Self {
                wave: wave.ok_or(WAVE)?,
                object,
                blob: Blob { digest: descriptor.digest, size: descriptor.size },
            }),
            Some("apiVersion") => Err(API_VERSION),
            Some("kind") => Err(KIND),
            Some("metadata.namespace") => Err(NAMESPACE),
            Some(_) => Err(NAME),
        }
    }
}

fn descriptor(media_type: &str, blob: Blob, annotations: BTreeMap<String, String>) -> Descriptor {
    Descriptor {
        media_type: media_type.to_owned(),
        artifact_type: None,
        digest: blob.digest,
        size: blob.size,
        annotations,
    }
}

/// Writes the archive's `index.json`, which only repeats the release id for OCI tools.
pub(crate) fn index_json(release: ReleaseId, size: u64) -> Result<Vec<u8>, ReleaseError> {
    let blob = Blob { digest: release.digest(), size };
    let artifact_type = Some(ARTIFACT_TYPE.to_owned());
    let index = OciIndex {
        schema_version: 2,
        media_type: INDEX_TYPE.to_owned(),
        manifests: vec![Descriptor {
            artifact_type,
            ..descriptor(MANIFEST_TYPE, blob, BTreeMap::new())
        }],
    };
    canonical::to_bytes(&index).map_err(ReleaseError::Manifest)
}

/// The archive's `oci-layout` file.
pub(crate) const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
