//! Writes bundles into a folder: each under a name with its release id, beside one without.
//!
//! ```text
//! bundles/staging-4be1…f2.tar.gz     the bundle, named by the first 12 digits of its release id
//! bundles/staging.tar.gz             link to the newest
//! bundles/staging.id                 the whole release id, for version control
//! ```
//!
//! A file is written beside its place and renamed into it, so nobody ever sees half of one; what is
//! there already is left alone, and with it the time of its last change.

use std::{
    io,
    path::{Path, PathBuf},
    process,
};

use a4co_bundle::{Attestation, BundleError, Purpose, ReleaseId, UnverifiedBundle, pack};
use fs_err as fs;
use thiserror::Error;

use crate::{compile::Compiled, sign::SigningKey};

/// Number of hexadecimal digits of a release id in a file name.
const DIGITS: usize = 12;

/// Why a bundle was not written.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bundle format refused.
    #[error("environment `{environment}` makes no bundle")]
    Bundle {
        /// Name of the environment.
        environment: String,
        /// What the format says.
        source: BundleError,
    },
}

impl PublishError {
    /// Returns whether the folder cannot be written to at all, as in a checkout that is only read.
    #[must_use]
    pub fn is_read_only(&self) -> bool {
        let kinds = [io::ErrorKind::PermissionDenied, io::ErrorKind::ReadOnlyFilesystem];
        matches!(self, Self::Io(error) if kinds.contains(&error.kind()))
    }
}

impl Compiled {
    /// Returns the bundle's bytes, signed with `keys`; without a key it is unsigned.
    ///
    /// # Errors
    /// Fails when the bundle format refuses the release, for example by its size.
    pub fn to_bundle(&self, keys: &[SigningKey]) -> Result<Vec<u8>, PublishError> {
        let failed = |source: BundleError| PublishError::Bundle {
            environment: self.environment.clone(),
            source,
        };
        let statement = self.statement.to_bytes();
        let statement = statement.map_err(|error| failed(BundleError::Statement(error.into())))?;
        let signatures = keys.iter().map(|key| key.sign(Purpose::Release, &statement)).collect();
        let attestation = Attestation { statement, signatures, trust: Vec::new() };
        pack(Vec::new(), &attestation, &self.release).map_err(failed)
    }

    /// Returns the name of the bundle's file.
    #[must_use]
    pub fn file_name(&self) -> String {
        file_name(&self.environment, self.release.id())
    }

    /// Writes the bundle into `folder`, signed with `keys`, and points the link at it. Returns the
    /// path of the file.
    ///
    /// # Errors
    /// Fails when the bundle cannot be made or written.
    pub fn publish(&self, keys: &[SigningKey], folder: &Path) -> Result<PathBuf, PublishError> {
        let bytes = self.to_bundle(keys)?;
        let name = self.file_name();
        let path = folder.join(&name);
        fs::create_dir_all(folder)?;
        if !(keys.is_empty() && self.is_signed(&path)) {
            replace_file(&path, &bytes)?;
        }
        point(&folder.join(format!("{}.tar.gz", self.environment)), &name)?;
        Ok(path)
    }

    /// Writes the release id into `folder`, for version control.
    ///
    /// # Errors
    /// Fails when the file cannot be written.
    pub fn write_id(&self, folder: &Path) -> Result<(), PublishError> {
        fs::create_dir_all(folder)?;
        let text = format!("{}\n", self.release.id());
        Ok(replace_file(&folder.join(format!("{}.id", self.environment)), text.as_bytes())?)
    }

    /// Returns whether the file at `path` is this very bundle with signatures on it. Those took
    /// somebody's key to make; building again without one is no reason to throw them away.
    fn is_signed(&self, path: &Path) -> bool {
        let Ok(bytes) = fs::read(path) else {
            return false;
        };
        let bundle = UnverifiedBundle::open(bytes.as_slice()).and_then(UnverifiedBundle::inspect);
        bundle.is_ok_and(|bundle| {
            let attestation = &bundle.attestation;
            bundle.statement == self.statement
                && bundle.release == self.release
                && !attestation.signatures.is_empty()
                && attestation
                    .signatures
                    .iter()
                    .all(|signature| signature.verify(&attestation.statement).is_some())
        })
    }
}

fn file_name(environment: &str, release: ReleaseId) -> String {
    format!("{environment}-{}.tar.gz", &release.digest().to_hex()[..DIGITS])
}

/// Makes the file at `path` have `bytes`: all of them at once, and only if it has others.
///
/// # Errors
/// Fails when the file system refuses; the file is as it was then.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if fs::read(path).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let beside = beside(path);
    fs::write(&beside, bytes)?;
    fs::rename(&beside, path)
}

/// Makes the file at `path` a link to its neighbour `name`.
fn point(path: &Path, name: &str) -> io::Result<()> {
    if fs::read_link(path).is_ok_and(|found| found == Path::new(name)) {
        return Ok(());
    }
    let beside = beside(path);
    fs::os::unix::fs::symlink(name, &beside)?;
    fs::rename(&beside, path)
}

/// Returns a name in the folder of `path` that no other process uses.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", process::id()))
}
