use thiserror::Error;

use crate::{canonical::CanonicalError, object::ObjectRef, text::printable};

/// Why parts do not make a release.
#[derive(Debug, Error)]
pub enum ReleaseError {
    /// The manifest is malformed.
    #[error("the release manifest is malformed")]
    Manifest(#[source] CanonicalError),
    /// The manifest is some other OCI manifest.
    #[error("the manifest is one of `{}`, not of `{artifact_type}`", printable(&found.join("` and `")))]
    NotAReleaseManifest {
        /// Media type and artifact type found.
        found: [String; 2],
        /// Artifact type of a release.
        artifact_type: &'static str,
    },
    /// A layer of the manifest does not say which object it is.
    #[error(
        "layer {index} of the release manifest: annotation `{annotation}` is missing or malformed"
    )]
    Layer {
        /// Index of the layer, from 0.
        index: usize,
        /// Annotation.
        annotation: &'static str,
    },
    /// The config is malformed.
    #[error("the release config is malformed")]
    Config(#[source] CanonicalError),
    /// Another schema of the config.
    #[error(
        "the release config has schema {found}, but only {supported} is supported; use a newer a4co-apply"
    )]
    Schema {
        /// Schema found.
        found: u32,
        /// Schema known.
        supported: u32,
    },
    /// A name is not a DNS label.
    #[error(
        "`{field}` is `{}`, which is not a DNS label (a-z, 0-9 and -, at most 63)",
        printable(text)
    )]
    NotADnsLabel {
        /// Field of the config.
        field: &'static str,
        /// Its value.
        text: String,
    },
    /// A name in the config that could mean something else where it is used.
    #[error("`{field}` of the release config cannot be `{}`", printable(text))]
    Text {
        /// Field.
        field: &'static str,
        /// Its value.
        text: String,
    },
    /// A list of the config is not a set in order.
    #[error("`{field}` of the release config is not sorted, or names something twice")]
    List {
        /// Field.
        field: &'static str,
    },
    /// An object is malformed.
    #[error("`{object}` is malformed")]
    Object {
        /// Object.
        object: String,
        /// Why.
        source: CanonicalError,
    },
    /// No Kubernetes object.
    #[error("not a Kubernetes object: `{field}` is missing or malformed in {}", printable(start))]
    NotAnObject {
        /// Field.
        field: &'static str,
        /// How the manifest begins.
        start: String,
    },
    /// The object's bytes are of another object than the manifest says.
    #[error("the manifest lists `{listed}`, but its bytes are of `{found}`")]
    OtherObject {
        /// Object by the manifest.
        listed: Box<ObjectRef>,
        /// Object by its bytes.
        found: Box<ObjectRef>,
    },
    /// A field that only the API server writes.
    #[error("`{object}` sets `{field}`, which belongs to the API server")]
    ServerField {
        /// Object.
        object: ObjectRef,
        /// Field.
        field: String,
    },
    /// The object does not carry the label of the release's set.
    #[error("`{object}` lacks the label `applyset.kubernetes.io/part-of: {applyset}`")]
    NotAMember {
        /// Object.
        object: ObjectRef,
        /// Value that the label must have.
        applyset: String,
    },
    /// An object larger than etcd takes.
    #[error("`{object}` has {size} bytes, more than the {limit} that etcd takes in one request")]
    ObjectTooLarge {
        /// Object.
        object: ObjectRef,
        /// Size in bytes.
        size: u64,
        /// Limit in bytes.
        limit: u64,
    },
    /// Something larger than its limit.
    #[error("{what}: {size} bytes are more than the {limit} allowed")]
    TooLarge {
        /// What.
        what: &'static str,
        /// Size in bytes.
        size: u64,
        /// Limit in bytes.
        limit: u64,
    },
    /// Objects out of order.
    #[error("`{object}` is out of order in the manifest")]
    NotSorted {
        /// First object that is out of order.
        object: ObjectRef,
    },
    /// One object twice.
    #[error("`{object}` occurs twice")]
    Twice {
        /// Object.
        object: String,
    },
}
