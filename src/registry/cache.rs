//! Blobs on disk, each named by its digest.
//!
//! ```text
//! DIR/blobs/sha256/HEX        a blob whose digest was right when it was put there
//! DIR/partial/HEX.part        the beginning of one, to go on with; locked by who writes it
//! DIR/partial/HEX.NUMBER.part the same, of a process that found the other one locked
//! ```
//!
//! Many processes may use one cache; what none of them went on with for a day is removed. A blob appears by a rename, after its bytes are on the disk.
//! Who reads a blob computes its digest again: a disk is not believed either.

use std::{
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use a4co_bundle::{BlobSource, Digest, Step};
use fs_err as fs;

use crate::partial::{Partial, remove_old};

/// A content-addressed folder of blobs.
#[derive(Clone, Debug)]
pub struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Opens the cache in `dir`, and makes it if there is none.
    ///
    /// # Errors
    /// Fails when the folder cannot be made.
    pub fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir.join("blobs").join("sha256"))?;
        fs::create_dir_all(dir.join("partial"))?;
        remove_old(&dir.join("partial"), SystemTime::now());
        Ok(Self { dir: dir.to_owned() })
    }

    /// Returns where the blob is, or would be.
    #[must_use]
    pub fn path(&self, digest: Digest) -> PathBuf {
        self.dir.join("blobs").join("sha256").join(digest.to_hex())
    }

    /// Returns whether the blob is there, with `size` bytes.
    #[must_use]
    pub fn contains(&self, digest: Digest, size: u64) -> bool {
        fs::symlink_metadata(self.path(digest)).is_ok_and(|it| it.is_file() && it.len() == size)
    }

    /// Opens the blob. Who reads it computes its digest, and calls [`Self::remove`] when it is wrong.
    ///
    /// # Errors
    /// Fails when it is not there.
    pub fn blob(&self, digest: Digest) -> io::Result<fs::File> {
        fs::File::open(self.path(digest))
    }

    /// Removes the blob, if it is there.
    ///
    /// # Errors
    /// Fails when it is there and stays.
    pub fn remove(&self, digest: Digest) -> io::Result<()> {
        match fs::remove_file(self.path(digest)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Puts a small blob there.
    ///
    /// # Errors
    /// Fails when it cannot be written.
    pub fn store(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        let mut partial = Partial::unique(self, digest)?;
        partial.write_all(bytes)?;
        partial.finish()?.map_err(|computed| {
            let message = format!("{digest} became {computed} on its way to the disk");
            io::Error::new(io::ErrorKind::InvalidData, message)
        })?;
        Ok(digest)
    }

    /// Returns the path of a blob's beginning.
    pub(crate) fn partial_path(&self, digest: Digest, owner: &str) -> PathBuf {
        let dot = if owner.is_empty() { "" } else { "." };
        self.dir.join("partial").join(format!("{}{dot}{owner}.part", digest.to_hex()))
    }
}

/// The cache as what a bundle is written from.
impl BlobSource for Cache {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn io::Read + '_>> {
        Ok(Box::new(self.blob(step.digest)?))
    }
}
