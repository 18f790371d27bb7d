//! etcd data that is made once and copied for each control plane.
//!
//! Installing the custom resource definitions takes the API server longer than everything else
//! of a start; reading them back takes it no time worth mentioning. The data is taken before the
//! controllers run, so it holds nothing that belongs to one control plane. One trace remains:
//! the namespaces that the API server makes have the same uid in each.

use std::path::Path;

use crate::assets::Assets;
use crate::error::Result;
use crate::setup::Setup;
use crate::slot::Slot;
use crate::startup::Startup;
use crate::supervisor::Supervisor;

/// The name of the data folder in the state folder.
pub(crate) const FOLDER: &str = "etcd";

/// Starts storage and API server, installs the definitions and leaves the data in `target`.
pub(crate) fn make(assets: &Assets, target: &Path) -> Result<()> {
    let slot = Slot::claim()?;
    let supervisor = Supervisor::start(slot.dir())?;
    Startup::new(assets, &slot, &supervisor, Setup::default()).fill_storage()?;
    copy(&slot.dir().join(FOLDER), target)
}

/// Copies a data folder, without the files that etcd only keeps in reserve.
pub(crate) fn copy(source: &Path, target: &Path) -> Result<()> {
    fs_err::create_dir_all(target)?;
    for entry in fs_err::read_dir(source)? {
        let entry = entry?;
        let (from, to) = (entry.path(), target.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&from, &to)?;
        } else if from.extension().is_none_or(|extension| extension != "tmp") {
            fs_err::copy(&from, &to)?;
        }
    }
    Ok(())
}
