//! The folder that keeps what is built once.
//!
//! ```text
//! ${A4CO_TESTENV_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/a4co/testenv}/
//!   KEY/                  a digest of every input of the build; Helm and containerd have their own
//!     lock                held while somebody fills the folder
//!     bin/                programs
//!     definitions/NAME/   custom resource definitions
//!     storage/            etcd data in which the definitions are installed
//!     draft/              what is being made; everything leaves it by a rename
//! ```

use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::assets::sources::{self, DEFINITIONS, KWOK, PROGRAMS, Upstream};
use crate::assets::{go, path_variable};
use crate::error::{Error, Result};
use crate::progress;

/// The cache of what one digest of inputs stands for.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

impl Cache {
    /// Finds the place of this version of the control plane; nothing is created yet.
    pub(crate) fn locate() -> Result<Self> {
        Self::at(&sources::key())
    }

    /// Finds the place of this version of Helm; nothing is created yet.
    pub(crate) fn of_helm() -> Result<Self> {
        Self::at(&sources::helm_key())
    }

    /// Finds the place of this version of the container runtime; nothing is created yet.
    pub(crate) fn of_node() -> Result<Self> {
        Self::at(&sources::node_key())
    }

    fn at(key: &str) -> Result<Self> {
        let root = path_variable("A4CO_TESTENV_CACHE")
            .or_else(|| path_variable("XDG_CACHE_HOME").map(|dir| dir.join("a4co/testenv")))
            .or_else(|| path_variable("HOME").map(|dir| dir.join(".cache/a4co/testenv")))
            .ok_or(Error::NoCacheFolder)?;
        Ok(Self { dir: root.join(key) })
    }

    /// Returns the folder of the cache.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the path of a program.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.dir.join("bin").join(name)
    }

    /// Returns the folder of all custom resource definitions.
    pub(crate) fn definitions(&self) -> PathBuf {
        self.dir.join("definitions")
    }

    /// Returns the folder of etcd data in which the definitions are installed.
    pub(crate) fn storage(&self) -> PathBuf {
        self.dir.join("storage")
    }

    /// Makes what is missing of everything but `provided` programs.
    pub(crate) fn fill(&self, provided: &[&str]) -> Result<()> {
        let missing = self.missing(provided);
        for (number, item) in missing.iter().enumerate() {
            let title = format!("[{}/{}] {}", number + 1, missing.len(), item.title());
            self.fill_one(&self.target(*item), &title, |draft| item.make(draft))?;
        }
        Ok(())
    }

    /// Makes one file or folder, unless it is there: `make` gets a path in an empty folder, and
    /// what it leaves at that path is moved to `target`.
    ///
    /// Of several processes one makes it and the others wait.
    pub(crate) fn fill_one(
        &self,
        target: &Path,
        title: &str,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<()> {
        if target.exists() {
            return Ok(());
        }
        let _lock = self.lock()?;
        if target.exists() {
            return Ok(());
        }
        progress::say(title);
        let start = Instant::now();
        let draft = self.dir.join("draft");
        remove_if_exists(&draft)?;
        fs_err::create_dir_all(&draft)?;
        let product = draft.join(target.file_name().unwrap_or_default());
        make(&product)?;
        if let Some(parent) = target.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::rename(&product, target)?;
        remove_if_exists(&draft)?;
        progress::say(&format!("{title}: {:.0} s", start.elapsed().as_secs_f32()));
        Ok(())
    }

    fn lock(&self) -> Result<fs_err::File> {
        fs_err::create_dir_all(&self.dir)?;
        let lock = fs_err::File::create(self.dir.join("lock"))?;
        if lock.try_lock().is_err() {
            progress::say(&format!("waiting for another build of {}", self.dir.display()));
            lock.lock()?;
        }
        Ok(lock)
    }

    fn missing(&self, provided: &[&str]) -> Vec<Item> {
        let programs = PROGRAMS.map(Item::Program).into_iter();
        let definitions = DEFINITIONS.map(|(name, upstream)| Item::Definitions(name, upstream));
        let mut items: Vec<_> = programs.chain([Item::Kwok]).chain(definitions).collect();
        items.retain(|item| !provided.contains(&item.name()) && !self.target(*item).exists());
        items
    }

    fn target(&self, item: Item) -> PathBuf {
        match item {
            Item::Program(_) | Item::Kwok => self.program(item.name()),
            Item::Definitions(name, _) => self.definitions().join(name),
        }
    }
}

/// One thing in the cache.
#[derive(Clone, Copy, Debug)]
enum Item {
    Program(&'static str),
    Kwok,
    Definitions(&'static str, Upstream),
}

impl Item {
    fn name(self) -> &'static str {
        match self {
            Self::Program(name) | Self::Definitions(name, _) => name,
            Self::Kwok => "kwok",
        }
    }

    fn title(self) -> String {
        match self {
            Self::Program(name) => format!("build {name}"),
            Self::Kwok => format!("install {}", KWOK.module),
            Self::Definitions(_, upstream) => format!("copy definitions of {}", upstream.module),
        }
    }

    fn make(self, target: &Path) -> Result<()> {
        let folder = target.parent().unwrap_or(target);
        match self {
            Self::Program(name) => {
                sources::write_go_module(&folder.join("go"))?;
                go::build(&folder.join("go"), name, target)
            }
            Self::Kwok => go::install(&KWOK, "", folder),
            Self::Definitions(_, upstream) => copy_definitions(&upstream, target),
        }
    }
}

fn copy_definitions(upstream: &Upstream, target: &Path) -> Result<()> {
    let source = go::download(upstream)?.join(upstream.path);
    fs_err::create_dir_all(target)?;
    for entry in fs_err::read_dir(source)? {
        let path = entry?.path();
        let is_definition =
            fs_err::read_to_string(&path)?.contains("\nkind: CustomResourceDefinition\n");
        if let Some(name) = path.file_name().filter(|_| is_definition) {
            fs_err::write(target.join(name), fs_err::read(&path)?)?;
        }
    }
    Ok(())
}

fn remove_if_exists(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs_err::remove_dir_all(dir)?;
    }
    Ok(())
}
