use std::io;

use thiserror::Error;

use crate::{
    canonical::CanonicalError,
    digest::{Digest, ReleaseId},
    platform::{ParsePlatformError, Platform},
    text::printable,
};

/// Why bytes are not an index or a manifest of an image.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Not JSON, or not of this form. The parser may quote what it read, hence the escapes.
    #[error("{}", printable(&.0.to_string()))]
    Json(serde_json::Error),
    /// Larger than registries take.
    #[error("it has {size} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Size in bytes.
        size: u64,
        /// Limit in bytes.
        limit: u64,
    },
    /// Schema 1 has no digests that hold, and nothing later is known.
    #[error("it has schema version {found}, but only 2 is supported")]
    SchemaVersion {
        /// Version found.
        found: u64,
    },
    /// An index to one reader and a manifest to another (CVE-2021-41190).
    #[error(
        "it has `manifests` beside `config` or `layers`, so readers could take it for two things"
    )]
    Ambiguous,
    /// Neither an index nor a manifest.
    #[error("it has neither `manifests` nor `config`, so it is neither an index nor a manifest")]
    Neither,
    /// A media type that its shape contradicts, that is not supported, or that is none.
    #[error("its media type `{}` is not one for this place", printable(found))]
    MediaType {
        /// Media type.
        found: String,
    },
    /// An index within an index.
    #[error("it lists {digest}, which is an index itself")]
    NestedIndex {
        /// Digest of the inner index.
        digest: Digest,
    },
    /// Too long a list.
    #[error("it lists {count} {what}, more than the {limit} allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// Limit.
        limit: usize,
    },
    /// A platform that is none.
    #[error(transparent)]
    Platform(#[from] ParsePlatformError),
}

impl From<serde_json::Error> for DocumentError {
    fn from(error: serde_json::Error) -> Self {
        Self::Json(error)
    }
}

/// What is wrong with the images of a bundle.
#[derive(Debug, Error)]
pub enum ImageError {
    /// The list of what is here is malformed.
    #[error("`a4co/images.json` is malformed")]
    Contents(#[source] CanonicalError),
    /// Another schema of it.
    #[error(
        "`a4co/images.json` has schema {found}, but only {supported} is supported; use a newer a4co-apply"
    )]
    Schema {
        /// Schema found.
        found: u32,
        /// Schema known.
        supported: u32,
    },
    /// A base without need, or a need without base.
    #[error("`a4co/images.json` must name a base exactly if something is absent")]
    Base,
    /// Something is said to be absent that is no config or layer of these images.
    #[error("`a4co/images.json` says that {digest} is absent, but no image here has such a layer")]
    NotOfTheImages {
        /// Digest.
        digest: Digest,
    },
    /// An index or manifest is malformed.
    #[error("document {digest} of image `{image}` is refused")]
    Document {
        /// Image.
        image: String,
        /// Digest of the document.
        digest: Digest,
        /// Why.
        source: DocumentError,
    },
    /// What is listed as a manifest is an index.
    #[error("image `{image}`: {digest} is listed as a manifest, but is an index")]
    NestedIndex {
        /// Image.
        image: String,
        /// Digest.
        digest: Digest,
    },
    /// A platform that an index does not have.
    #[error("image `{image}` is not there for {platform}; it has {}", has(found))]
    NoSuchPlatform {
        /// Image.
        image: String,
        /// Platform asked for.
        platform: Platform,
        /// Platforms that the index has.
        found: Vec<Platform>,
    },
    /// Platforms of images that have no index, so that nothing confirms them.
    #[error(
        "platforms are named ({}), but no image has an index to choose them from; name none",
        has(platforms)
    )]
    NoIndex {
        /// Platforms named.
        platforms: Vec<Platform>,
    },
    /// Two sizes for one digest.
    #[error("image `{image}` says that {digest} has {stated} bytes, but it has {found}")]
    Size {
        /// Image.
        image: String,
        /// Digest.
        digest: Digest,
        /// Size that is stated.
        stated: u64,
        /// Size that it has, or that another document states.
        found: u64,
    },
    /// One blob that is read as a document here and not there.
    #[error("image `{image}` has {digest} as a document and as a config or layer")]
    TwoUses {
        /// Image.
        image: String,
        /// Digest.
        digest: Digest,
    },
    /// A blob that no entry can hold.
    #[error(
        "blob {digest} of image `{image}` has {size} bytes, more than the {limit} that an entry of a tar file can have"
    )]
    BlobTooLarge {
        /// Image.
        image: String,
        /// Digest.
        digest: Digest,
        /// Size in bytes.
        size: u64,
        /// Limit in bytes.
        limit: u64,
    },
    /// More than is kept in memory.
    #[error("the images have more than {limit} {what}")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// Limit.
        limit: u64,
    },
    /// Bytes that are not those of the digest.
    #[error("blob {digest} of image `{image}` is another one: {found}")]
    OtherBytes {
        /// Image.
        image: String,
        /// Digest that it must have.
        digest: Digest,
        /// What was found instead.
        found: String,
    },
    /// A blob that is to be written could not be read.
    #[error("cannot read blob {digest} of image `{image}`")]
    Source {
        /// Image.
        image: String,
        /// Digest.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// The walk was not told a document that it needs.
    #[error("document {digest} was not given")]
    NotGiven {
        /// Digest of the document.
        digest: Digest,
    },
    /// A bundle without images where one with images is needed.
    #[error("the bundle of release {release} holds no images")]
    NoImages {
        /// Release.
        release: ReleaseId,
    },
    /// The other bundle does not hold what the delta leaves out.
    #[error("the bundle of release {release} lacks {} of the blobs that the delta leaves out, such as {}; the delta was made for the bundle of release {base}", missing.len(), missing[0])]
    NotTheBase {
        /// Release of the bundle that was given.
        release: ReleaseId,
        /// Release whose bundle is needed.
        base: ReleaseId,
        /// Blobs that are missing; at least one.
        missing: Vec<Digest>,
    },
}

fn has(platforms: &[Platform]) -> String {
    if platforms.is_empty() {
        return "no platform".to_owned();
    }
    let texts: Vec<_> = platforms.iter().map(ToString::to_string).collect();
    texts.join(", ")
}
