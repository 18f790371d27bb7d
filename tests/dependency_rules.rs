//! What the tiny binary links, and which of our crates may know which, from `cargo tree`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, process::Command};

/// Names of all crates that `package` links, itself included.
fn linked_by(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--edges", "normal", "--prefix", "none"])
        .args(["--format", "{p}", "--package", package])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

#[test]
fn the_tiny_binary_links_neither_the_compiler_nor_its_parsers() {
    let linked = linked_by("a4co-apply");
    assert!(linked.contains("a4co-cluster"), "the list is real: {linked:?}");
    for absent in ["a4co-compiler", "toml", "serde_yaml", "schemars", "ssh-key", "openssl"] {
        assert!(!linked.contains(absent), "{absent}");
    }
}

#[test]
fn our_crates_know_only_those_below_them() {
    let ours =
        ["a4co-apply", "a4co-bundle", "a4co-cluster", "a4co-compiler", "a4co-registry", "a4co"];
    for (package, allowed) in [
        ("a4co-bundle", vec![]),
        ("a4co-cluster", vec!["a4co-bundle"]),
        ("a4co-compiler", vec!["a4co-bundle"]),
        ("a4co-registry", vec!["a4co-bundle"]),
        ("a4co", vec!["a4co-bundle", "a4co-compiler", "a4co-registry"]),
        ("a4co-apply", vec!["a4co-bundle", "a4co-cluster", "a4co-registry"]),
    ] {
        let linked = linked_by(package);
        let found: Vec<_> =
            ours.into_iter().filter(|name| *name != package && linked.contains(*name)).collect();
        let mut allowed = allowed;
        allowed.sort_unstable();
        let mut found = found;
        found.sort_unstable();
        assert_eq!(found, allowed, "{package}");
    }
}

#[test]
fn the_format_needs_no_network_no_runtime_and_no_parser_but_json() {
    let linked = linked_by("a4co-bundle");
    for absent in ["kube", "tokio", "hyper", "clap", "toml", "serde_yaml", "rustls", "ring", "jiff"]
    {
        assert!(!linked.contains(absent), "{absent}");
    }
}
