//! A folder with one environment, and the tool to be run in it.

#![allow(dead_code, reason = "not every test uses all of it")]

use std::{
    path::Path,
    process::{Command, Output},
};

use fs_err as fs;
use tempfile::TempDir;

pub(crate) const ENVIRONMENT: &str = r#"
[release]
app = "shop"
version = "1.0.0"
namespace = "shop"

[services.web]
image = "ghcr.io/shop/web:1"
port = 8080
replicas = { min = 2 }
requests = { cpu = "100m", memory = "64Mi" }
limits = { cpu = "200m", memory = "128Mi" }
probes = { liveness = { path = "/live" }, readiness = { path = "/ready" } }
"#;

pub(crate) const LOCK: &str = r#"
version = 1

[[image]]
name = "ghcr.io/shop/web"
tag = "1"
digest = "sha256:00000000000000000000000000000000000000000000000000000000000000aa"
"#;

/// A folder with one environment, and the tool to be run in it.
pub(crate) struct Shop(TempDir);

impl Shop {
    pub(crate) fn new() -> Self {
        let shop = Self(TempDir::new().expect("a folder"));
        shop.write("envs/live.toml", ENVIRONMENT);
        shop.write("lockfiles/live.lock", LOCK);
        shop
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(path, text).expect("writable");
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_a4co"));
        command.current_dir(self.path()).env_remove("A4CO_SIGNING_KEY").args(arguments);
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("it runs");
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        (status.code(), text(stdout), text(stderr))
    }

    pub(crate) fn succeed(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
        stdout
    }
}
