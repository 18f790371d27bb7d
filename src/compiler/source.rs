//! The files that are compiled: `envs/*.toml`, `lockfiles/*.lock` and everything below `manifests/`.

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

/// Folder of the objects that a team brings itself.
pub(crate) const MANIFESTS: &str = "manifests";

/// Extensions of files with objects.
const MANIFEST_EXTENSIONS: [&str; 3] = ["json", "yaml", "yml"];

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

    /// Reads `envs/*.toml`, `lockfiles/*.lock`, and the YAML and JSON files at any depth of
    /// `manifests/`, below `root`. A missing folder is an empty one.
    ///
    /// # Errors
    /// Fails when a folder or a file cannot be read, or a file is not UTF-8.
    pub fn read(root: &Path) -> Result<Self, ReadError> {
        let mut paths = Vec::new();
        for (folder, extension) in [(ENVIRONMENTS, "toml"), (LOCKFILES, "lock")] {
            let entries = entries_in(root, folder)?.into_iter();
            paths.extend(
                entries.map(|entry| entry.path).filter(|it| has_extension(it, &[extension])),
            );
        }
        let mut folders = vec![MANIFESTS.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in entries_in(root, &folder)? {
                if entry.is_folder {
                    folders.push(entry.path);
                } else if has_extension(&entry.path, &MANIFEST_EXTENSIONS) {
                    paths.push(entry.path);
                }
            }
        }
        let read = |path: String| match String::from_utf8(fs::read(root.join(&path))?) {
            Ok(text) => Ok((path, text)),
            Err(source) => Err(ReadError::NotUtf8 { path, source }),
        };
        Ok(Self::new(paths.into_iter().map(read).collect::<Result<Vec<_>, _>>()?))
    }

    /// Returns what a build must watch below the root: the folders, so that a new file is seen, and
    /// every file that was read.
    pub fn inputs(&self) -> impl Iterator<Item = &str> {
        // Cargo takes a watched folder that does not exist for changed, at every build.
        let manifests = self.manifest_files(MANIFESTS).next().map(|_| MANIFESTS);
        let folders = [ENVIRONMENTS, LOCKFILES].into_iter().chain(manifests);
        folders.chain(self.files.keys().map(String::as_str))
    }

    /// Returns the file at `path`.
    pub(crate) fn file(&self, path: &str) -> Option<&Arc<SourceFile>> {
        self.files.get(path)
    }

    /// Returns the environment files by path.
    pub(crate) fn environment_files(&self) -> impl Iterator<Item = &Arc<SourceFile>> {
        self.files.values().filter(|file| file.path.starts_with("envs/"))
    }

    /// Returns the files with objects at `path`, which is a file or a folder, by path.
    pub(crate) fn manifest_files(&self, path: &str) -> impl Iterator<Item = &Arc<SourceFile>> {
        let is_below = move |file: &str| {
            let rest = file.strip_prefix(path);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let files = self.files.values();
        files.filter(|file| file.path.starts_with(MANIFESTS)).filter(move |it| is_below(&it.path))
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

/// What is in a folder.
struct Entry {
    /// Path relative to the root, with slashes.
    path: String,
    /// Whether it is a folder; a link to one is none, since it may lead back.
    is_folder: bool,
}

/// Returns what is in `folder` below `root`, in no particular order.
fn entries_in(root: &Path, folder: &str) -> Result<Vec<Entry>, ReadError> {
    if !root.join(folder).is_dir() {
        return Ok(Vec::new());
    }
    let mut entries = Vec::new();
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        match entry.file_name().to_str() {
            Some(name) => entries.push(Entry {
                path: format!("{folder}/{name}"),
                is_folder: entry.file_type()?.is_dir(),
            }),
            None => return Err(ReadError::NameNotUtf8 { path: entry.path() }),
        }
    }
    Ok(entries)
}

fn has_extension(path: &str, extensions: &[&str]) -> bool {
    let found = Path::new(path).extension().and_then(|extension| extension.to_str());
    found.is_some_and(|found| extensions.contains(&found))
}
