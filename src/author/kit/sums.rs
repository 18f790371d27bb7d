//! Files of a folder that is being filled, with the digest of each.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use a4co_bundle::{Digest, Digester};
use fs_err as fs;

/// A folder, and the digests of the files that were put there.
pub(crate) struct Sums {
    folder: PathBuf,
    digests: BTreeMap<String, Digest>,
}

impl Sums {
    /// Takes a folder that is not there yet, or is empty.
    pub(crate) fn new(folder: &Path) -> io::Result<Self> {
        fs::create_dir_all(folder)?;
        if fs::read_dir(folder)?.next().is_some() {
            let text = format!("`{}` is not empty", folder.display());
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        Ok(Self { folder: folder.to_owned(), digests: BTreeMap::new() })
    }

    /// Puts a file with `bytes` there.
    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        fs::write(self.folder.join(name), bytes)?;
        self.digests.insert(name.to_owned(), Digest::of(bytes));
        Ok(())
    }

    /// Puts the file at `path` there.
    pub(crate) fn copy(&mut self, name: &str, path: &Path) -> io::Result<()> {
        let target = self.folder.join(name);
        fs::copy(path, &target)?;
        self.add(name)
    }

    /// Takes note of a file that is there.
    pub(crate) fn add(&mut self, name: &str) -> io::Result<()> {
        // What was written is what is read again: a bad disk should show here, not at the site.
        let mut digester = Digester::default();
        io::copy(&mut fs::File::open(self.folder.join(name))?, &mut digester)?;
        self.digests.insert(name.to_owned(), digester.finish());
        Ok(())
    }

    /// Returns the list as `sha256sum -c` reads it.
    pub(crate) fn to_text(&self) -> String {
        let lines = self.digests.iter();
        let lines: Vec<_> = lines.map(|(name, it)| format!("{}  {name}\n", it.to_hex())).collect();
        lines.concat()
    }

    /// Returns the names of the files, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.digests.keys().map(String::as_str)
    }

    /// Returns the path of a file there.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}
