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
//! there already is left alone, and with it the time of its last change. A signature that is there
//! stays.

use std::{
    io::{self, BufWriter},
    path::{Path, PathBuf},
    process,
};

use a4co_bundle::{Attestation, BlobSource, BundleError, Contents, pack, pack_thick};
use fs_err as fs;
use thiserror::Error;

use crate::{
    attested::{Attested, attestation_of},
    compile::Compiled,
    file_name::{THICK, THIN, bundle_file_name, release_files, release_stem},
    sign::SigningKey,
};

/// Bytes of a write to a file that is written in pieces.
const BUFFER: usize = 1 << 20;

/// Why a bundle was not written.
#[derive(Debug, Error)]
pub enum PublishError {
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A bundle that is there cannot be read.
    #[error("`{}` is not a bundle that can be read", path.display())]
    Unreadable {
        /// Path of its file.
        path: PathBuf,
        /// What the format says.
        source: BundleError,
    },
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
        let attested = Attested::new(self.statement_bytes()?, keys);
        self.pack(&attested.attestation)
    }

    /// Returns the name of the bundle's file.
    #[must_use]
    pub fn file_name(&self) -> String {
        bundle_file_name(&self.environment, self.release.id(), None)
    }

    /// Writes the bundle into `folder`, signed with `keys` and by whoever signed it there before, and
    /// points the link at it. Returns the path of the file.
    ///
    /// # Errors
    /// Fails when the bundle cannot be made or written.
    pub fn publish(&self, keys: &[SigningKey], folder: &Path) -> Result<PathBuf, PublishError> {
        let path = self.write(&self.attest(keys, folder)?.attestation, folder)?;
        self.link(folder, &path)?;
        self.remove_stale_link(folder)?;
        Ok(path)
    }

    /// Signs the statement with `keys`, beside the signatures that files of this release in `folder`
    /// have. Those took somebody's key to make; building again is no reason to throw them away.
    ///
    /// # Errors
    /// Fails when the folder cannot be read.
    pub fn attest(&self, keys: &[SigningKey], folder: &Path) -> Result<Attested, PublishError> {
        let mut attested = Attested::new(self.statement_bytes()?, keys);
        for path in release_files(folder, &self.environment, self.release.id())? {
            // A file that cannot be read has no signatures that could be kept.
            if let Ok(found) = attestation_of(&path) {
                attested.keep(&found);
            }
        }
        Ok(attested)
    }

    /// Writes the bundle into `folder`, and returns its path.
    ///
    /// # Errors
    /// Fails when the bundle cannot be made or written.
    pub fn write(&self, attestation: &Attestation, folder: &Path) -> Result<PathBuf, PublishError> {
        let bytes = self.pack(attestation)?;
        let path = folder.join(self.file_name());
        fs::create_dir_all(folder)?;
        replace_file(&path, &bytes)?;
        Ok(path)
    }

    /// Writes the bundle with those of its images' blobs that `contents` names into `folder`, and
    /// returns its path.
    ///
    /// # Errors
    /// Fails when a blob is missing or is another one, or when the bundle cannot be written.
    pub fn write_thick(
        &self,
        attestation: &Attestation,
        folder: &Path,
        contents: &Contents,
        blobs: &mut dyn BlobSource,
    ) -> Result<PathBuf, PublishError> {
        let name = bundle_file_name(&self.environment, self.release.id(), Some(contents));
        let path = folder.join(&name);
        fs::create_dir_all(folder)?;
        replace_file_by(&path, |out| {
            pack_thick(out, attestation, &self.release, contents, blobs)
                .map_err(|error| self.failed(error))
        })?;
        Ok(path)
    }

    /// Points the link to the newest bundle at `path`.
    ///
    /// # Errors
    /// Fails when the link cannot be written.
    pub fn link(&self, folder: &Path, path: &Path) -> io::Result<()> {
        point(&folder.join(format!("{}.{THIN}", self.environment)), path)
    }

    /// Points the link to the newest bundle with images at `path`.
    ///
    /// # Errors
    /// Fails when the link cannot be written.
    pub fn link_thick(&self, folder: &Path, path: &Path) -> io::Result<()> {
        point(&self.thick_link(folder), path)
    }

    /// Removes the link to the newest bundle with images if it leads to another release, or to
    /// nothing; returns it then. Who follows a link named like the environment means this release.
    ///
    /// # Errors
    /// Fails when the link is there and stays.
    pub fn remove_stale_link(&self, folder: &Path) -> io::Result<Option<PathBuf>> {
        let link = self.thick_link(folder);
        let Ok(target) = fs::read_link(&link) else {
            return Ok(None);
        };
        let start = release_stem(&self.environment, self.release.id());
        if target.to_string_lossy().starts_with(&start) && folder.join(&target).is_file() {
            return Ok(None);
        }
        fs::remove_file(&link)?;
        Ok(Some(link))
    }

    fn thick_link(&self, folder: &Path) -> PathBuf {
        folder.join(format!("{}.{THICK}", self.environment))
    }

    fn pack(&self, attestation: &Attestation) -> Result<Vec<u8>, PublishError> {
        pack(Vec::new(), attestation, &self.release).map_err(|error| self.failed(error))
    }

    fn statement_bytes(&self) -> Result<Vec<u8>, PublishError> {
        let statement = self.statement.to_bytes();
        statement.map_err(|error| self.failed(BundleError::Statement(error.into())))
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

/// Makes the file at `link` a link to its neighbour at `path`.
fn point(link: &Path, path: &Path) -> io::Result<()> {
    let name = Path::new(path.file_name().unwrap_or_default());
    if fs::read_link(link).is_ok_and(|found| found == name) {
        return Ok(());
    }
    let beside = beside(link);
    fs::os::unix::fs::symlink(name, &beside)?;
    fs::rename(&beside, link)
}

/// Returns a name in the folder of `path` that no other process uses.
fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{}", process::id()))
}
