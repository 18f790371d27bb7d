//! Runs programs, and tells what they said.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// The program that applies releases.
pub(crate) fn a4co_apply() -> PathBuf {
    env!("CARGO_BIN_EXE_a4co-apply").into()
}

/// The program that makes them. Cargo builds it with the whole workspace, not for this test alone.
pub(crate) fn a4co() -> PathBuf {
    let path = a4co_apply().with_file_name("a4co");
    assert!(path.exists(), "{} is missing: `cargo build --package a4co` first", path.display());
    path
}

/// Runs a command that succeeds, and returns what it printed.
#[track_caller]
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{stdout}\n{stderr}");
    stdout
}

/// Runs a script that succeeds, in a folder, and returns what it printed.
#[track_caller]
pub(crate) fn shell(folder: &Path, script: &str) -> String {
    succeed(Command::new("/bin/sh").args(["-euc", script]).current_dir(folder))
}
