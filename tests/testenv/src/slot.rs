//! Where a control plane lives: a state folder and the ports that go with it.
//!
//! ```text
//! $TMPDIR/a4co-testenv-UID/      only for its user
//!   20010/                       named by its first port, so the folder is also the claim on it
//!     owner                      process number and start time of the owner
//!     kubeconfig
//!     pki/                       the authority, the identities, the ServiceAccount key
//!     users/                     kubeconfigs of other users
//!     etcd/                      data
//!     NAME.sh NAME.pid NAME.log  one set for each component
//! ```
//!
//! A folder is claimed by renaming a filled one into place: exactly one process wins, and no
//! claimed folder is ever without its owner. The ports lie below the range that the kernel hands
//! out to outgoing connections, so a stopped component finds its port free when it comes back.

use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::{Error, Result};
use crate::process::ProcessId;

const FIRST_PORT: u16 = 20_000;
const PORTS_PER_SLOT: u16 = 10;
const SLOTS: u16 = 1_000;

/// A claimed state folder with its ports.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    dir: PathBuf,
    port: u16,
}

impl Slot {
    /// Claims a free slot for the running process.
    pub(crate) fn claim() -> Result<Self> {
        let root = state_root()?;
        let owner = ProcessId::current();
        let draft = root.join(format!("new-{}-{}", std::process::id(), next_number()));
        // Neighbouring processes start their search at different places.
        let offset = u16::try_from(std::process::id() % u32::from(SLOTS)).unwrap_or(0);
        for n in 0..SLOTS {
            let port = FIRST_PORT + (offset + n) % SLOTS * PORTS_PER_SLOT;
            if !(is_free(port) && is_free(port + 1)) {
                continue;
            }
            fs_err::create_dir_all(&draft)?;
            fs_err::write(draft.join("owner"), owner.to_string())?;
            let dir = root.join(port.to_string());
            match fs_err::rename(&draft, &dir) {
                Ok(()) => return Ok(Self { dir, port }),
                Err(error) if is_taken(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        fs_err::remove_dir_all(&draft)?;
        Err(Error::NoFreePorts)
    }

    /// Returns the state folder.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the port of the API server.
    pub(crate) fn api_port(&self) -> u16 {
        self.port
    }

    /// Returns the port of etcd.
    pub(crate) fn etcd_port(&self) -> u16 {
        self.port + 1
    }
}

/// Returns the folder that holds the state folders of this user, creating it if need be.
///
/// # Errors
///
/// It lies in a folder that everybody may write to, so one made by another user is refused.
pub(crate) fn state_root() -> Result<PathBuf> {
    let uid = fs_err::metadata("/proc/self")?.uid();
    let root = std::env::temp_dir().join(format!("a4co-testenv-{uid}"));
    match std::fs::DirBuilder::new().mode(0o700).create(&root) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error.into()),
        _ => {}
    }
    let found = fs_err::symlink_metadata(&root)?;
    if found.is_dir() && found.uid() == uid { Ok(root) } else { Err(Error::ForeignStateRoot(root)) }
}

/// Counts up, so that two threads never share a draft.
fn next_number() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn is_taken(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::AlreadyExists | io::ErrorKind::DirectoryNotEmpty)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_claims_have_different_folders_and_ports() {
        let (a, b) = (Slot::claim().expect("a slot"), Slot::claim().expect("another slot"));
        assert_ne!(a.dir(), b.dir());
        assert_ne!(a.api_port(), b.api_port());
        for slot in [a, b] {
            fs_err::remove_dir_all(slot.dir()).expect("the claim can be given back");
        }
    }
}
