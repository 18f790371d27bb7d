//! What a request is answered with.

use std::ops::Range;

use a4co_bundle::Digest;
use http::StatusCode;

/// What a request is answered with, decided before anything is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Yes, this is a registry.
    Version,
    /// An index or a manifest.
    Manifest { digest: Digest },
    /// A config or layer, or the bytes `part` of it.
    Blob { digest: Digest, part: Option<Range<u64>> },
    /// All tags of a repository.
    Tags { name: String, tags: Vec<String> },
    /// No.
    Refusal(Refusal),
}

/// A no, in the words of the OCI distribution specification ("Error Codes").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Neither a manifest nor a blob nor a list of tags.
    Path,
    /// A repository that is not here.
    Name,
    /// A manifest that is not here.
    Manifest,
    /// A tag that means different images of several registries.
    Ambiguous,
    /// A blob that is not here.
    Blob,
    /// Not a digest.
    Digest,
    /// Bytes that a blob of `size` bytes does not have.
    Range { size: u64 },
    /// Whatever would change something.
    Method,
    /// The file of the bundle cannot be read.
    Broken,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Path | Self::Name | Self::Manifest | Self::Ambiguous | Self::Blob => {
                StatusCode::NOT_FOUND
            }
            Self::Digest => StatusCode::BAD_REQUEST,
            Self::Range { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Broken => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    pub(super) fn code(self) -> &'static str {
        match self {
            Self::Path | Self::Name => "NAME_UNKNOWN",
            Self::Manifest | Self::Ambiguous => "MANIFEST_UNKNOWN",
            Self::Blob | Self::Broken => "BLOB_UNKNOWN",
            Self::Digest => "DIGEST_INVALID",
            Self::Range { .. } => "SIZE_INVALID",
            Self::Method => "UNSUPPORTED",
        }
    }

    pub(super) fn message(self) -> &'static str {
        match self {
            Self::Path => "there are only manifests, blobs and lists of tags here",
            Self::Name => "the bundle has no image of this name",
            Self::Manifest => "the bundle has no such manifest of this name",
            Self::Ambiguous => {
                "several registries have this name, with other images; put the registry before it"
            }
            Self::Blob => "the bundle has no such blob of this name",
            Self::Digest => "a blob is asked for by its digest: sha256: and 64 hexadecimal digits",
            Self::Range { .. } => "the blob does not have these bytes",
            Self::Method => "this registry can only be read",
            Self::Broken => "the file of the bundle cannot be read",
        }
    }
}
