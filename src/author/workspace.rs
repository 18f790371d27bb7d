//! The folder in which the environments are.

use std::{
    env,
    path::{Path, PathBuf},
};

use a4co_compiler::{Compiled, Source, compile};

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
        let mut compiled = compile(&Source::read(&self.root)?)?;
        let known: Vec<_> = compiled.iter().map(|one| one.environment.clone()).collect();
        if let Some(name) = only {
            compiled.retain(|one| one.environment == name);
            if compiled.is_empty() {
                return Err(Failure::NoEnvironment { name: name.to_owned(), known });
            }
        }
        Ok(compiled)
    }
}
