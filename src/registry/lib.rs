//! A client of image registries (OCI distribution specification 1.1; Docker Registry HTTP API v2).
//!
//! ```text
//! resolve   tag ──▶ digest, size, platforms
//! pull      blobs ──▶ cache on disk, many at once, from where they broke off
//! push      is it there? ── mount it? ── send it in parts ── manifest, and look again
//! serve     a registry that can only be read, straight from the file of a bundle
//! nodes     an archive to import, or configuration to pull from a registry of the site
//! ```
//!
//! A registry is not believed. Bytes are what their digest says or they are not used; every size is
//! bounded before memory is taken, every wait has an end, and so has an answer that only trickles; what a registry says reaches a message only
//! made harmless. Credentials go to the registry that they are for, and to where it gets its tokens;
//! never along a redirect to another host, and never without encryption but on this machine.
//!
//! What is tried again: a lost connection, a body cut short, and the statuses 408, 429 and 5xx.
//! Anything else fails at once.
//!
//! Known holes: a blob is sent over one connection; a registry that redirects uploads is refused; a
//! proxy that has to be reached with TLS is refused.

mod address;
mod answer;
mod authorization;
mod blob;
mod bytes;
mod cache;
mod challenge;
mod client;
mod connection;
mod content;
mod credential;
mod delta;
mod environment;
mod error;
mod held;
mod hint;
mod image_push;
mod manifest;
mod name;
mod node;
mod options;
mod partial;
mod progress;
mod pull;
mod push;
mod reference;
mod request;
mod resolve;
mod retry;
mod serve;
mod settings;
mod sources;
mod text;
mod trouble;
mod upload;
mod wanted;

pub use address::{Address, LocationError, ParseAddressError, Transport};
pub use blob::BlobStream;
pub use bytes::human_bytes;
pub use cache::Cache;
pub use client::Client;
pub use connection::OptionsError;
pub use content::Content;
pub use credential::CredentialError;
pub use delta::DeltaError;
pub use environment::Environment;
pub use error::RegistryError;
pub use held::{HeldImages, SharedFile};
pub use image_push::{ImagePush, ImagePushError, Pushed, Tags};
pub use manifest::{Head, MAX_MANIFEST_BYTES, Manifest};
pub use name::{Host, ParseNameError, Repository};
pub use node::{
    Certificates, ConfigFile, NodeArchive, NodeArchiveError, NodeKind, ParseCertificatesError,
    mirror_config, registries_of,
};
pub use options::{Mirrors, Options, Origin, PlainHttpError, Timeouts};
pub use progress::{Event, Observer, Unobserved};
pub use pull::{PullBlob, Pulled};
pub use push::Delivery;
pub use reference::Reference;
pub use resolve::{Resolved, ResolvedManifest};
pub use retry::Retry;
pub use serve::{Catalog, CatalogError, Limits, Request, Server};
pub use settings::{Settings, SettingsError};
pub use text::short_digests;
pub use wanted::Wanted;
