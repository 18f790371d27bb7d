//! Removes what a killed process could not: control planes whose owner and supervisor are gone.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Result;
use crate::process::ProcessId;
use crate::program;
use crate::slot;
use crate::supervisor::STATE_VARIABLE;

/// Ends every control plane of this user whose owner has died, and returns their folders.
///
/// # Errors
///
/// Fails if a folder cannot be read or removed.
pub fn sweep() -> Result<Vec<PathBuf>> {
    let mut swept = Vec::new();
    for entry in fs_err::read_dir(slot::state_root()?)? {
        let dir = entry?.path();
        if owner_is_gone(&dir) {
            kill_all(&dir)?;
            clean(&dir)?;
            // Its supervisor may be removing it at the same time.
            match std::fs::remove_dir_all(&dir) {
                Err(error) if dir.exists() => return Err(error.into()),
                _ => swept.push(dir),
            }
        }
    }
    Ok(swept)
}

/// A folder without a readable owner is being made, or removed, right now.
fn owner_is_gone(dir: &Path) -> bool {
    let owner = fs_err::read_to_string(dir.join("owner")).ok();
    owner.and_then(|text| text.parse::<ProcessId>().ok()).is_some_and(|owner| !owner.is_alive())
}

/// Removes what a component had outside the folder, as the supervisor would have done.
fn clean(dir: &Path) -> Result<()> {
    if dir.join("clean.sh").exists() {
        let status = Command::new("sh").arg("clean.sh").current_dir(dir).status();
        status.map_err(|source| program::missing("sh", source))?;
    }
    Ok(())
}

/// Kills the processes whose environment names the folder.
fn kill_all(dir: &Path) -> Result<()> {
    let mark = format!("{STATE_VARIABLE}={}\0", dir.display());
    for entry in fs_err::read_dir("/proc")? {
        let process = entry?.path();
        let Some(pid) = process.file_name().and_then(|name| name.to_str()) else {
            continue;
        };
        let is_marked = pid.parse::<u32>().is_ok()
            && fs_err::read(process.join("environ"))
                .is_ok_and(|env| env.windows(mark.len()).any(|part| part == mark.as_bytes()));
        if is_marked {
            let status = Command::new("kill").args(["-KILL", pid]).status();
            status.map_err(|source| program::missing("kill", source))?;
        }
    }
    Ok(())
}
