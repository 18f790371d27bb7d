//! Files that are mounted into the containers of a program, and the commands that run them.

use std::collections::BTreeMap;

/// Returns files by name.
pub(in crate::resolve) fn files<const N: usize>(
    files: [(&str, &str); N],
) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// Returns files by the name of their volume.
pub(in crate::resolve) fn folders<const N: usize>(
    folders: [(&str, BTreeMap<String, String>); N],
) -> BTreeMap<String, BTreeMap<String, String>> {
    folders.into_iter().map(|(volume, files)| (volume.to_owned(), files)).collect()
}

/// Returns the command by which `shell` runs a script of the container.
pub(in crate::resolve) fn script<const N: usize>(
    shell: &str,
    script: &str,
    args: [&str; N],
) -> Vec<String> {
    let command = [shell.to_owned(), format!("/scripts/{script}")];
    command.into_iter().chain(args.map(str::to_owned)).collect()
}
