//! A folder for what is too large to be left behind.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::slot::Slot;
use crate::supervisor::Supervisor;
use crate::sweep;

/// An empty folder. Dropping it removes it; it goes with its owner too, however that ends.
#[derive(Debug)]
pub struct Scratch {
    dir: PathBuf,
    _supervisor: Supervisor,
}

impl Scratch {
    /// Makes a folder.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be made, or nobody can be started to remove it.
    pub fn create() -> Result<Self, Error> {
        sweep::sweep()?;
        let slot = Slot::claim()?;
        let supervisor = Supervisor::start(slot.dir())?;
        let dir = slot.dir().join("scratch");
        fs_err::create_dir(&dir)?;
        Ok(Self { dir, _supervisor: supervisor })
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.dir
    }
}
