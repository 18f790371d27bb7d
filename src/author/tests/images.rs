//! `lock` and `build --thick` against a real registry.

mod shop;

use std::{
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

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

    /// Makes an image for one platform, without an index, and pushes it.
    fn push_single(&self, repository: &str, tag: &str, text: &str, platform: &str) -> Descriptor {
        let layout = ImageLayout::create(&self.shop.path().join(text)).expect("a layout");
        let layer = layout.layer(&[LayerFile::text("etc/own", text)]).expect("a layer");
        let manifest = layout.manifest(platform, &[layer], &[&format!("/{text}")]);
        let manifest = manifest.expect("a manifest");
        layout.tag(tag, &manifest).expect("a tag");
        self.registry.push(&layout, tag, repository).expect("pushed");
        manifest
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
    assert!(stdout.starts_with("live: wrote lockfiles/live.lock: 1 added\n"), "{stdout}");
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
    assert_eq!(code, Some(5), "{stdout}");
    assert!(stdout.contains("lockfiles/live.lock would change: 1 moved"), "{stdout}");
    assert!(stdout.contains(&format!("{} → {}", first.digest, second.digest)), "{stdout}");
    let stdout = images.succeed(&["lock"]);
    assert_eq!(images.lockfile(), locked, "a pin stays");
    assert!(stdout.contains("1 pin kept, not asked (--check asks)"), "{stdout}");
    let report: Value =
        serde_json::from_str(&images.succeed(&["lock", "--output", "json"])).expect("JSON");
    let lockfile = &report["lockfiles"][0];
    assert_eq!((&lockfile["written"], &lockfile["asked"]), (&json!(false), &json!(0)));
    images.succeed(&["lock", "--update", "web"]);
    assert!(images.lockfile().contains(&second.digest));
    images.succeed(&["lock", "--check"]);
}

#[test]
fn nothing_is_written_when_a_registry_does_not_help() {
    let images = Images::new(Transport::Http, Access::Open);
    let (code, _, stderr) = images.run(&["lock"]);
    assert_eq!(code, Some(1));
    assert!(stderr.contains("NAME_UNKNOWN") || stderr.contains("MANIFEST_UNKNOWN"), "{stderr}");
    let name =
        format!("error: an image of live cannot be pinned: {}/{WEB}:1: ", images.registry.host());
    assert!(stderr.contains(&name), "{stderr}");
    let (code, _, stderr) = images.run(&["lock", "--check"]);
    assert!(code == Some(1) && stderr.contains("_UNKNOWN"), "it cannot be told: {stderr}");
    let (code, _, stderr) = images.run(&["lock", "--mirrors-only"]);
    let says = format!("{} has no mirror", images.registry.host());
    assert!(code == Some(1) && stderr.contains(&says), "{stderr}");
    assert!(!images.shop.path().join("lockfiles/live.lock").exists());
    images.registry.stop().expect("stopped");
    let (code, _, stderr) = images.run(&["lock"]);
    assert!(code == Some(1) && stderr.contains("cannot reach the registry"), "{stderr}");
}

/// Starts to lock against a registry that takes connections and never answers.
fn lock_that_waits(shop: &Shop, more: &[&str]) -> (std::process::Child, TcpStream) {
    let silent = TcpListener::bind("127.0.0.1:0").expect("a port");
    let host = silent.local_addr().expect("bound").to_string();
    shop.write("envs/live.toml", &environment(&host));
    fs::remove_file(shop.path().join("lockfiles/live.lock")).expect("there");
    let mut command = shop.command(&[&["lock", "--insecure", &host], more].concat());
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    let (connection, _) = silent.accept().expect("it asks");
    (child, connection)
}

#[test]
fn an_interrupted_lock_says_so_and_writes_nothing() {
    for signal in ["-INT", "-TERM"] {
        let shop = Shop::new();
        let (child, mut connection) = lock_that_waits(&shop, &["--output", "json"]);
        // It listens for signals before it asks.
        assert!(connection.read(&mut [0]).expect("a request") > 0);
        let kill = Command::new("kill").args([signal, &child.id().to_string()]).status();
        assert!(kill.expect("kill").success());
        let output = child.wait_with_output().expect("it ends");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(130), "{signal}: {stderr}");
        assert_eq!(stderr, "error: interrupted; what was fetched is kept\n", "{signal}");
        let document: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(document["exitCode"], 130, "{signal}");
        assert!(!shop.path().join("lockfiles/live.lock").exists(), "{signal}");
    }
}

#[test]
fn what_comes_after_the_registries_can_be_interrupted_too() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    // Nobody reads what it prints, and the pipe is full, so it does not come to its end.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let mut filler = writer.try_clone().expect("a pipe");
    let filling = thread::spawn(move || filler.write_all(&vec![0; 1 << 20]));
    let mut child = {
        let mut command = images.shop.command(&["lock", "--insecure", &images.registry.host()]);
        command.stdout(writer).stderr(Stdio::piped()).spawn().expect("it runs")
    };
    while !images.shop.path().join("lockfiles/live.lock").exists() {
        assert!(child.try_wait().expect("a child").is_none(), "it waits for the pipe");
        thread::sleep(Duration::from_millis(5));
    }
    let kill = Command::new("kill").args(["-INT", &child.id().to_string()]).status();
    assert!(kill.expect("kill").success());
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.ends_with("error: interrupted; what was fetched is kept\n"), "{stderr}");
    drop(reader);
    assert!(filling.join().expect("no panic").is_err(), "the pipe was never emptied");
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
    let says = format!(
        "live: {}/{WEB}:1 is there for linux/amd64, linux/arm64, not for linux/s390x\n",
        images.registry.host()
    );
    assert!(stderr.contains(&says), "{stderr}");
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
fn a_damaged_cache_is_mended_by_the_build_that_finds_it() {
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
    let (code, _, stderr) = images.run(&["build", "--thick", "--cache", "cache"]);
    assert_eq!(code, Some(0), "{stderr}");
    assert!(
        stderr.contains("4 blobs were damaged in the cache, and are fetched again"),
        "{stderr}"
    );
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
    let link = images.shop.path().join("bundles/live.thick.tar.gz");
    let full = images.build(&[]);
    let target = fs::read_link(&link).expect("a link");
    let delta = images.build(&["--since", base]);
    let length = |path: &Path| fs::metadata(path).expect("a bundle").len();
    assert!(length(&delta) < length(&full));
    let name = delta.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(name.contains(".since-") && name.ends_with(".thick.tar.gz"), "{name}");
    assert_eq!(fs::read_link(&link).expect("a link"), target, "a delta is not what a link means");
    let since =
        |path: &str| images.run(&["build", "live", "--thick", "--cache", "cache", "--since", path]);
    let (_, _, stderr) = since(base);
    assert!(stderr.contains("live: leaves out 1 blobs, "), "{stderr}");
    let delta = delta.to_string_lossy();
    for (case, path, says) in [
        ("a bundle without images", "bundles/live.tar.gz", "holds no images"),
        ("a delta", &delta, "is itself a delta"),
        ("the same release", "bundles/live.thick.tar.gz", "is this very release"),
    ] {
        let (code, _, stderr) = since(path);
        assert!(code == Some(1) && stderr.contains(says), "{case}: {stderr}");
    }
}

#[test]
fn a_base_that_has_nothing_of_a_release_makes_a_whole_bundle_and_a_warning() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push_single(WEB, "1", "first", "linux/amd64");
    images.succeed(&["lock"]);
    let base = images.build(&["--out", "base"]);
    images.push_single(WEB, "1", "second", "linux/amd64");
    images.succeed(&["lock", "--update-all"]);
    let base = base.to_string_lossy();
    let arguments = ["build", "live", "--thick", "--cache", "cache", "--since", &base];
    let (code, _, stderr) = images.run(&arguments);
    assert!(code == Some(0) && stderr.contains("warning: live: "), "{stderr}");
    let target = fs::read_link(images.shop.path().join("bundles/live.thick.tar.gz"));
    assert!(!target.expect("a link").to_string_lossy().contains("since"));
}

#[test]
fn an_image_without_an_index_is_for_one_platform() {
    let images = Images::new(Transport::Http, Access::Open);
    let pinned = images.push_single(WEB, "1", "first", "linux/arm64");
    images.succeed(&["lock"]);
    let with_platforms = images.lockfile();
    let without: Vec<_> = with_platforms.lines().filter(|it| !it.contains("linux/")).collect();
    let without = without.join("\n").replace("[image.platforms]", "");
    for (case, lockfile) in [("by the lockfile", &with_platforms), ("by its config", &without)] {
        images.shop.write("lockfiles/live.lock", lockfile);
        let build = |platform: &str| {
            images.run(&["build", "--thick", "--cache", case, "--platform", platform])
        };
        let (code, _, stderr) = build("linux/amd64");
        let says = ":1 is there for linux/arm64, not for linux/amd64\nerror: 1 image is not there";
        assert!(code == Some(1) && stderr.contains(says), "{case}: {stderr}");
        let blobs = images.shop.path().join(case).join("blobs/sha256");
        let blobs: Vec<_> = fs::read_dir(blobs).expect("a cache").collect();
        assert_eq!(blobs.len(), 1, "{case}: nothing was fetched but {}", pinned.digest);
        assert_eq!(build("linux/arm64").0, Some(0), "{case}");
    }
}

#[test]
fn every_missing_platform_of_every_environment_is_told_at_once() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    images.push_single("shop/other", "2", "other", "linux/arm64");
    let other = environment(&images.registry.host()).replace("shop/web:1", "shop/other:2");
    images.shop.write("envs/test.toml", &other);
    images.succeed(&["lock"]);
    let arguments = ["build", "--thick", "--cache", "cache", "--platform"];
    let (code, _, stderr) = images.run(&[&arguments[..], &["linux/s390x"]].concat());
    assert_eq!(code, Some(1));
    for part in [
        "live: ",
        "/shop/web:1 is there for linux/amd64, linux/arm64, not for linux/s390x\n",
        "test: ",
        "/shop/other:2 is there for linux/arm64, not for linux/s390x\n",
        "error: 2 images are not there",
    ] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    assert!(!images.shop.path().join("bundles").exists(), "nothing is written");
}

#[test]
fn no_signature_is_lost_whatever_is_built_again() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    images.succeed(&["lock"]);
    for keys in ["one", "two", "three"] {
        images.shop.succeed(&["keygen", "--out", keys]);
    }
    let [one, two, three] = ["one", "two", "three"].map(|it| format!("{it}/a4co-key"));
    let cache = ["--cache", "cache"];
    let build = |arguments: &[&str]| {
        let (code, stdout, stderr) = images.run(&[&["build", "live"], arguments].concat());
        assert_eq!(code, Some(0), "{stderr}");
        (stdout, stderr)
    };
    let signers = |path: &str| -> usize {
        let shown = images.shop.succeed(&["show", path, "--output", "json"]);
        let shown: Value = serde_json::from_str(&shown).expect("JSON");
        shown["signers"].as_array().expect("a list").len()
    };
    let (thin, thick) = ("bundles/live.tar.gz", "bundles/live.thick.tar.gz");
    let (_, stderr) = build(&[]);
    assert!(stderr.contains("live: unsigned: nobody applies it"), "{stderr}");
    build(&[&["--thick", "--key", &one], &cache[..]].concat());
    assert_eq!((signers(thin), signers(thick)), (1, 1));
    let (_, stderr) = build(&["--key", &two]);
    assert!(stderr.contains("live: 1 signature kept: SHA256:"), "{stderr}");
    assert_eq!((signers(thin), signers(thick)), (2, 1));
    let thin_file = images
        .shop
        .path()
        .join("bundles")
        .join(fs::read_link(images.shop.path().join(thin)).expect("a link"));
    fs::remove_file(thin_file).expect("there");
    build(&[]);
    assert_eq!(signers(thin), 1, "the thick bundle had it");
    build(&[&["--thick", "--platform", "linux/arm64", "--key", &two], &cache[..]].concat());
    assert_eq!((signers(thin), signers(thick)), (2, 2));

    let stdout = images.shop.succeed(&["sign", thin, "--key", &three]);
    assert_eq!(stdout.lines().count(), 3, "three files of one release: {stdout}");
    for line in stdout.lines() {
        let path = line.split_whitespace().next().expect("a path");
        assert_eq!(signers(path), 3, "{path}");
    }
    let report: Value = serde_json::from_str(&build(&["--output", "json"]).0).expect("JSON");
    let report = &report["bundles"][0];
    assert_eq!(report["signatures"], 3);
    assert_eq!(report["keptSigners"].as_array().map(Vec::len), Some(3), "{report}");
    assert_eq!(report["newSigners"], json!([]));
}

#[test]
fn a_link_leads_to_the_release_that_was_built_last() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "first");
    images.succeed(&["lock"]);
    let link = images.shop.path().join("bundles/live.thick.tar.gz");
    let text = environment(&images.registry.host());
    for (case, version, arguments) in [
        ("a thin build", "1.0.1", &["build"][..]),
        ("a build that fails", "1.0.2", &["build", "--thick", "--platform", "linux/s390x"]),
    ] {
        images.build(&[]);
        assert!(link.exists(), "{case}");
        let path = images.build(&["--platform", "linux/arm64"]);
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        assert!(name.ends_with(".linux-arm64.thick.tar.gz"), "{name}");
        assert_eq!(fs::read_link(&link).expect("a link").to_string_lossy(), name, "{case}");
        images.shop.write("envs/live.toml", &text.replace("1.0.0", version));
        let (_, _, stderr) = images.run(&[arguments, &["--cache", "cache"]].concat());
        assert!(stderr.contains("bundles/live.thick.tar.gz led to no bundle of"), "{stderr}");
        assert!(fs::symlink_metadata(&link).is_err(), "{case}");
    }
}

#[test]
fn volumes_are_joined_by_tar() {
    let images = Images::new(Transport::Http, Access::Open);
    images.push(WEB, "1", "long");
    images.succeed(&["lock"]);
    let whole = fs::read(images.build(&[])).expect("a bundle");
    let volumes = ["--volume-size", "100k"];
    let unsigned = ["build", "live", "--thick", "--cache", "empty"];
    let (code, _, stderr) = images.run(&[&unsigned[..], &volumes].concat());
    assert!(code == Some(1) && stderr.contains("live is not signed, and volumes"), "{stderr}");
    assert!(!images.shop.path().join("empty").exists(), "nothing was fetched");
    images.shop.succeed(&["keygen", "--out", "keys"]);
    images.shop.succeed(&["sign", "bundles/live.thick.tar.gz", "--key", "keys/a4co-key"]);
    let signed = fs::read(images.shop.path().join("bundles/live.thick.tar.gz")).expect("a bundle");
    assert_ne!(signed, whole);
    images.build(&["--volume-size", "70k"]);
    let first = images.build(&volumes);
    let name = first.file_name().and_then(|name| name.to_str()).expect("UTF-8");
    assert!(name.contains(".thick.tar.gz.vol-1-of-"), "{name}");
    assert!(!images.shop.path().join("bundles/live.thick.tar.gz").exists());
    let script = "for volume in bundles/*.vol-*; do tar -xOf $volume part; done";
    let mut shell = Command::new("/bin/sh");
    let output = shell.args(["-c", script]).current_dir(images.shop.path()).output();
    assert!(output.expect("a shell").stdout == signed, "none of the smaller volumes is left");
    let first = first.to_string_lossy();
    for command in ["show", "sign", "diff"] {
        let more: &[&str] = match command {
            "sign" => &["--key", "keys/a4co-key"],
            "diff" => &["bundles/live.tar.gz"],
            _ => &[],
        };
        let (code, _, stderr) = images.shop.run(&[&[command, &first], more].concat());
        assert!(code == Some(1) && stderr.contains(" is volume 1 of "), "{command}: {stderr}");
    }
}
