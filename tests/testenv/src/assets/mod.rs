//! The programs and definitions that a control plane consists of, and where they are found.

mod cache;
mod go;
mod node;
mod sources;

use std::path::PathBuf;

use crate::error::Result;
use crate::storage;
use cache::Cache;
pub(crate) use node::NodeAssets;
pub(crate) use sources::KUBERNETES;
use sources::{HELM, HELM_VERSION};

/// Paths of everything that is needed to start a control plane.
#[derive(Debug)]
pub(crate) struct Assets {
    pub(crate) etcd: PathBuf,
    pub(crate) kube_apiserver: PathBuf,
    pub(crate) kube_controller_manager: PathBuf,
    pub(crate) kube_scheduler: PathBuf,
    pub(crate) kubectl: PathBuf,
    pub(crate) kwok: PathBuf,
    /// A folder of folders of custom resource definitions.
    pub(crate) definitions: PathBuf,
    /// etcd data in which the definitions are installed already, if these programs can read it.
    pub(crate) storage: Option<PathBuf>,
}

impl Assets {
    /// Finds all assets, filling the cache if need be.
    ///
    /// Programs in the folder that `KUBEBUILDER_ASSETS` names come before those of the cache.
    pub(crate) fn prepare() -> Result<Self> {
        let cache = Cache::locate()?;
        let folder = path_variable("KUBEBUILDER_ASSETS");
        let is_provided = |name: &str| folder.as_ref().is_some_and(|dir| dir.join(name).exists());
        let provided: Vec<_> = sources::PROGRAMS
            .into_iter()
            .chain(["kwok"])
            .filter(|name| is_provided(name))
            .collect();
        cache.fill(&provided)?;
        let find = |name: &str| match &folder {
            Some(dir) if provided.contains(&name) => dir.join(name),
            _ => cache.program(name),
        };
        let mut assets = Self {
            etcd: find("etcd"),
            kube_apiserver: find("kube-apiserver"),
            kube_controller_manager: find("kube-controller-manager"),
            kube_scheduler: find("kube-scheduler"),
            kubectl: find("kubectl"),
            kwok: find("kwok"),
            definitions: cache.definitions(),
            storage: None,
        };
        if !(provided.contains(&"etcd") || provided.contains(&"kube-apiserver")) {
            let title = "install the definitions in etcd";
            cache.fill_one(&cache.storage(), title, |target| storage::make(&assets, target))?;
            assets.storage = Some(cache.storage());
        }
        Ok(assets)
    }

    /// Fills the whole cache and returns its folder.
    pub(crate) fn build() -> Result<PathBuf> {
        Cache::locate()?.fill(&[])?;
        Self::prepare()?;
        Ok(Cache::locate()?.dir().to_owned())
    }
}

/// Returns Helm, building it if need be.
pub(crate) fn helm() -> Result<PathBuf> {
    let cache = Cache::of_helm()?;
    let target = cache.program("helm");
    cache.fill_one(&target, &format!("install {}", HELM.module), |draft| {
        go::install(&HELM, HELM_VERSION, draft.parent().unwrap_or(draft))
    })?;
    Ok(target)
}

/// Returns a kubectl for a cluster that exists: a provided one, one from the cache, or any.
pub(crate) fn any_kubectl() -> PathBuf {
    let provided = path_variable("KUBEBUILDER_ASSETS").map(|dir| dir.join("kubectl"));
    let cached = Cache::locate().ok().map(|cache| cache.program("kubectl"));
    let found = [provided, cached].into_iter().flatten().find(|path| path.exists());
    found.unwrap_or_else(|| PathBuf::from("kubectl"))
}

/// Reads a path from the environment and makes it absolute; an empty one counts as absent.
pub(crate) fn path_variable(name: &str) -> Option<PathBuf> {
    let value = std::env::var_os(name).filter(|value| !value.is_empty())?;
    std::path::absolute(value).ok()
}
