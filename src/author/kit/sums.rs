//! Files of a folder that is being filled, with the size and digest of each.
//!
//! They are written into a hidden folder beside it, which takes its place at the end; so a kit is there
//! whole or not at all. What an interrupted run left there, the next one for the same folder removes.
//! A folder on a disk of its own (a stick) is filled through a hidden folder in it.

use std::{
    collections::BTreeMap,
    io,
    os::unix::fs::MetadataExt as _,
    path::{self, Path, PathBuf},
};

use a4co_bundle::{Digest, Digester};
use fs_err as fs;

/// The hidden folder in one on a disk of its own.
const INSIDE: &str = ".a4co-kit";

/// A folder that is being filled, and the files that were put there.
pub(crate) struct Sums {
    target: PathBuf,
    work: PathBuf,
    files: BTreeMap<String, Sum>,
}

/// A file of the folder.
#[derive(Clone, Copy)]
pub(crate) struct Sum {
    pub(crate) size: u64,
    pub(crate) digest: Digest,
}

impl Sums {
    /// Begins to fill a folder that is not there yet, or is empty.
    pub(crate) fn new(target: &Path) -> io::Result<Self> {
        let target =
            if target.exists() { fs::canonicalize(target)? } else { path::absolute(target)? };
        let (Some(name), Some(parent)) = (target.file_name(), target.parent()) else {
            let text = format!("`{}` cannot be filled; name a folder", target.display());
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        };
        fs::create_dir_all(parent)?;
        let mut work = parent.join(format!(".{}.a4co-kit", name.to_string_lossy()));
        if target.exists() {
            for entry in fs::read_dir(&target)? {
                if entry?.file_name() != INSIDE {
                    let text = format!("`{}` is not empty", target.display());
                    return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
                }
            }
            if fs::metadata(&target)?.dev() != fs::metadata(parent)?.dev() {
                work = target.join(INSIDE);
            }
        }
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        fs::create_dir(&work)?;
        Ok(Self { target, work, files: BTreeMap::new() })
    }

    /// Returns the folder to write to until the end.
    pub(crate) fn folder(&self) -> &Path {
        &self.work
    }

    /// Puts a file with `bytes` there.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.work.join(name), bytes)?;
        self.add(name)
    }

    /// Puts the file at `path` there.
    pub(crate) fn copy(&mut self, name: &str, path: &Path) -> io::Result<()> {
        fs::copy(path, self.work.join(name))?;
        self.add(name)
    }

    /// Takes note of a file that is there.
    pub(crate) fn add(&mut self, name: &str) -> io::Result<()> {
        // What was written is what is read again: a bad disk should show here, not at the site.
        let mut digester = Digester::default();
        let size = io::copy(&mut fs::File::open(self.work.join(name))?, &mut digester)?;
        self.files.insert(name.to_owned(), Sum { size, digest: digester.finish() });
        Ok(())
    }

    /// Returns the list as `sha256sum -c` reads it.
    pub(crate) fn to_text(&self) -> String {
        let lines = self.files.iter();
        let lines: Vec<_> =
            lines.map(|(name, it)| format!("{}  {name}\n", it.digest.to_hex())).collect();
        lines.concat()
    }

    /// Makes the folder what it is meant to be; returns its files, sorted.
    pub(crate) fn finish(mut self) -> io::Result<BTreeMap<String, Sum>> {
        if self.work.parent() == Some(&self.target) {
            for name in self.files.keys() {
                fs::rename(self.work.join(name), self.target.join(name))?;
            }
            fs::remove_dir(&self.work)?;
        } else {
            fs::rename(&self.work, &self.target)?;
        }
        Ok(std::mem::take(&mut self.files))
    }
}

impl Drop for Sums {
    fn drop(&mut self) {
        // After the end it is gone; else an error is told already.
        let _ = fs::remove_dir_all(&self.work);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_filled_at_once_or_not_at_all() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("site");
        let hidden = folder.path().join(".site.a4co-kit");
        fs::create_dir(&hidden).unwrap();
        fs::write(hidden.join("left"), "by an interrupted run").unwrap();
        let mut sums = Sums::new(&target).unwrap();
        sums.write("file", b"text").unwrap();
        assert!(!target.exists());
        drop(sums);
        assert!(!target.exists() && !hidden.exists());
        fs::create_dir(&target).unwrap();
        let mut sums = Sums::new(&target).unwrap();
        sums.write("file", b"text").unwrap();
        let files = sums.finish().unwrap();
        assert_eq!(files["file"].size, 4);
        let names: Vec<_> =
            fs::read_dir(&target).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["file"]);
        assert!(!hidden.exists());
        assert!(Sums::new(&target).is_err(), "it is not empty now");
    }
}
