//! A bundle as volumes in a folder.

use std::path::{Path, PathBuf};

use a4co_bundle::{Split, volume_name};
use a4co_compiler::replace_file_by;
use fs_err as fs;

use crate::failure::Failure;

/// Writes the file at `path` into `folder` as volumes of at most `size` bytes; returns their paths
/// in order.
pub(crate) fn split(path: &Path, size: u64, folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut split = Split::new(fs::File::open(path)?, &name, size)?;
    let mut volumes = Vec::new();
    for number in 1..=split.count() {
        let volume = folder.join(volume_name(&name, number, split.count()));
        replace_file_by(&volume, |out| Ok::<_, Failure>(split.write(number, out)?))?;
        volumes.push(volume);
    }
    Ok(volumes)
}
