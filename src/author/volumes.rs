//! A bundle as volumes in a folder.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use a4co_bundle::{Split, volume_name};
use a4co_compiler::replace_file_by;
use fs_err as fs;

use crate::failure::Failure;

/// Writes the file at `path` into `folder` as volumes of at most `size` bytes, for a file that is
/// called `name` when it is joined; returns their paths in order. Volumes of an earlier file with the
/// name go away: nobody shall copy a mixture.
pub(crate) fn split(
    path: &Path,
    name: &str,
    size: u64,
    folder: &Path,
) -> Result<Vec<PathBuf>, Failure> {
    let mut split = Split::new(fs::File::open(path)?, name, size)?;
    let volumes: Vec<_> = (1..=split.count())
        .map(|number| folder.join(volume_name(name, number, split.count())))
        .collect();
    let wanted: BTreeSet<_> = volumes.iter().collect();
    for old in volumes_of(folder, name)?.iter().filter(|old| !wanted.contains(old)) {
        fs::remove_file(old)?;
    }
    for (number, volume) in (1..).zip(&volumes) {
        replace_file_by(volume, |out| Ok::<_, Failure>(split.write(number, out)?))?;
    }
    Ok(volumes)
}

/// Returns the files in `folder` that are called as volumes are of a file whose name begins with
/// `start`.
pub(crate) fn volumes_of(folder: &Path, start: &str) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name();
        let is_volume = |name: &str| {
            let (file, rest) = name.rsplit_once(".vol-")?;
            let (number, count) = rest.strip_suffix(".tar")?.split_once("-of-")?;
            let is_number =
                |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
            (file.starts_with(start) && is_number(number) && is_number(count)).then_some(())
        };
        if name.to_str().and_then(is_volume).is_some() && entry.file_type()?.is_file() {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}
