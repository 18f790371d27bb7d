//! The connected side: a registry as there are many on the internet, and who makes releases.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use a4co_testenv::{Access, Registry, Transport};
use serde_json::Value;

use crate::{
    images::{self, API, Name, PLATFORM, TOOL, WEB, WEB_NEXT},
    program::{a4co, a4co_apply, succeed},
};

pub(crate) const NAMESPACE: &str = "shop";

/// What comes of the connected side. Nothing else is taken to the site.
pub(crate) struct Author {
    folder: PathBuf,
    host: String,
    registry: Option<Registry>,
}

impl Author {
    /// Makes the images, and has them in a registry.
    pub(crate) fn new(folder: &Path, program: Vec<u8>) -> Self {
        let registry = Registry::start(Transport::Http, Access::Open).unwrap();
        let layout = images::make(&folder.join("layout"), program);
        for (repository, tag) in [WEB, WEB_NEXT, API, TOOL] {
            registry.push(&layout, tag, repository).unwrap();
        }
        images::forget_layers(&layout);
        let host = registry.host();
        let author = Self { folder: folder.to_owned(), host, registry: Some(registry) };
        author.a4co(&["keygen", "--out", "keys"]);
        author
    }

    /// The registry that the release names.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Locks the images of a version, and builds its bundle; returns the files.
    pub(crate) fn release(&self, version: &str, web: Name, more: &[&str]) -> Vec<PathBuf> {
        let host = self.host();
        let service = |name: &str, (repository, tag): Name| {
            format!(
                r#"
[services.{name}]
image = "{host}/{repository}:{tag}"
port = 8080
replicas = {{ min = 2 }}
requests = {{ cpu = "10m", memory = "16Mi" }}
limits = {{ cpu = "20m", memory = "32Mi" }}
probes = {{ liveness = {{ path = "/live" }}, readiness = {{ path = "/ready" }} }}
"#
            )
        };
        let release = format!(
            "[release]\napp = \"shop\"\nversion = \"{version}\"\nnamespace = \"{NAMESPACE}\"\n"
        );
        let services = [service("api", API), service("tool", TOOL), service("web", web)];
        fs_err::create_dir_all(self.folder.join("envs")).unwrap();
        fs_err::write(self.folder.join("envs/live.toml"), release + &services.concat()).unwrap();
        self.a4co(&["lock", "--insecure", host]);
        self.build(more)
    }

    /// Builds the bundle of the last release; returns the files.
    pub(crate) fn build(&self, more: &[&str]) -> Vec<PathBuf> {
        let host = self.host();
        let command = ["build", "live", "--thick", "--platform", PLATFORM, "--cache", "cache"];
        let fixed = ["--insecure", host, "--key", "keys/a4co-key", "--output", "json"];
        let built: Value =
            serde_json::from_str(&self.a4co(&[&command, &fixed[..], more].concat())).unwrap();
        let files = built["bundles"][0]["thick"].as_array().unwrap().iter();
        files.map(|it| self.folder.join(it.as_str().unwrap())).collect()
    }

    /// Ends the registry; what was pulled from it stays in the cache.
    pub(crate) fn disconnect(&mut self) {
        self.registry = None;
    }

    /// Packs the folder for the site.
    pub(crate) fn kit(&self, bundle: &Path) {
        let bundle = bundle.to_str().unwrap();
        let tool = format!("{PLATFORM}={}", a4co_apply().display());
        let trust = ["--trust", "keys/trust.json", "--key", "keys/a4co-key"];
        let kit = ["kit", bundle, "--tool", &tool, "--out", "kit"];
        self.a4co(&[&kit[..], &trust].concat());
    }

    #[track_caller]
    fn a4co(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(a4co());
        command.args(arguments).current_dir(&self.folder).env_remove("A4CO_SIGNING_KEY");
        succeed(&mut command)
    }
}
