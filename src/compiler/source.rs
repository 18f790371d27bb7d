//! The files that are compiled: `envs/*.toml` and `lockfiles/*.lock`.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use fs_err as fs;
use thiserror::Error;

use crate::place::SourceFile;

/// Folder of the environment files.
pub(crate) const ENVIRONMENTS: &str = "envs";

/// Folder of the lockfiles.
pub(crate) const LOCKFILES: &str = "lockfiles";

/// The read-in text of every file that takes part in compiling. Nothing else has an influence.
#[derive(Clone, Debug, Default)]
pub struct Source {
    files: BTreeMap<String, Arc<SourceFile>>,
}

impl Source {
    /// Takes files as pairs of path and text; paths are relative and have slashes.
    pub fn new<P: Into<String>, T: Into<String>>(files: impl IntoIterator<Item = (P, T)>) -> Self {
        let file = |(path, text): (P, T)| {
            let file = SourceFile { path: path.into(), text: text.into() };
            (file.path.clone(), Arc::new(file))
        };
        Self { files: files.into_iter().map(file).collect() }
    }

    /// Reads `envs/*.toml` and `lockfiles/*.lock` below `root`. A missing folder is an empty one.
    ///
    /// # Errors
    /// Fails when a folder or a file cannot be read, or a file is not UTF-8.
    pub fn read(root: &Path) -> Result<Self, ReadError> {
        let mut files = Vec::new();
        for (folder, extension) in [(ENVIRONMENTS, "toml"), (LOCKFILES, "lock")] {
            for name in names_in(&root.join(folder), extension)? {
                let path = format!("{folder}/{name}");
                let bytes = fs::read(root.join(&path))?;
                let text = String::from_utf8(bytes)
                    .map_err(|error| ReadError::NotUtf8 { path: path.clone(), source: error })?;
                files.push((path, text));
            }
        }
        Ok(Self::new(files))
    }

    /// Returns what a build must watch below the root: the folders, so that a new file is seen, and
    /// every file that was read.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        [ENVIRONMENTS, LOCKFILES].into_iter().chain(self.files.keys().map(String::as_str))
    }

    /// Returns the file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&Arc<SourceFile>> {
        self.files.get(path)
    }

    /// Returns the environment files by path.
    pub(crate) fn environment_files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.files.values().filter(|file| file.path.starts_with("envs/"))
    }
}

/// Why the files could not be read.
#[derive(Debug, Error)]
pub enum ReadError {
    /// The file system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// A file is not text.
    #[error("`{path}` is not UTF-8")]
    NotUtf8 {
        /// Path relative to the root.
        path: String,
        /// Where the text breaks.
        source: std::string::FromUtf8Error,
    },
    /// A file name is not text.
    #[error("the name of `{}` is not UTF-8", path.display())]
    NameNotUtf8 {
        /// The whole path.
        path: PathBuf,
    },
}

/// Returns the names in `folder` that end in `extension`, sorted as bytes.
fn names_in(folder: &Path, extension: &str) -> Result<Vec<String>, ReadError> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            let name = path.file_name().and_then(|name| name.to_str()).map(str::to_owned);
            names.push(name.ok_or(ReadError::NameNotUtf8 { path })?);
        }
    }
    names.sort_unstable();
    Ok(names)
}
