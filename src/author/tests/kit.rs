//! The folder for a site without a network, checked there as its instructions say.

mod shop;

use std::{io::Cursor, process::Command};

use a4co_bundle::Split;
use fs_err as fs;

use crate::shop::{ENVIRONMENT, Shop};

/// A program that can do nothing, for this machine or another.
fn program(machine: u16) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[..6].copy_from_slice(b"\x7fELF\x02\x01");
    header[18..20].copy_from_slice(&machine.to_le_bytes());
    header
}

/// A shop with a signed bundle and two programs.
fn signed_shop() -> Shop {
    let shop = Shop::new();
    shop.succeed(&["keygen", "--out", "keys"]);
    shop.succeed(&["build", "--key", "keys/a4co-key"]);
    add_programs(&shop);
    shop
}

/// Adds two programs. The one for this machine says yes to everything.
fn add_programs(shop: &Shop) {
    for (name, machine, here) in [("amd64", 62, "x86_64"), ("arm64", 183, "aarch64")] {
        let path = shop.path().join(name);
        if std::env::consts::ARCH == here {
            fs::copy("/bin/true", path).expect("a program");
        } else {
            fs::write(path, program(machine)).expect("writable");
        }
    }
}

const KIT: [&str; 12] = [
    "kit",
    "bundles/live.tar.gz",
    "--tool",
    "linux/amd64=amd64",
    "--tool",
    "linux/arm64=arm64",
    "--trust",
    "keys/trust.json",
    "--key",
    "keys/a4co-key",
    "--out",
    "site",
];

/// Runs `script` in the kit as somebody would who has nothing but a shell and its tools.
fn by_hand(shop: &Shop, script: &str) -> (bool, String) {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-euc", script]).current_dir(shop.path().join("site"));
    let output = shell.output().expect("a shell");
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// The commands of the instructions that need none of our programs.
fn instructions(shop: &Shop) -> String {
    let text = fs::read_to_string(shop.path().join("site/README.txt")).expect("instructions");
    let is_ours = |line: &&str| line.contains("a4co-apply");
    let commands = text.lines().filter_map(|line| line.strip_prefix("   ")).filter(|line| {
        ["sha256sum ", "ssh-keygen ", "tar ", "for volume ", "  -s "]
            .iter()
            .any(|start| line.starts_with(start))
    });
    commands.filter(|line| !is_ours(line)).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_instructions_of_a_kit_hold_with_nothing_but_tar_sha256sum_and_ssh_keygen() {
    let shop = signed_shop();
    shop.succeed(&KIT);
    let script = instructions(&shop);
    assert_eq!(script.matches("ssh-keygen -Y verify").count(), 2, "{script}");
    let (success, text) = by_hand(&shop, &script);
    assert!(success, "{script}\n{text}");
    assert_eq!(text.matches("Good \"a4co-").count(), 2, "{text}");
    assert_eq!(text.matches(": OK").count(), 7, "{text}");
    let readme = fs::read_to_string(shop.path().join("site/README.txt")).expect("instructions");
    let (_, printed) = text.split_once("ED25519 key ").expect("a key");
    let key = printed.lines().next().expect("a line");
    assert!(readme.contains(key), "the key that is printed is the one that is named: {key}");
}

#[test]
fn volumes_are_joined_as_the_instructions_say() {
    let shop = Shop::new();
    shop.succeed(&["keygen", "--out", "keys"]);
    shop.write("envs/live.toml", &[ENVIRONMENT, &many_services()].concat());
    shop.succeed(&["build", "--key", "keys/a4co-key"]);
    add_programs(&shop);
    shop.succeed(&[&KIT[..], &["--volume-size", "64k"]].concat());
    let (success, text) = by_hand(&shop, &instructions(&shop));
    assert!(success, "{text}");
    assert_eq!(text.matches("Good \"a4co-").count(), 2, "{text}");
    assert!(text.matches(": OK").count() > 8, "more than one volume: {text}");
}

/// Services enough for a bundle of more than one volume.
fn many_services() -> String {
    let service = ENVIRONMENT.split_once("[services.web]").expect("a service").1;
    let services = (0..20).map(|number| format!("\n[services.web-{number}]{service}"));
    services.collect::<Vec<_>>().concat()
}

#[test]
fn what_was_changed_on_the_way_is_found_by_hand() {
    for (case, change) in [
        ("a program", "printf x >> a4co-apply-linux-arm64"),
        ("the bundle", "for bundle in live-*; do printf x >> $bundle; done"),
        ("the list of checksums", "sed -i 's/^./0/' SHA256SUMS"),
        (
            "a program and its checksum",
            "echo >> a4co-apply-linux-amd64; rm SHA256SUMS; sha256sum *.gz a4co* README.txt AIR-GAP.md allowed_signers trust.json > SHA256SUMS",
        ),
    ] {
        let shop = signed_shop();
        shop.succeed(&KIT);
        let script = format!("{change}\n{}", instructions(&shop));
        assert!(!by_hand(&shop, &script).0, "{case}");
    }
}

#[test]
fn a_kit_is_made_of_what_will_work_at_the_site() {
    let with = |from: &str, to: &str| {
        let change =
            |word: &&'static str| if *word == from { to.to_owned() } else { (*word).to_owned() };
        KIT.iter().map(change).collect::<Vec<_>>()
    };
    let shop = signed_shop();
    shop.write("full/file", "");
    shop.succeed(&["build", "--out", "unsigned"]);
    shop.succeed(&["keygen", "--out", "other"]);
    let here = match std::env::consts::ARCH {
        "aarch64" => "linux/arm64=arm64",
        _ => "linux/amd64=amd64",
    };
    let no = here.split_once('=').expect("a platform").0.to_owned() + "=/bin/false";
    let mut split = Split::new(Cursor::new(b"part"), "x.tar.gz", 64 << 10).expect("a file");
    fs::write(shop.path().join("volume"), split.write(1, Vec::new()).expect("a volume"))
        .expect("writable");
    for (case, arguments, code, says) in [
        (
            "a program for another machine",
            with("linux/amd64=amd64", "linux/amd64=arm64"),
            1,
            "it is for linux/arm64",
        ),
        (
            "two programs for one platform",
            with("linux/arm64=arm64", "linux/amd64=amd64"),
            1,
            "two programs are for linux/amd64",
        ),
        ("a program that cannot verify this bundle", with(here, &no), 1, "cannot verify this"),
        ("a volume", with("bundles/live.tar.gz", "volume"), 1, "is volume 1 of 1 of `x.tar.gz`"),
        ("no program", with("linux/amd64=amd64", "linux/amd64"), 2, "is not PLATFORM=PATH"),
        (
            "an unsigned bundle",
            with("bundles/live.tar.gz", "unsigned/live.tar.gz"),
            1,
            "is not signed, so nobody",
        ),
        (
            "a bundle that the site does not trust",
            with("keys/trust.json", "other/trust.json"),
            1,
            "is not signed by whom `other/trust.json` trusts",
        ),
        ("a folder that has something", with("site", "full"), 1, ""),
        (
            "no key",
            KIT[..8].iter().chain(&KIT[10..]).map(|word| (*word).to_owned()).collect(),
            1,
            "give a key",
        ),
    ] {
        let words: Vec<_> = arguments.iter().map(String::as_str).collect();
        let (found, _, stderr) = shop.run(&words);
        assert_eq!(found, Some(code), "{case}: {stderr}");
        assert!(stderr.contains(says), "{case}: {stderr}");
        assert!(!shop.path().join("site").exists(), "{case}");
        assert!(!shop.path().join(".site.a4co-kit").exists(), "{case}");
    }
}

#[test]
fn a_kit_says_what_is_in_it_and_what_to_tell_the_site() {
    let shop = signed_shop();
    fs::rename(
        fs::canonicalize(shop.path().join("bundles/live.tar.gz")).expect("there"),
        shop.path().join("trust.json"),
    )
    .expect("renamed");
    let mut arguments = KIT;
    arguments[1] = "trust.json";
    let text = shop.succeed(&arguments);
    for part in ["shop 1.0.0 for live\nrelease  sha256:", "images   none\n", "by telephone"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    fs::remove_dir_all(shop.path().join("site")).expect("there");
    let report = shop.succeed(&[&arguments[..], &["--output", "json"]].concat());
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    let mut names: Vec<_> = fs::read_dir(shop.path().join("site"))
        .expect("a kit")
        .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    assert_eq!(report["files"], serde_json::json!(names), "all files are told");
    let bundle = names.iter().find(|name| name.ends_with(".tar.gz")).expect("a bundle");
    assert!(bundle.starts_with("live-"), "whatever it was called: {bundle}");
    assert_eq!(report["trusted"], report["signers"]);
}
