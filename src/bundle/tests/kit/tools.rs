//! Runs the tools of a Debian system, and stands in for an auditor's folder.

use std::{
    env,
    fs::OpenOptions,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use tempfile::TempDir;

use super::{Key, bundle, release};

/// Runs a line of shell in `folder` with `input`.
pub fn shell(folder: &Path, line: &str, input: &[u8]) -> Output {
    let mut child = Command::new("sh")
        .args(["-euc", line])
        .current_dir(folder)
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

pub fn run(folder: &Path, line: &str) -> Vec<u8> {
    let output = shell(folder, line, b"");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{line}\n{error}");
    output.stdout
}

pub fn fails(folder: &Path, line: &str) -> String {
    let output = shell(folder, line, b"");
    assert!(!output.status.success(), "{line}");
    String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
}

pub fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

pub fn write(folder: &Path, name: &str, bytes: &[u8]) {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).truncate(true).write(true).open(folder.join(name)).unwrap();
    file.write_all(bytes).unwrap();
}

/// Whether all tools are there, each named with its Debian package.
pub fn has(tools: &[(&str, &str)]) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    let is_there = |tool: &str| env::split_paths(&path).any(|folder| folder.join(tool).is_file());
    for (tool, package) in tools {
        if !is_there(tool) {
            assert!(env::var_os("CI").is_none(), "`{tool}` is missing: install {package}");
            eprintln!("skipped: `{tool}` is missing; install {package}");
            return false;
        }
    }
    true
}

pub const SSH_KEYGEN: (&str, &str) = ("ssh-keygen", "openssh-client");
pub const TAR: (&str, &str) = ("tar", "tar");

/// A folder with `bundle.tar.gz`, signed by keys 1 and 2, unpacked by GNU tar, and
/// `allowed_signers`.
pub fn unpacked() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let keys = [Key::number(1), Key::number(2)];
    write(folder.path(), "bundle.tar.gz", &bundle(&release(), &[&keys[0], &keys[1]]));
    run(folder.path(), "tar -xzf bundle.tar.gz");
    let signers = keys
        .map(|key| format!("release@a4co namespaces=\"a4co-release@v1\" {}\n", key.public()))
        .concat();
    write(folder.path(), "allowed_signers", signers.as_bytes());
    folder
}
