//! The bundle format: a release of Kubernetes objects as one signed, content-addressed file.
//!
//! A bundle is an OCI image layout in a gzipped tar, in this order:
//!
//! ```text
//! a4co/release.json              statement: names the release, its app, environment and version
//! a4co/sig-0.sshsig …            signatures over the statement
//! a4co/trust-1.json …            chain of trust files, each followed by its signatures
//! blobs/sha256/<release id>      release manifest: lists config and objects
//! blobs/sha256/<config digest>   release config
//! blobs/sha256/<object digest> … one Kubernetes object each, as canonical JSON, by wave
//! a4co/images.json               in a thick bundle: which blobs of the images are here
//! blobs/sha256/<blob digest> …   index, manifests, configs and layers of each image
//! index.json, oci-layout         for OCI tools; repeat what is known
//! ```
//!
//! So a reader knows name, size and digest of every entry before it reads it, from something it
//! already believes. `docs/bundle-format.md` is the normative text.
//!
//! Blobs of images pass in pieces and are read by offset, so memory does not grow with them. Any file
//! can be carried in volumes.
//!
//! Invariants: the release id is the digest of the manifest's bytes, whatever signs or wraps them.
//! Equal content gives equal bytes. A file is accepted only if this crate could have written it.
//! There is no I/O here but `Read`, `Seek` and `Write`, no clock, no environment, no network.

mod archive;
mod attestation;
mod blob_reader;
mod blob_source;
mod canonical;
mod canonical_reader;
mod compare;
mod config;
mod contents;
mod digest;
mod error;
mod fields;
mod grammar;
mod gzip;
mod header;
mod image;
mod image_document;
mod image_name;
mod images;
mod join;
mod key;
mod labels;
mod limits;
mod manifest;
mod member_names;
mod names;
mod object;
mod open;
mod overlay;
mod pack;
mod platform;
mod release;
mod signature;
mod split;
mod ssh;
mod statement;
mod text;
mod trust;
mod trust_file;
mod volume;
mod volumes;
mod walk;

pub use attestation::{Attestation, SignedTrust};
pub use blob_reader::BlobReader;
pub use blob_source::{BlobSource, StoredBlobs};
pub use canonical::{CanonicalError, from_bytes as from_canonical, to_bytes as to_canonical};
pub use compare::{ImageDifference, ObjectDifference, Side, image_differences, object_differences};
pub use config::{
    Api, CONFIG_SCHEMA, GroupKind, Readiness, ReadinessRule, ReleaseConfig, Requirements,
    SecretRequirement,
};
pub use contents::{CONTENTS_SCHEMA, Contents};
pub use digest::{Digest, Digester, ParseDigestError, ReleaseId};
pub use error::{
    ArchiveError, BundleError, DocumentError, ImageError, ReleaseError, StatementError, TrustError,
    VolumeError,
};
pub use fields::{FieldChange, field_changes};
pub use grammar::is_dns_label;
pub use header::header as tar_header;
pub use image::Image;
pub use image_document::{Descriptor, ImageDocument, ImageIndex, ImageManifest, PlatformManifest};
pub use image_name::{is_host_and_port, is_image_name, is_registry, is_repository, is_tag};
pub use images::{
    BlobKind, Held, ImageBlob, ImageSet, ListedManifest, ManifestParts, StoredBlob, StoredImages,
};
pub use join::join;
pub use key::{ParseKeyError, VerifyingKey};
pub use labels::{APPLYSET_ID_LABEL, PART_OF_LABEL, applyset_id, head_name};
pub use object::{Object, ObjectRef};
pub use open::{Bundle, UntrustedBundle, UnverifiedBundle};
pub use overlay::{MAX_OVERLAY_BYTES, OVERLAY_SCHEMA, Overlay, OverlayError, registry_hosts};
pub use pack::{pack, pack_thick};
pub use platform::{ParsePlatformError, Platform};
pub use release::Release;
pub use signature::{ParseSignatureError, Purpose, Signature};
pub use split::Split;
pub use statement::{Input, Statement};
pub use text::{Difference, is_plain};
pub use trust::{Trust, TrustAnchor};
pub use trust_file::{Role, Roles, TRUST_SCHEMA, TrustFile};
pub use volume::{MAX_VOLUME_BYTES, MIN_VOLUME_BYTES, VOLUME_SCHEMA, is_volume, volume_name};
pub use volumes::{VolumePlace, Volumes};
pub use walk::{ImageWalk, Step};
