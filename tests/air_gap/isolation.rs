//! A network namespace with nothing but a loopback device.

use std::{
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::program;

/// Names the folder that the site's side of the test gets.
const FOLDER: &str = "A4CO_AIR_GAP_FOLDER";
/// Names an address outside, where somebody listens.
const OUTSIDE: &str = "A4CO_AIR_GAP_OUTSIDE";

/// An address that nobody may use but in documents (RFC 5737).
const NOWHERE: &str = "192.0.2.1:443";

/// Whether this process may make such namespaces; root inside a container often may not.
pub(crate) fn is_possible() -> bool {
    let is_root = fs_err::metadata("/proc/self").unwrap().uid() == 0;
    is_root && Command::new("unshare").args(["--net", "true"]).status().unwrap().success()
}

/// Runs the test `name` of this program, which is ignored otherwise, in such a namespace. It ends
/// with the calling thread, and the namespace with it.
#[track_caller]
pub(crate) fn run_test(name: &str, folder: &Path) {
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = outside.local_addr().unwrap();
    TcpStream::connect(address).expect("whoever is outside reaches it");
    let status = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "--", "unshare", "--net", "sh", "-euc"])
        .args([r#"ip link set lo up; exec "$@""#, "sh"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(FOLDER, folder)
        .env(OUTSIDE, address.to_string())
        .status()
        .unwrap();
    assert!(status.success(), "what failed is said above");
}

/// The folder that the outside left, and proof that nothing else is left of it; `None` to whom
/// [`run_test`] did not call.
pub(crate) fn inside() -> Option<PathBuf> {
    let folder = std::env::var_os(FOLDER)?;
    let outside: SocketAddr = std::env::var(OUTSIDE).unwrap().parse().unwrap();
    let error = TcpStream::connect(outside).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused, "loopback is its own");
    let nowhere = NOWHERE.parse().unwrap();
    let error = TcpStream::connect_timeout(&nowhere, Duration::from_secs(10)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NetworkUnreachable, "there is no way out");
    let routes = program::succeed(Command::new("ip").args(["route", "show"]));
    assert_eq!(routes, "", "there is no route");
    Some(folder.into())
}
