//! The folder for a site without a network, checked there as its instructions say.

mod shop;

use std::process::Command;

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
    for (name, machine) in [("amd64", 62), ("arm64", 183)] {
        fs::write(shop.path().join(name), program(machine)).expect("writable");
    }
    shop
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
    assert_eq!(text.matches(": OK").count(), 6, "{text}");
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
    for (name, machine) in [("amd64", 62), ("arm64", 183)] {
        fs::write(shop.path().join(name), program(machine)).expect("writable");
    }
    shop.succeed(&[&KIT[..], &["--volume-size", "64k"]].concat());
    let (success, text) = by_hand(&shop, &instructions(&shop));
    assert!(success, "{text}");
    assert_eq!(text.matches("Good \"a4co-").count(), 2, "{text}");
    assert!(text.matches(": OK").count() > 7, "more than one volume: {text}");
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
            "echo >> a4co-apply-linux-amd64; rm SHA256SUMS; sha256sum *.gz a4co* README.txt allowed_signers trust.json > SHA256SUMS",
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
    for (case, arguments, code, says) in [
        (
            "a program for another machine",
            with("linux/amd64=amd64", "linux/amd64=arm64"),
            1,
            "it is for linux/arm64",
        ),
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
    }
}
