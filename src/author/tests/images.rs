//! `lock` and `build --thick` against a real registry.

mod shop;

use std::path::{Path, PathBuf};

use a4co_testenv::{
    Access, Descriptor, ImageLayout, LayerFile, PASSWORD, Registry, Transport, USER,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use fs_err as fs;
use serde_json::{Value, json};

use crate::shop::{ENVIRONMENT, Shop};

/// A shop whose images are in a registry of its own.
struct Images {
    shop: Shop,
    registry: Registry,
}

const WEB: &str = "shop/web";

impl Images {
    fn new(transport: Transport, access: Access) -> Self {
        let shop = Shop::new();
        let registry = Registry::start(transport, access).expect("a registry");
        shop.write("envs/live.toml", &environment(&registry.host()));
        fs::remove_file(shop.path().join("lockfiles/live.lock")).expect("there");
        Self { shop, registry }
    }

    /// Makes an image for two platforms, which share a layer, and pushes it.
    fn push(&self, repository: &str, tag: &str, text: &str) -> Descriptor {
        let layout = ImageLayout::create(&self.shop.path().join(text)).expect("a layout");
        let shared = layout.layer(&[LayerFile::text("etc/motd", "hello")]).expect("a layer");
        let own =
            layout.layer(&[LayerFile::text("etc/own", &text.repeat(60_000))]).expect("a layer");
        let platforms = ["linux/amd64", "linux/arm64"].map(|platform| {
            let layers = [shared.clone(), own.clone()];
            let name = format!("/{platform}");
            let manifest = layout.manifest(platform, &layers, &[&name]).expect("a manifest");
            (platform, manifest)
        });
        let index = layout.index(&platforms).expect("an index");
        layout.tag(tag, &index).expect("a tag");
        self.registry.push(&layout, tag, repository).expect("pushed");
        index
    }

    fn run(&self, arguments: &[&str]) -> (Option<i32>, String, String) {
        let host = self.registry.host();
        self.shop.run(&[arguments, &["--insecure", &host]].concat())
    }

    fn succeed(&self, arguments: &[&str]) -> String {
        let (code, stdout, stderr) = self.run(arguments);
        assert_eq!(code, Some(0), "{arguments:?}: {stderr}");
        stdout
    }

    fn build(&self, more: &[&str]) -> PathBuf {
        let fixed = ["build", "live", "--thick", "--cache", "cache", "--output", "json"];
        let report: Value =
            serde_json::from_str(&self.succeed(&[&fixed, more].concat())).expect("JSON");
        let path = report["bundles"][0]["thick"][0].as_str().expect("a path");
        self.shop.path().join(path)
    }

    fn lockfile(&self) -> String {
        fs::read_to_string(self.shop.path().join("lockfiles/live.lock")).expect("a lockfile")
    }
}

fn environment(host: &str) -> String {
    ENVIRONMENT.replace("ghcr.io/", &format!("{host}/"))
}

#[test]
fn a_lockfile_is_made_and_kept_and_moved_only_where_somebody_says_so() {
    let images = Images::new(Transport::Http, Access::Open);
    let first = images.push(WEB, "1", "first");
    let stdout = images.succeed(&["lock"]);
    assert!(stdout.contains("1 images in lockfiles/live.lock"), "{stdout}");
    assert!(stdout.contains(&format!("/{WEB}:1  {}\n", first.digest)), "{stdout}");
    let locked = images.lockfile();
    let (digest, size) = (format!("\"{}\"", first.digest), format!("size = {}", first.size));
    for part in [digest.as_str(), &size, "\"linux/arm64\" = "] {
        assert!(locked.contains(part), "{part}: {locked}");
    }
    images.succeed(&["lock", "--check"]);
    images.shop.succeed(&["build"]);

    let second = images.push(WEB, "1", "second");
    let (code, stdout, _) = images.run(&["lock", "--check"]);
    assert_eq!(code, Some(1), "{stdout}");
    assert!(stdout.contains(&format!("{} → {}", first.digest, second.digest)), "{stdout}");
    images.succeed(&["lock"]);
    assert_eq!(images.lockfile(), locked, "a pin stays");
    let (code, _, stderr) = images.run(&["lock", "--update", "shop/web"]);
    assert!(code == Some(1) && stderr.contains("no environment runs `shop/web`"), "{stderr}");
    images.succeed(&["lock", "--update", &format!("{}/{WEB}", images.registry.host())]);
    assert!(images.lockfile().contains(&second.digest));
    images.succeed(&["lock", "--check"]);
}

#[test]
fn nothing_is_written_when_a_registry_does_not_help() {
    let images = Images::new(Transport::Http, Access::Open);
    let (code, _, stderr) = images.run(&["lock"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("NAME_UNKNOWN") || stderr.contains("MANIFEST_UNKNOWN"), "{stderr}");
    assert!(!images.shop.path().join("lockfiles/live.lock").exists());
    images.registry.stop().expect("stopped");
    let (code, _, stderr) = images.run(&["lock"]);
    assert!(code == Some(1) && stderr.contains("cannot reach the registry"), "{stderr}");
}

#[test]
fn a_private_registry_wants_its_authority_and_a_login() {
    let images = Images::new(Transport::Https, Access::Login);
    images.push(WEB, "1", "first");
    let ca = images.registry.ca().expect("an authority");
    let ca = ca.to_str().expect("UTF-8");
    let lock = |arguments: &[&str], config: &Path| {
        let mut command = images.shop.command(&[&["lock"], arguments].concat());
        let output = command.env("DOCKER_CONFIG", config).output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, stderr) = lock(&[], images.shop.path());
    assert!(code == Some(1) && stderr.contains("--ca"), "{stderr}");
    let (code, stderr) = lock(&["--ca", ca], images.shop.path());
    assert!(code == Some(1) && stderr.contains("docker login"), "{stderr}");
    let auth = STANDARD.encode(format!("{USER}:{PASSWORD}"));
    let config = json!({ "auths": { images.registry.host(): { "auth": auth } } });
    images.shop.write("config.json", &config.to_string());
    let (code, stderr) = lock(&["--ca", ca], images.shop.path());
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn a_thick_bundle_has_the_images_and_is_the_same_release() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    images.succeed(&["lock"]);
    let both = fs::read(images.build(&[])).expect("a bundle");
    images.registry.stop().expect("stopped");
    assert_eq!(fs::read(images.build(&[])).expect("a bundle"), both, "the cache is enough");
    let one = fs::read(images.build(&["--platform", "linux/arm64"])).expect("a bundle");
    assert!(one.len() < both.len());
    let show = |path: &str| -> Value {
        let shown = images.shop.succeed(&["show", path, "--output", "json"]);
        serde_json::from_str(&shown).expect("JSON")
    };
    let (thin, mut thick) = (show("bundles/live.tar.gz"), show("bundles/live.thick.tar.gz"));
    assert_eq!(thick["held"]["platforms"], json!(["linux/arm64"]));
    thick["held"] = Value::Null;
    assert_eq!(thick, thin, "nothing else differs");
    let arguments = ["build", "--thick", "--cache", "cache", "--platform", "linux/s390x"];
    let (code, _, stderr) = images.run(&arguments);
    assert!(code == Some(1) && stderr.contains("linux/s390x"), "{stderr}");
    assert!(stderr.contains("linux/amd64"), "it says what there is: {stderr}");
}

#[test]
fn signatures_are_those_of_the_thin_bundle_whoever_signs_first() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    images.succeed(&["lock"]);
    images.shop.succeed(&["keygen", "--out", "keys"]);
    images.shop.succeed(&["build", "--key", "keys/a4co-key"]);
    let by_thin = fs::read(images.build(&[])).expect("a bundle");
    let trusted = ["show", "bundles/live.thick.tar.gz", "--trust", "keys/trust.json"];
    images.shop.succeed(&trusted);
    fs::remove_dir_all(images.shop.path().join("bundles")).expect("there");
    images.build(&[]);
    assert_eq!(images.shop.run(&trusted).0, Some(1), "nobody has signed");
    images.shop.succeed(&["sign", "bundles/live.thick.tar.gz", "--key", "keys/a4co-key"]);
    let signed = fs::read(images.shop.path().join("bundles/live.thick.tar.gz")).expect("a bundle");
    assert!(signed == by_thin, "one release, one signature, one file");
}

#[test]
fn a_damaged_cache_is_found_and_mended_by_the_next_build() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    images.succeed(&["lock"]);
    let whole = fs::read(images.build(&[])).expect("a bundle");
    for entry in fs::read_dir(images.shop.path().join("cache/blobs/sha256")).expect("a cache") {
        let path = entry.expect("a file").path();
        let mut bytes = fs::read(&path).expect("a blob");
        bytes[0] ^= 1;
        fs::write(&path, bytes).expect("writable");
    }
    for attempt in 1.. {
        let (code, _, stderr) = images.run(&["build", "--thick", "--cache", "cache"]);
        if code == Some(0) {
            break;
        }
        assert!(stderr.contains("was damaged in the cache, and is removed"), "{stderr}");
        assert!(attempt < 20, "each build mends one");
    }
    let path = images.shop.path().join("bundles/live.thick.tar.gz");
    assert!(fs::read(path).expect("a bundle") == whole);
}

#[test]
fn a_delta_leaves_out_what_its_base_has() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    images.succeed(&["lock"]);
    let base = images.build(&["--out", "base"]);
    let base = base.to_str().expect("UTF-8");
    images.push(WEB, "1", "second");
    images.succeed(&["lock", "--update-all"]);
    let full = fs::metadata(images.build(&[])).expect("a bundle").len();
    let delta = fs::metadata(images.build(&["--since", base])).expect("a bundle").len();
    assert!(delta < full, "{delta} {full}");
    let (code, _, stderr) =
        images.run(&["build", "live", "--thick", "--since", "bundles/live.tar.gz"]);
    assert!(code == Some(1) && stderr.contains("holds no images"), "{stderr}");
}

#[test]
fn volumes_are_joined_by_tar() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "long");
    images.succeed(&["lock"]);
    let whole = fs::read(images.build(&[])).expect("a bundle");
    let first = images.build(&["--volume-size", "100k"]);
    let name = first.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    assert!(name.contains(".thick.tar.gz.vol-1-of-"), "{name}");
    assert!(!images.shop.path().join("bundles/live.thick.tar.gz").exists());
    let script = "for volume in bundles/*.vol-*; do tar -xOf $volume part; done";
    let mut shell = std::process::Command::new("/bin/sh");
    let output = shell.args(["-c", script]).current_dir(images.shop.path()).output();
    assert!(output.expect("a shell").stdout == whole);
}
