//! Bundles in a folder, and signatures that OpenSSH accepts.

mod kit;

use std::{
    ffi::OsStr,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use a4co_compiler::{SignError, SigningKey, signing_key_paths};
use fs_err as fs;
use kit::{SHOP, changed, compile_one};
use tempfile::TempDir;

/// Makes a key with `ssh-keygen`; returns nothing where there is none.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn key(folder: &Path, name: &str, arguments: &[&str]) -> Option<std::path::PathBuf> {
    let path = folder.join(name);
    let made = Command::new("ssh-keygen")
        .args(["-q", "-C", "test", "-f"])
        .arg(&path)
        .args(arguments)
        .status();
    if made.is_ok_and(|status| status.success()) {
        return Some(path);
    }
    println!("skipped: there is no usable ssh-keygen");
    None
}

#[test]
fn openssh_accepts_our_signature() {
    let folder = TempDir::new().expect("a folder");
    let Some(path) = key(folder.path(), "key", &["-t", "ed25519", "-N", ""]) else {
        return;
    };
    let key = SigningKey::read(&path).expect("a usable key");
    let compiled = compile_one(SHOP).expect("sound");
    let statement = compiled.statement.to_bytes().expect("a statement");
    let signature = key.sign(a4co_bundle::Purpose::Release, &statement).to_armored();
    let file = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("writable");
        path
    };
    let signers = file("signers", &format!("release@shop {}\n", key.verifying_key()));
    let signature = file("signature", &signature);
    let mut verify = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "release@shop", "-n", "a4co-release@v1", "-f"])
        .arg(&signers)
        .arg("-s")
        .arg(&signature)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("it ran before");
    verify.stdin.take().expect("piped").write_all(&statement).expect("it reads");
    assert!(verify.wait().expect("it ends").success());
}

#[test]
fn only_plain_ed25519_keys_sign() {
    let folder = TempDir::new().expect("a folder");
    for (case, arguments, expected) in [
        ("an encrypted key", ["-t", "ed25519", "-N", "secret"], "is encrypted"),
        (
            "another algorithm",
            ["-t", "ecdsa", "-N", ""],
            "is not an OpenSSH private key of type `ssh-ed25519`",
        ),
    ] {
        let Some(path) = key(folder.path(), arguments[1..].concat().as_str(), &arguments) else {
            return;
        };
        let error = SigningKey::read(&path).expect_err(case).to_string();
        assert!(error.contains(expected) && error.contains(&*path.to_string_lossy()), "{error}");
    }
    let other = folder.path().join("text");
    fs::write(&other, "swordfish").expect("writable");
    for (case, path, expected) in [
        ("no key", other.as_path(), "is not an OpenSSH private key"),
        ("no file", Path::new("/nowhere"), "cannot read the signing key `/nowhere`"),
    ] {
        let error = SigningKey::read(path).expect_err(case).to_string();
        assert!(error.contains(expected) && !error.contains("swordfish"), "{error}");
    }
}

#[test]
fn the_variable_names_files_and_never_holds_a_key() {
    for (value, expected) in [("", [].as_slice()), ("a", &["a"]), ("a:/b/c::", &["a", "/b/c"])] {
        let paths = signing_key_paths(OsStr::new(value)).expect(value);
        assert_eq!(paths, expected.iter().map(Path::new).collect::<Vec<_>>(), "{value}");
    }
    for key in ["-----BEGIN OPENSSH PRIVATE KEY-----\nc3dvcmRmaXNo", "c3dvcmRmaXNo\nc3dvcmRmaXNo"] {
        let error = signing_key_paths(OsStr::new(key)).expect_err(key);
        assert!(matches!(error, SignError::KeyInVariable));
        assert!(!error.to_string().contains("c3dvcmRmaXNo"));
    }
}

#[test]
fn a_bundle_is_written_once_and_linked() {
    let folder = TempDir::new().expect("a folder");
    let compiled = compile_one(SHOP).expect("sound");
    let path = compiled.publish(&[], folder.path()).expect("writable");
    let link = folder.path().join("live.tar.gz");
    assert_eq!(fs::read_link(&link).expect("a link"), Path::new(&compiled.file_name()));
    let modified = || fs::metadata(&path).and_then(|data| data.modified()).expect("there");
    let before = modified();
    compiled.publish(&[], folder.path()).expect("writable");
    assert_eq!(before, modified(), "equal bytes are not written again");
    let next = compile_one(&changed(&[("1.0.0", "1.0.1")])).expect("sound");
    next.publish(&[], folder.path()).expect("writable");
    assert_eq!(fs::read_link(&link).expect("a link"), Path::new(&next.file_name()));
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .expect("readable")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    names.sort();
    let mut expected = [compiled.file_name(), next.file_name(), "live.tar.gz".to_owned()];
    expected.sort();
    let expected = expected.map(std::ffi::OsString::from);
    assert_eq!(names, expected, "nothing else is left behind");
}

#[test]
fn an_unsigned_bundle_replaces_no_signed_one_of_the_same_statement() {
    let folder = TempDir::new().expect("a folder");
    let Some(path) = key(folder.path(), "key", &["-t", "ed25519", "-N", ""]) else {
        return;
    };
    let keys = [SigningKey::read(&path).expect("a usable key")];
    let compiled = compile_one(SHOP).expect("sound");
    let path = compiled.publish(&keys, folder.path()).expect("writable");
    let signed = fs::read(&path).expect("there");
    assert_ne!(signed, compiled.to_bundle(&[]).expect("a bundle"));
    compiled.publish(&[], folder.path()).expect("writable");
    assert_eq!(fs::read(&path).expect("there"), signed);
    let commented = compile_one(&changed(&[("", "# another statement\n")])).expect("sound");
    commented.publish(&[], folder.path()).expect("writable");
    assert_ne!(fs::read(&path).expect("there"), signed, "the same release, but not as signed");
}
