//! The tool as people use it: exit codes, what it prints where, and what it leaves behind.

mod shop;

use std::{os::unix::fs::PermissionsExt as _, process::Command};

use fs_err as fs;

use crate::shop::{ENVIRONMENT, LOCK, Shop};

#[test]
fn commands_end_with_the_code_that_says_how() {
    let shop = Shop::new();
    shop.succeed(&["build"]);
    for (case, arguments, code, says) in [
        ("a sound environment", vec!["check", "live"], 0, "live: shop 1.0.0"),
        (
            "no such environment",
            vec!["check", "prod"],
            1,
            "there is no environment `prod`; there are live",
        ),
        ("no such command", vec!["chekc"], 2, "'check'"),
        ("no such flag", vec!["build", "--thin"], 2, "--thin"),
        ("no bundle", vec!["show", "envs/live.toml"], 1, "is not a bundle"),
        ("no file", vec!["show", "nothing.tar.gz"], 1, "nothing.tar.gz"),
        ("no key", vec!["sign", "bundles/live.tar.gz"], 1, "give a key with `--key`"),
        (
            "no difference",
            vec!["diff", "--exit-code", "bundles/live.tar.gz", "bundles/live.tar.gz"],
            0,
            "both are release",
        ),
        ("no folder", vec!["check", "--root", "/nowhere"], 1, "`/nowhere` has no `envs` folder"),
    ] {
        let (found, stdout, stderr) = shop.run(&arguments);
        assert_eq!(found, Some(code), "{case}: {stderr}");
        assert!([stdout, stderr].concat().contains(says), "{case}");
    }
}

#[test]
fn findings_are_told_to_people_and_to_programs() {
    let shop = Shop::new();
    shop.write("envs/live.toml", &ENVIRONMENT.replace("limits", "limit").replace("8080", "0"));
    let (code, stdout, stderr) = shop.run(&["check"]);
    assert_eq!((code, stdout.as_str()), (Some(1), ""));
    for part in ["--> envs/live.toml:12:1", "did you mean `limits`?", "error: 2 findings"] {
        assert!(stderr.contains(part), "{part}: {stderr}");
    }
    let (code, stdout, stderr) = shop.run(&["check", "--output", "json"]);
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    let report: serde_json::Value = serde_json::from_str(&stdout).expect("JSON");
    assert_eq!(report["findings"][0]["line"], 9);
    assert_eq!(report["findings"][1]["help"], "did you mean `limits`?");
    assert_eq!(shop.run(&["build"]).0, Some(1));
    assert!(!shop.path().join("bundles").exists(), "nothing is written");
}

#[test]
fn a_failure_is_told_to_programs_as_a4co_apply_tells_it() {
    let shop = Shop::new();
    let wrong = ENVIRONMENT.replace("limits", "limit").replace("8080", "0");
    for (case, environment, arguments, expected) in [
        (
            "findings",
            wrong.as_str(),
            vec!["build"],
            ("2 findings; nothing was written", 2, None, 1),
        ),
        (
            "no such file",
            ENVIRONMENT,
            vec!["show", "envs/live.toml"],
            ("`envs/live.toml` is not a bundle that can be read", 1, None, 1),
        ),
        (
            "an image that nobody runs",
            ENVIRONMENT,
            vec!["lock", "--update", "wbe"],
            (
                "no environment runs `wbe`, so its pin cannot move",
                0,
                Some("did you mean `ghcr.io/shop/web`?"),
                2,
            ),
        ),
    ] {
        shop.write("envs/live.toml", environment);
        let (code, stdout, stderr) = shop.run(&[&arguments[..], &["--output", "json"]].concat());
        let (error, because, hint, exit_code) = expected;
        assert_eq!(code, Some(exit_code), "{case}: {stderr}");
        let document: serde_json::Value = serde_json::from_str(&stdout).expect(case);
        assert_eq!(document["schema"], 1, "{case}");
        assert_eq!(document["command"], arguments[0], "{case}");
        assert_eq!(document["error"], error, "{case}");
        assert!(document["because"].as_array().expect(case).len() >= because, "{case}: {stdout}");
        assert_eq!(document["state"], serde_json::Value::Null, "{case}");
        assert_eq!(document["hint"], serde_json::json!(hint), "{case}");
        assert_eq!(document["exitCode"], exit_code, "{case}");
        assert!(stderr.contains(error) && !stderr.contains('\u{1b}'), "{case}: {stderr}");
    }
}

#[test]
fn arguments_about_registries_are_checked_though_nobody_has_to_be_asked() {
    let shop = Shop::new();
    // A complete pin asks nobody.
    let platforms = format!("size = 9\nplatforms = {{ \"linux/amd64\" = \"sha256:{:064}\" }}\n", 1);
    shop.write("lockfiles/live.lock", &format!("{LOCK}{platforms}"));
    shop.succeed(&["lock"]);
    for (case, arguments, code, says) in [
        ("no pair", vec!["--mirror", "docker.io"], 2, "is not HOST=URL"),
        (
            "the path of the API",
            vec!["--mirror", "docker.io=https://m.lan/v2/"],
            2,
            "leave `/v2` out",
        ),
        ("another machine", vec!["--insecure", "m.lan:5000"], 2, "m.lan:5000 is not this machine"),
        ("a digest", vec!["--update", "web@sha256:12"], 2, "names a digest"),
        ("no authority", vec!["--ca", "nothing.pem"], 1, "nothing.pem"),
        ("both", vec!["--update", "web", "--check"], 2, "cannot be used with"),
    ] {
        let (found, _, stderr) = shop.run(&[&["lock"], &arguments[..]].concat());
        assert_eq!(found, Some(code), "{case}: {stderr}");
        assert!(stderr.contains(says), "{case}: {stderr}");
    }
    let mut command = shop.command(&["lock"]);
    let output = command.env("A4CO_MIRRORS", "docker.io=https://a.lan,ghcr.io").output();
    let output = output.expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("`ghcr.io` is not HOST=URL"));
    let output = shop.command(&["lock"]).env("A4CO_MIRRORS", "").output().expect("it runs");
    assert!(output.status.success(), "a variable that says nothing");
    let help = shop.succeed(&["lock", "--help"]);
    for part in ["A4CO_MIRRORS", "added", "moved", "completed", "removed", "exit with 5"] {
        assert!(help.contains(part), "{part}: {help}");
    }
}

#[test]
fn a_key_signs_and_its_trust_file_believes() {
    let shop = Shop::new();
    shop.succeed(&["build"]);
    let key = shop.succeed(&["keygen", "--out", "keys", "--output", "json"]);
    let key: serde_json::Value = serde_json::from_str(&key).expect("JSON");
    assert_eq!(key["key"], "keys/a4co-key");
    assert_eq!(key["publicKey"], "keys/a4co-key.pub");
    assert_eq!(key["trust"], "keys/trust.json");
    assert!(key["fingerprint"].as_str().expect("text").starts_with("SHA256:"));
    let mode = fs::metadata(shop.path().join("keys/a4co-key")).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(shop.run(&["keygen", "--out", "keys"]).0, Some(1), "a key is never written over");

    let link = "bundles/live.tar.gz";
    let trusted = ["show", link, "--trust", "keys/trust.json"];
    let (code, _, stderr) = shop.run(&trusted);
    let says = "is not signed, so nobody will apply it; sign it: a4co sign bundles/live.tar.gz";
    assert!(code == Some(1) && stderr.contains(says), "{stderr}");
    let release = shop.succeed(&["show", link, "--output", "json"]);
    shop.succeed(&["sign", link, "--key", "keys/a4co-key"]);
    assert!(shop.succeed(&trusted).contains("signed by SHA256:"));
    shop.succeed(&["keygen", "--out", "other"]);
    let (code, _, stderr) = shop.run(&["show", link, "--trust", "other/trust.json"]);
    let says = "is not signed by whom `other/trust.json` trusts: it needs 1 of SHA256:";
    assert!(code == Some(1) && stderr.contains(says), "{stderr}");
    assert!(stderr.contains(" is not trusted for this"), "{stderr}");
    let again = shop.run(&["sign", link, "--key", "keys/a4co-key"]);
    assert!(again.0 == Some(0) && again.2.contains("has signed already"), "{}", again.2);
    let signed = shop.succeed(&["show", link, "--output", "json"]);
    assert_eq!(release.lines().nth(2), signed.lines().nth(2), "the release id stays");
    assert!(fs::symlink_metadata(shop.path().join(link)).expect("there").is_symlink());
}

#[test]
fn a_difference_names_the_field() {
    let shop = Shop::new();
    shop.succeed(&["build", "--out", "a"]);
    shop.write("envs/live.toml", &ENVIRONMENT.replace("min = 2", "min = 3"));
    shop.succeed(&["build", "--out", "b"]);
    let (code, stdout, _) = shop.run(&["diff", "--exit-code", "a/live.tar.gz", "b/live.tar.gz"]);
    assert_eq!(code, Some(5));
    assert!(stdout.ends_with("~ Deployment/web\n    spec.replicas: 2 → 3\n"), "{stdout}");
}

#[test]
fn the_bundle_depends_on_nothing_but_its_sources() {
    let shop = Shop::new();
    shop.succeed(&["keygen", "--out", "keys"]);
    let key = shop.path().join("keys/a4co-key").to_string_lossy().into_owned();
    let reference = built(&shop, &key, "umask 022");
    for (case, setup) in [
        ("another umask", "umask 077"),
        ("another time zone", "export TZ=Asia/Kathmandu"),
        ("another language", "export LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8"),
        ("another user's home", "export HOME=/nowhere USER=nobody LOGNAME=nobody"),
        ("an empty environment", "unset PATH HOME USER"),
        ("fewer processors", "command -v taskset >/dev/null && taskset -cp 0 $$ >/dev/null"),
    ] {
        assert!(built(&Shop::new(), &key, setup) == reference, "{case}");
    }
}

/// Builds a signed bundle in the folder of `shop` after `setup` in a shell; returns its name and
/// its bytes.
fn built(shop: &Shop, key: &str, setup: &str) -> (String, Vec<u8>) {
    let tool = env!("CARGO_BIN_EXE_a4co");
    let script = format!("{setup}\nexec '{tool}' build --key '{key}'");
    let shell = Command::new("/bin/sh").arg("-c").arg(script).current_dir(shop.path()).output();
    assert!(shell.expect("a shell").status.success(), "{setup}");
    let link = shop.path().join("bundles/live.tar.gz");
    let name = fs::read_link(&link).expect("a link").to_string_lossy().into_owned();
    (name, fs::read(&link).expect("a bundle"))
}
