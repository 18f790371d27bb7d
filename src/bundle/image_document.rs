//! The documents of container images: indexes and manifests, as other people wrote them.
//!
//! Their bytes are kept as they are; what is read here is only what they refer to. So members that
//! are not known are fine, but what two readers could take for two different things is refused: also a
//! known name in another letter case.

use serde::{Deserialize, Deserializer};

use crate::{
    digest::Digest,
    error::DocumentError,
    grammar::is_media_type,
    limits::{MAX_IMAGE_DOCUMENT_BYTES, MAX_LAYERS, MAX_PLATFORM_MANIFESTS},
    member_names::ExactNames,
    platform::Platform,
};

const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// What a document says of a blob that it refers to (OCI image-spec, `descriptor.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type of the blob.
    pub media_type: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
}

/// An index or a manifest of an image: OCI image-spec 1.1, or Docker's manifest list and image
/// manifest, version 2, schema 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageDocument {
    /// Lists a manifest for each platform.
    Index(ImageIndex),
    /// Lists config and layers for one platform.
    Manifest(ImageManifest),
}

/// An index: a manifest for each platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageIndex {
    /// Media type of the index itself.
    pub media_type: String,
    /// Manifests in the order of the index.
    pub manifests: Vec<PlatformManifest>,
}

/// A manifest as an index lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformManifest {
    /// Digest, size and media type of the manifest.
    pub descriptor: Descriptor,
    /// Platform, if the index says one. Attestations that build tools add are for
    /// `unknown/unknown`.
    pub platform: Option<Platform>,
}

/// A manifest: the config and the layers of an image for one platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageManifest {
    /// Media type of the manifest itself.
    pub media_type: String,
    /// Config.
    pub config: Descriptor,
    /// Layers in order, the lowest first.
    pub layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", rename = "an index or a manifest")]
struct RawDocument {
    schema_version: u64,
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    manifests: Option<Vec<RawDescriptor>>,
    #[serde(default)]
    config: Option<RawDescriptor>,
    #[serde(default)]
    layers: Option<Vec<RawDescriptor>>,
}

#[derive(Deserialize)]
#[serde(remote = "Self", rename_all = "camelCase", rename = "a descriptor")]
struct RawDescriptor {
    media_type: String,
    digest: Digest,
    size: u64,
    #[serde(default)]
    platform: Option<RawPlatform>,
}

#[derive(Deserialize)]
#[serde(remote = "Self", rename = "a platform")]
struct RawPlatform {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: String,
}

impl<'de> Deserialize<'de> for RawDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ExactNames(deserializer))
    }
}

impl<'de> Deserialize<'de> for RawDescriptor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ExactNames(deserializer))
    }
}

impl<'de> Deserialize<'de> for RawPlatform {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(ExactNames(deserializer))
    }
}

impl ImageDocument {
    /// Reads an index or a manifest.
    ///
    /// The media type is the one that the document states, else the OCI one of its shape.
    ///
    /// # Errors
    /// Fails on a document that is larger than 4 MiB, that is neither index nor manifest or could be
    /// taken for both (CVE-2021-41190), that has another schema version, lists indexes, names blobs
    /// by anything but SHA-256, or lists more than 1,024 manifests or layers.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DocumentError> {
        let size = bytes.len() as u64;
        if size > MAX_IMAGE_DOCUMENT_BYTES {
            return Err(DocumentError::TooLarge { size, limit: MAX_IMAGE_DOCUMENT_BYTES });
        }
        let raw: RawDocument = serde_json::from_slice(bytes)?;
        if raw.schema_version != 2 {
            return Err(DocumentError::SchemaVersion { found: raw.schema_version });
        }
        let stated = raw.media_type.as_deref().filter(|it| !it.is_empty());
        match (raw.manifests, raw.config, raw.layers) {
            (Some(manifests), None, None) => {
                let media_type = own_type(stated, [OCI_INDEX, DOCKER_INDEX])?;
                index(media_type, manifests).map(Self::Index)
            }
            (None, Some(config), layers) => {
                let media_type = own_type(stated, [OCI_MANIFEST, DOCKER_MANIFEST])?;
                // An empty list of Go is written `null`.
                manifest(media_type, config, layers.unwrap_or_default()).map(Self::Manifest)
            }
            (Some(_), ..) => Err(DocumentError::Ambiguous),
            (None, None, _) => Err(DocumentError::Neither),
        }
    }

    /// Returns the media type of the document itself.
    #[must_use]
    pub fn media_type(&self) -> &str {
        match self {
            Self::Index(index) => &index.media_type,
            Self::Manifest(manifest) => &manifest.media_type,
        }
    }
}

fn own_type(stated: Option<&str>, known: [&str; 2]) -> Result<String, DocumentError> {
    match stated {
        None => Ok(known[0].to_owned()),
        Some(stated) if known.contains(&stated) => Ok(stated.to_owned()),
        Some(stated) => Err(DocumentError::MediaType { found: stated.to_owned() }),
    }
}

fn index(media_type: String, list: Vec<RawDescriptor>) -> Result<ImageIndex, DocumentError> {
    check_count("manifests", list.len(), MAX_PLATFORM_MANIFESTS)?;
    let manifests = list.into_iter().map(|mut raw| {
        let platform = raw.platform.take().and_then(RawPlatform::check).transpose()?;
        let descriptor = raw.check()?;
        match descriptor.media_type.as_str() {
            OCI_INDEX | DOCKER_INDEX => {
                Err(DocumentError::NestedIndex { digest: descriptor.digest })
            }
            _ => Ok(PlatformManifest { descriptor, platform }),
        }
    });
    Ok(ImageIndex { media_type, manifests: manifests.collect::<Result<_, _>>()? })
}

fn manifest(
    media_type: String,
    config: RawDescriptor,
    layers: Vec<RawDescriptor>,
) -> Result<ImageManifest, DocumentError> {
    check_count("layers", layers.len(), MAX_LAYERS)?;
    let layers = layers.into_iter().map(RawDescriptor::check);
    Ok(ImageManifest {
        media_type,
        config: config.check()?,
        layers: layers.collect::<Result<_, _>>()?,
    })
}

fn check_count(what: &'static str, count: usize, limit: usize) -> Result<(), DocumentError> {
    if count <= limit {
        return Ok(());
    }
    Err(DocumentError::TooMany { what, count, limit })
}

impl RawDescriptor {
    fn check(self) -> Result<Descriptor, DocumentError> {
        let Self { media_type, digest, size, .. } = self;
        if !is_media_type(&media_type) {
            return Err(DocumentError::MediaType { found: media_type });
        }
        Ok(Descriptor { media_type, digest, size })
    }
}

impl RawPlatform {
    /// A platform that says nothing is none.
    fn check(self) -> Option<Result<Platform, DocumentError>> {
        let Self { os, architecture, variant } = self;
        let is_empty = os.is_empty() || architecture.is_empty();
        (!is_empty).then(|| Ok(Platform::new(&os, &architecture, &variant)?))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parse(value: &Value) -> Result<ImageDocument, DocumentError> {
        ImageDocument::from_bytes(value.to_string().as_bytes())
    }

    fn blob(media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": Digest::of(b""), "size": 0 })
    }

    #[test]
    fn a_document_is_what_it_says_or_what_its_shape_says() {
        let (config, layers) = (blob("application/json"), json!([blob("a/b")]));
        for (case, document, expected) in [
            (
                "an OCI index",
                json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [] }),
                OCI_INDEX,
            ),
            (
                "an OCI index that does not say so",
                json!({ "schemaVersion": 2, "manifests": [] }),
                OCI_INDEX,
            ),
            (
                "a Docker manifest list",
                json!({ "schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": [] }),
                DOCKER_INDEX,
            ),
            (
                "an OCI manifest that does not say so",
                json!({ "schemaVersion": 2, "config": config, "layers": layers }),
                OCI_MANIFEST,
            ),
            (
                "a Docker manifest",
                json!({ "schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": config,
                    "layers": layers }),
                DOCKER_MANIFEST,
            ),
            (
                "an artifact whose list of layers is empty, as Go writes it",
                json!({ "schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config,
                    "layers": null, "artifactType": "a/b", "subject": blob(OCI_MANIFEST) }),
                OCI_MANIFEST,
            ),
        ] {
            assert_eq!(parse(&document).expect(case).media_type(), expected, "{case}");
        }
    }

    #[test]
    fn the_platform_of_a_manifest_is_read_as_registries_write_it() {
        for (case, platform, expected) in [
            ("none", Value::Null, None),
            ("an empty one", json!({}), None),
            ("half of one", json!({ "os": "linux", "architecture": "" }), None),
            ("a plain one", json!({ "os": "linux", "architecture": "s390x" }), Some("linux/s390x")),
            (
                "one with a variant",
                json!({ "os": "linux", "architecture": "arm", "variant": "v6" }),
                Some("linux/arm/v6"),
            ),
            (
                "one with the variant that it means anyway",
                json!({ "os": "linux", "architecture": "arm64", "variant": "v8" }),
                Some("linux/arm64"),
            ),
            (
                "one of Windows, with its version",
                json!({ "os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1" }),
                Some("windows/amd64"),
            ),
        ] {
            let mut listed = blob(OCI_MANIFEST);
            listed["platform"] = platform;
            let document = parse(&json!({ "schemaVersion": 2, "manifests": [listed] })).unwrap();
            let ImageDocument::Index(index) = document else { panic!("{case}: no index") };
            let found = index.manifests[0].platform.as_ref().map(ToString::to_string);
            assert_eq!(found.as_deref(), expected, "{case}");
        }
    }

    #[test]
    fn a_document_larger_than_registries_take_is_not_parsed() {
        let bytes = vec![b' '; 4 << 20];
        assert!(matches!(ImageDocument::from_bytes(&bytes), Err(DocumentError::Json(_))));
        let bytes = vec![b' '; (4 << 20) + 1];
        assert!(matches!(ImageDocument::from_bytes(&bytes), Err(DocumentError::TooLarge { .. })));
    }
}
