//! A container runtime runs what it is given, and leaves nothing behind.

mod processes;

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use a4co_testenv::{Containerd, Network};

use crate::processes::processes_of;

const SANDBOX_IMAGE: &str = "registry.k8s.io/pause:3.10.1";

/// Returns the control groups of pods of the runtime in `dir`.
fn control_groups(dir: &Path) -> Vec<PathBuf> {
    let name = format!("a4co-testenv-{}", dir.file_name().expect("a port").display());
    let hierarchies = fs_err::read_dir("/sys/fs/cgroup").expect("there are control groups");
    let mut found: Vec<_> =
        hierarchies.map(|entry| entry.expect("an entry").path().join(&name)).collect();
    found.push(Path::new("/sys/fs/cgroup").join(name));
    found.retain(|path| path.exists());
    found
}

#[test]
fn a_pod_runs_and_a_dropped_runtime_leaves_neither_folder_nor_control_group() {
    let Some(node) = Containerd::start(Network::Isolated).expect("containerd") else {
        return;
    };
    let printed = node.run_pod(SANDBOX_IMAGE, &["it", "runs"]).expect("a pod");
    assert_eq!(printed, "it runs\n");
    let missing = node.run_pod("docker.io/library/absent:1", &[]).expect_err("nothing is pulled");
    assert!(missing.to_string().contains("not found"), "{missing}");
    let config = node.registry_config();
    let dir = config.parent().expect("it lies in the state folder").to_owned();
    assert_ne!(control_groups(&dir), Vec::<PathBuf>::new(), "the second pod is still there");
    drop(node);
    assert!(!dir.exists());
    assert_eq!(control_groups(&dir), Vec::<PathBuf>::new());
}

#[test]
fn nothing_is_left_when_the_owner_is_killed_while_a_pod_runs() {
    if !is_root() {
        return;
    }
    let mut owner = Command::new(env!("CARGO_BIN_EXE_testenv"));
    let owner = owner.arg("node").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut owner = owner.expect("testenv starts");
    let mut lines = BufReader::new(owner.stdout.take().expect("a pipe")).lines();
    let mut value_of = |name: &str| {
        let line = lines.next().expect("a line").expect("its output can be read");
        line.strip_prefix(name).expect("it tells the value").to_owned()
    };
    let (endpoint, programs) = (value_of("CONTAINER_RUNTIME_ENDPOINT="), value_of("PATH="));
    let socket = Path::new(endpoint.strip_prefix("unix://").expect("a socket"));
    let dir = socket.parent().expect("it lies in the state folder").to_owned();
    let group = format!("a4co-testenv-{}", dir.file_name().expect("a port").display());
    let sandbox = format!(
        r#"{{"metadata":{{"name":"p","namespace":"default","uid":"p"}},
            "linux":{{"cgroup_parent":"/{group}",
                      "security_context":{{"namespace_options":{{"network":2}}}}}}}}"#
    );
    fs_err::write(dir.join("p.json"), sandbox).expect("the state folder can be written to");
    let crictl = Command::new(Path::new(&programs).join("crictl"))
        .args(["--runtime-endpoint", &endpoint, "runp"])
        .arg(dir.join("p.json"))
        .output()
        .expect("crictl starts");
    assert!(crictl.status.success(), "{}", String::from_utf8_lossy(&crictl.stderr));
    assert_ne!(control_groups(&dir), Vec::<PathBuf>::new());
    owner.kill().expect("it can be killed");
    owner.wait().expect("it ends");
    eventually("no folder is left", || !dir.exists());
    eventually("no control group is left", || control_groups(&dir).is_empty());
    eventually("no process is left", || processes_of(&dir).is_empty());
}

fn is_root() -> bool {
    fs_err::metadata("/proc/self").expect("there is a /proc").uid() == 0
}

#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}
