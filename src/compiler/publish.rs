//! Writes bundles into a folder: each under a name with its release id, beside one without.
//!
//! ```text
//! bundles/staging-4be1…f2.tar.gz     the bundle, named by the first 12 digits of its release id
//! bundles/staging.tar.gz             link to the newest
//! bundles/staging-4be1….thick.tar.gz the bundle with its images, and a link in the same way
//! bundles/staging.id                 the whole release id, for version control
//! ```
//!
//! A file is written beside its place and renamed into it, so nobody ever sees half of one; what is
//! there already is left alone, and with it the time of its last change.

use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
    process,
};

use a4co_bundle::{
    Attestation, BlobSource, BundleError, Contents, Purpose, ReleaseId, UntrustedBundle,
    UnverifiedBundle, pack, pack_thick,
};
use fs_err as fs;
use thiserror::Error;

use crate::{compile::Compiled, sign::SigningKey};

/// Number of hexadecimal digits of a release id in a file name.
const DIGITS: usize = 12;

/// Extension of a bundle.
const THIN: &str = "tar.gz";
/// Extension of a bundle with its images.
const THICK: &str = "thick.tar.gz";
/// Bytes of a write to a file that is written in pieces.
const BUFFER: usize = 1 << 20;

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
        let attestation = self.attestation(keys)?;
        pack(Vec::new(), &attestation, &self.release).map_err(|error| self.failed(error))
    }

    /// Returns the name of the bundle's file.
    #[must_use]
    pub fn file_name(&self) -> String {
        file_name(&self.environment, self.release.id(), THIN)
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
        if !(keys.is_empty() && self.signed_at(&path).is_some()) {
            replace_file(&path, &bytes)?;
        }
        point(&folder.join(format!("{}.{THIN}", self.environment)), &name)?;
        Ok(path)
    }

    /// Writes the bundle with those of its images' blobs that `contents` names into `folder`, and
    /// points its link at it. Returns the path of the file.
    ///
    /// Without `keys`, it has the signatures of the bundle without images that lies there.
    ///
    /// # Errors
    /// Fails when a blob is missing or is another one, or when the bundle cannot be written.
    pub fn publish_thick(
        &self,
        keys: &[SigningKey],
        folder: &Path,
        contents: &Contents,
        blobs: &mut dyn BlobSource,
    ) -> Result<PathBuf, PublishError> {
        let signed = || self.signed_at(&folder.join(self.file_name()));
        let attestation = match keys.is_empty().then(signed).flatten() {
            Some(attestation) => attestation,
            None => self.attestation(keys)?,
        };
        let name = file_name(&self.environment, self.release.id(), THICK);
        let path = folder.join(&name);
        fs::create_dir_all(folder)?;
        replace_file_by(&path, |out| {
            pack_thick(out, &attestation, &self.release, contents, blobs)
                .map_err(|error| self.failed(error))
        })?;
        point(&self.thick_link(folder), &name)?;
        Ok(path)
    }

    /// Returns the path of the link to the newest bundle with images.
    #[must_use]
    pub fn thick_link(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.{THICK}", self.environment))
    }

    /// Signs the statement with `keys`.
    fn attestation(&self, keys: &[SigningKey]) -> Result<Attestation, PublishError> {
        let statement = self.statement.to_bytes();
        let statement =
            statement.map_err(|error| self.failed(BundleError::Statement(error.into())))?;
        let signatures = keys.iter().map(|key| key.sign(Purpose::Release, &statement)).collect();
        Ok(Attestation { statement, signatures, trust: Vec::new() })
    }

    fn failed(&self, source: BundleError) -> PublishError {
        PublishError::Bundle { environment: self.environment.clone(), source }
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

    /// Returns the attestation of the file at `path` if that is this very bundle with signatures on
    /// it. Those took somebody's key to make; building again without one is no reason to throw them
    /// away.
    fn signed_at(&self, path: &Path) -> Option<Attestation> {
        let bytes = fs::read(path).ok()?;
        let bundle = UnverifiedBundle::open(bytes.as_slice()).and_then(UnverifiedBundle::inspect);
        let UntrustedBundle { statement, attestation, release, .. } = bundle.ok()?;
        let Attestation { statement: signed, signatures, .. } = &attestation;
        let is_signed = statement == self.statement
            && release == self.release
            && !signatures.is_empty()
            && signatures.iter().all(|signature| signature.verify(signed).is_some());
        is_signed.then_some(attestation)
    }
}

fn file_name(environment: &str, release: ReleaseId, extension: &str) -> String {
    format!("{environment}-{}.{extension}", &release.digest().to_hex()[..DIGITS])
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

/// Makes the file at `path` have what `write` writes: all of it at once.
///
/// # Errors
/// Fails when `write` or the file system does; the file is as it was then.
pub fn replace_file_by<E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(BufWriter<fs::File>) -> Result<BufWriter<fs::File>, E>,
) -> Result<(), E> {
    let beside = beside(path);
    let file = BufWriter::with_capacity(BUFFER, fs::File::create(&beside)?);
    let written = write(file).and_then(|file| {
        // Its name would be there after a power failure, and its content perhaps not.
        file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(fs::rename(&beside, path)?)
    });
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written
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
