//! The programs of a node without a kubelet: containerd, and what speaks to it.

use std::path::{Path, PathBuf};

use crate::assets::cache::Cache;
use crate::assets::go;
use crate::assets::sources::{self, CONTAINERD, CRICTL, NODE_PROGRAMS, Upstream};
use crate::error::Result;

/// Paths of the programs of a node.
#[derive(Debug)]
pub(crate) struct NodeAssets {
    /// The folder of all of them: containerd, which finds its shim there, and those that follow.
    pub(crate) bin: PathBuf,
    pub(crate) ctr: PathBuf,
    pub(crate) crictl: PathBuf,
    /// What k3s and RKE2 do to the files in their image folders.
    pub(crate) k3s_import: PathBuf,
    /// A static program for images: says its arguments, or waits to be told to end.
    pub(crate) hello: PathBuf,
}

impl NodeAssets {
    /// Finds all programs, building them if need be.
    pub(crate) fn prepare() -> Result<Self> {
        let cache = Cache::of_node()?;
        for upstream in CONTAINERD.iter().chain([&CRICTL]) {
            let title = format!("install {}", upstream.path);
            cache.fill_one(&cache.program(name_of(upstream)), &title, |draft| {
                go::install(upstream, "", draft.parent().unwrap_or(draft))
            })?;
        }
        for name in NODE_PROGRAMS {
            cache.fill_one(&cache.program(name), &format!("build {name}"), |draft| {
                let module = draft.with_file_name("go");
                sources::write_node_module(&module)?;
                go::build(&module, name, draft)
            })?;
        }
        let hello = cache.program("hello");
        let bin = hello.parent().map(Path::to_owned).unwrap_or_default();
        let (ctr, crictl) = (cache.program("ctr"), cache.program("crictl"));
        Ok(Self { bin, ctr, crictl, k3s_import: cache.program("k3s-import"), hello })
    }
}

/// Returns the name of the program that a package installs.
fn name_of(upstream: &Upstream) -> &'static str {
    let package = upstream.path.split_once('@').map_or(upstream.path, |(package, _)| package);
    package.rsplit('/').next().unwrap_or(package)
}
