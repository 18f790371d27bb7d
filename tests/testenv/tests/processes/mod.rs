//! Which processes belong to a folder.

use std::path::{Path, PathBuf};

/// Returns the processes whose command line or environment names the folder.
pub(crate) fn processes_of(dir: &Path) -> Vec<PathBuf> {
    let name = dir.as_os_str().as_encoded_bytes();
    let processes = fs_err::read_dir("/proc").expect("there is a /proc");
    let mut found: Vec<_> = processes.map(|entry| entry.expect("an entry").path()).collect();
    found.retain(|process| {
        ["cmdline", "environ"].iter().any(|file| {
            fs_err::read(process.join(file))
                .is_ok_and(|text| text.windows(name.len()).any(|part| part == name))
        })
    });
    found
}
