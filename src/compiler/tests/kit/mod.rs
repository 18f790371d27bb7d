//! A small environment of nobody in particular, and ways to change it.
#![allow(dead_code, reason = "each test file uses its own part")]

pub(crate) mod own;

use std::path::Path;

use a4co_compiler::{Compiled, Findings, Source, compile};
use fs_err as fs;

/// Two services, nothing else.
pub(crate) const SHOP: &str = r#"
[release]
app = "shop"
version = "1.0.0"
namespace = "shop-live"

[defaults]
image = "ghcr.io/shop/web:1"
replicas = { min = 2 }
requests = { cpu = "100m", memory = "64Mi" }
limits = { cpu = "200m", memory = "128Mi" }

[defaults.probes]
liveness = { path = "/live" }
readiness = { path = "/ready" }

[services.cart]
port = 8081

[services.web]
port = 8080
needs = ["cart"]
"#;

/// Pins the only image of [`SHOP`].
pub(crate) const LOCK: &str = r#"
version = 1

[[image]]
name = "ghcr.io/shop/web"
tag = "1"
digest = "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
"#;

/// Returns the repository's own environments and lockfiles as pairs of path and text, each text with
/// `change` made to it.
pub(crate) fn own_files(change: impl Fn(&str, String) -> String) -> Vec<(String, String)> {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let mut files = Vec::new();
    for folder in ["envs", "lockfiles"] {
        for entry in fs::read_dir(root.join(folder)).expect("a folder") {
            let name = entry.expect("readable").file_name().into_string().expect("text");
            let path = format!("{folder}/{name}");
            let text = fs::read_to_string(root.join(&path)).expect("readable");
            let text = change(&path, text);
            files.push((path, text));
        }
    }
    files
}

/// Compiles files, given as pairs of path and text.
pub(crate) fn compile_files(files: &[(&str, &str)]) -> Result<Vec<Compiled>, Findings> {
    compile(&Source::new(files.iter().copied()))
}

/// Compiles one environment, called `live`.
pub(crate) fn compile_one(environment: &str) -> Result<Compiled, Findings> {
    let files = [("envs/live.toml", environment), ("lockfiles/live.lock", LOCK)];
    compile_files(&files).map(|mut compiled| compiled.pop().expect("one environment"))
}

/// Returns [`SHOP`] with `changes` made: an empty text to replace means to append.
pub(crate) fn changed(changes: &[(&str, &str)]) -> String {
    changes.iter().fold(SHOP.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "`{from}` is not in the environment");
        if from.is_empty() { text + to } else { text.replacen(from, to, 1) }
    })
}

/// Returns what is wrong as lines.
pub(crate) fn lines(result: Result<impl Sized, Findings>) -> Vec<String> {
    match result {
        Ok(_) => Vec::new(),
        Err(findings) => findings.iter().map(a4co_compiler::Finding::to_line).collect(),
    }
}
