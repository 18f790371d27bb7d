//! The disconnected side: nodes, an API server, a registry, and what was brought there.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Command,
};

use a4co_testenv::{Access, ControlPlane, PASSWORD, Registry, Transport, USER};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    author::NAMESPACE,
    images::{Images, Name, expect_in},
    program::{shell, succeed},
};

/// What is brought besides the folder `kit`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Media {
    /// The second release, without what the first one has.
    pub(crate) delta: PathBuf,
    /// The second release, all of it.
    pub(crate) volumes: Vec<PathBuf>,
    /// The registry that pods name.
    pub(crate) names: String,
}

impl Media {
    pub(crate) fn write(&self, folder: &Path) {
        fs_err::write(folder.join("media.json"), serde_json::to_vec(self).unwrap()).unwrap();
    }

    fn read(folder: &Path) -> Self {
        serde_json::from_slice(&fs_err::read(folder.join("media.json")).unwrap()).unwrap()
    }
}

/// A site.
pub(crate) struct Site {
    folder: PathBuf,
    media: Media,
    images: Images,
    cluster: ControlPlane,
    registry: Registry,
}

impl Site {
    pub(crate) fn new(folder: &Path) -> Self {
        let registry = Registry::start(Transport::Https, Access::Login).unwrap();
        let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
        let config = json!({ "auths": { registry.host(): { "auth": auth } } });
        fs_err::create_dir(folder.join("bin")).unwrap();
        fs_err::write(folder.join("config.json"), config.to_string()).unwrap();
        Self {
            folder: folder.to_owned(),
            media: Media::read(folder),
            images: Images::in_folder(&folder.join("layout")),
            cluster: ControlPlane::start().unwrap(),
            registry,
        }
    }

    /// Does what the README of the kit says, all of it: from checksums to applying.
    pub(crate) fn follow_the_instructions(&self) {
        let readme = fs_err::read_to_string(self.kit().join("README.txt")).unwrap();
        let script = self.commands_of(&readme);
        for part in ["sha256sum -c", "ssh-keygen -Y verify", "tar -xzf", "install -m", " verify "] {
            assert!(script.contains(part), "{part}: {script}");
        }
        let printed = succeed(self.command("/bin/sh").args(["-euxc", &script]));
        assert_eq!(printed.matches("Good \"a4co-").count(), 2, "{printed}");
        fs_err::remove_dir_all(self.kit().join("a4co")).unwrap();
    }

    /// The commands of the instructions, with what a person fills in.
    fn commands_of(&self, readme: &str) -> String {
        let starts =
            ["sha256sum ", "ssh-keygen ", "  -s ", "  --", "tar ", "install ", "a4co-apply "];
        let lines = readme.lines().filter_map(|line| line.strip_prefix("   "));
        let lines = lines.filter(|line| starts.iter().any(|start| line.starts_with(start)));
        let fill = |line: &str| {
            let line = line.replace("/usr/local/bin", &self.folder.join("bin").to_string_lossy());
            let line = line.replace("/var/tmp", &self.folder.to_string_lossy());
            let line = line.replace(" REGISTRY", &format!(" {}", self.at_registry()));
            let applies = !line.contains(" images ") && !line.contains(" verify ");
            if line.starts_with("a4co-apply ") && applies {
                format!("{line} {}\n", self.overlay())
            } else {
                format!("{line}\n")
            }
        };
        lines.map(fill).collect()
    }

    /// The archive that the instructions have made for nodes, in the folder that the test got.
    pub(crate) fn archive(folder: &Path) -> PathBuf {
        folder.join("images.tar")
    }

    /// Checks that pods run these images, and no others, from the registry of the site.
    #[track_caller]
    pub(crate) fn expect_running(&self, names: &[Name]) {
        let pods = self.kubectl(&["get", "pods"]);
        let pods = pods["items"].as_array().unwrap();
        let images =
            pods.iter().filter(|pod| pod["metadata"]["deletionTimestamp"].is_null()).map(|pod| {
                assert_eq!(pod["status"]["phase"], "Running", "{pod}");
                pod["spec"]["containers"][0]["image"].as_str().unwrap().to_owned()
            });
        let host = self.registry.host();
        let expected = names.iter().map(|name| format!("{host}/{}", self.images.reference(*name)));
        assert_eq!(images.collect::<BTreeSet<_>>(), expected.collect::<BTreeSet<_>>());
    }

    /// Checks that the registry has images as they were made.
    #[track_caller]
    pub(crate) fn expect_images(&self, names: &[Name]) {
        for name in names {
            expect_in(&self.registry, &self.images, *name, &self.folder.join("pulled"));
        }
    }

    /// Does again what is done.
    pub(crate) fn expect_nothing_to_do(&self) {
        let bundle = self.bundle();
        let uploads = self.uploads();
        let pushed = self.push(&bundle);
        assert_eq!(pushed["blobs"]["sent"], 0, "{pushed}");
        assert_eq!(self.uploads(), uploads, "nothing is sent");
        let applied = self.a4co_apply(&["apply", text(&bundle)]);
        assert!(applied.contains("nothing to do"), "{applied}");
        let listed = self.json(&["images", "list", text(&bundle)]);
        assert_eq!(listed["thick"], true, "{listed}");
        assert_eq!(listed["images"].as_array().unwrap().len(), 3, "{listed}");
    }

    /// Brings the second release from its delta.
    pub(crate) fn update(&self) {
        let pushed = self.push(&self.media.delta);
        let sent = pushed["bytes"].as_u64().unwrap();
        assert!((1..1 << 20).contains(&sent), "{pushed}");
        self.a4co_apply(&["apply", text(&self.media.delta)]);
    }

    /// Checks that the delta and what it is based on are the whole second release, byte for byte as
    /// the volumes have it.
    pub(crate) fn expect_whole(&self) {
        let joined = self.folder.join("joined.tar.gz");
        let base = self.bundle();
        let (delta, base) = (text(&self.media.delta), text(&base));
        self.a4co_apply(&["images", "join", delta, "--base", base, "--out", text(&joined)]);
        let volumes: Vec<_> = self.media.volumes.iter().map(|it| text(it)).collect();
        let parts = volumes.join(" ");
        let script = format!("for v in {parts}; do tar -xOf $v part; done | cmp - joined.tar.gz");
        shell(&self.folder, &script);
        fs_err::remove_file(joined).unwrap();
        let verified = self.json(&["verify", volumes[1]]);
        assert_eq!(verified["release"], self.json(&["verify", delta])["release"]);
        let pushed = self.push(Path::new(volumes[0]));
        assert_eq!(pushed["blobs"]["sent"], 0, "the registry has all of it: {pushed}");
    }

    pub(crate) fn roll_back(&self) {
        let history = self.json(&["history", "--namespace", NAMESPACE]);
        assert!(history.to_string().contains("1.1.0"), "{history}");
        self.a4co_apply(&["rollback", "--namespace", NAMESPACE]);
    }

    fn push(&self, bundle: &Path) -> Value {
        let registry = self.at_registry();
        let (host, ca) = registry.split_once(" --ca ").unwrap();
        self.json(&["images", "push", text(bundle), host, "--ca", ca])
    }

    /// How many blobs somebody began to send.
    fn uploads(&self) -> usize {
        let log = self.registry.log().unwrap();
        log.lines().filter(|line| line.contains("\"POST /v2/")).count()
    }

    fn at_registry(&self) -> String {
        format!("{} --ca {}", self.registry.host(), self.registry.ca().unwrap().display())
    }

    fn overlay(&self) -> String {
        format!("--registry {}={}", self.media.names, self.registry.host())
    }

    fn kit(&self) -> PathBuf {
        self.folder.join("kit")
    }

    /// The bundle of the first release.
    fn bundle(&self) -> PathBuf {
        let files = fs_err::read_dir(self.kit()).unwrap();
        let mut files = files.map(|entry| entry.unwrap().path());
        files.find(|path| path.extension().is_some_and(|it| it == "gz")).unwrap()
    }

    fn kubectl(&self, args: &[&str]) -> Value {
        let all = [args, &["--namespace", NAMESPACE, "--output", "json"]].concat();
        serde_json::from_str(&self.cluster.kubectl(&all).expect_success()).unwrap()
    }

    #[track_caller]
    fn json(&self, args: &[&str]) -> Value {
        serde_json::from_str(&self.a4co_apply(&[args, &["--output", "json"]].concat())).unwrap()
    }

    #[track_caller]
    fn a4co_apply(&self, args: &[&str]) -> String {
        let program = self.folder.join("bin/a4co-apply");
        succeed(
            self.command(text(&program))
                .args(args)
                .env("A4CO_TRUST", self.kit().join("trust.json")),
        )
    }

    /// A command in the kit, with what a person has set up.
    fn command(&self, program: &str) -> Command {
        let mut path = self.folder.join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        let mut command = Command::new(program);
        command
            .current_dir(self.kit())
            .env("PATH", path)
            .env("KUBECONFIG", self.cluster.kubeconfig())
            .env("DOCKER_CONFIG", &self.folder);
        command
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
