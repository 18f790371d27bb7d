//! What a node needs to have the images of a release: an archive to import, or a registry to pull
//! from under the names that pods use.

mod archive;
mod certificate;
mod mirror;
mod talos;

pub use archive::{NodeArchive, NodeArchiveError};
pub use certificate::{Certificates, ParseCertificatesError};
pub use mirror::{ConfigFile, NodeKind, mirror_config, registries_of};
