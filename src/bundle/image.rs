//! Container images as a release pins them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// An image that a release runs, pinned by the digest of its index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Image {
    /// Repository with its registry host, such as `docker.io/library/nats`.
    pub name: String,
    /// Tag that the digest was resolved from; for people only.
    pub tag: String,
    /// Digest of the index, or of the manifest of a single-platform image.
    pub digest: Digest,
    /// Size of the index in bytes; absent when the lockfile does not know it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// Manifest digest for each platform, such as `linux/arm64`; empty when not known.
    #[serde(default)]
    pub platforms: BTreeMap<String, Digest>,
}

impl Image {
    /// Returns the reference that pods use, `name@sha256:…`.
    #[must_use]
    pub fn reference(&self) -> String {
        format!("{}@{}", self.name, self.digest)
    }
}
