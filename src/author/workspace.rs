//! The folder in which the environments are.

use std::{
    env,
    path::{Path, PathBuf},
};

use a4co_compiler::{Compiled, Lock, Source, compile, locks, replace_file};
use fs_err as fs;

use crate::failure::Failure;

/// The folder that has `envs/` and `lockfiles/`.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Takes `root`, or else the nearest folder with `envs/` from the current one up.
    pub(crate) fn find(root: Option<&Path>) -> Result<Self, Failure> {
        let is_root = |folder: &&Path| folder.join("envs").is_dir();
        if let Some(root) = root {
            let found = Some(root).filter(is_root).map(Path::to_owned);
            let missing = || Failure::NotAWorkspace { path: root.to_owned() };
            return found.map(|root| Self { root }).ok_or_else(missing);
        }
        let here = env::current_dir()?;
        let root = here.ancestors().find(is_root).map(Path::to_owned);
        root.map(|root| Self { root }).ok_or(Failure::NoWorkspace)
    }

    /// Returns the folder of the bundles.
    pub(crate) fn bundles(&self) -> PathBuf {
        self.root.join("bundles")
    }

    /// Compiles all environments, and returns the one called `only`, if one is named.
    ///
    /// All are compiled even then: an error in one often lies in a layer that others share.
    pub(crate) fn compile(&self, only: Option<&str>) -> Result<Vec<Compiled>, Failure> {
        let compiled = compile(&Source::read(&self.root)?)?;
        keep(compiled, |one| &one.environment, only)
    }

    /// Returns what has to be pinned in all environments, or in the one called `only`.
    pub(crate) fn locks(&self, only: Option<&str>) -> Result<Vec<Lock>, Failure> {
        keep(locks(&Source::read(&self.root)?)?, |lock| &lock.environment, only)
    }

    /// Writes a lockfile.
    pub(crate) fn write_lockfile(&self, lock: &Lock, text: &str) -> Result<(), Failure> {
        let path = self.root.join(&lock.path);
        fs::create_dir_all(path.parent().unwrap_or(&self.root))?;
        Ok(replace_file(&path, text.as_bytes())?)
    }
}

/// Keeps the one of `all` whose environment is `only`, if one is named.
fn keep<T>(
    mut all: Vec<T>,
    environment: impl Fn(&T) -> &String,
    only: Option<&str>,
) -> Result<Vec<T>, Failure> {
    if let Some(name) = only {
        let known = all.iter().map(|one| environment(one).clone()).collect();
        all.retain(|one| environment(one) == name);
        if all.is_empty() {
            return Err(Failure::NoEnvironment { name: name.to_owned(), known });
        }
    }
    Ok(all)
}
