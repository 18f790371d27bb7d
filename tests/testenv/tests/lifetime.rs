//! A control plane ends with its owner, however the owner ends, and leaves nothing behind.

mod processes;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use a4co_testenv::ControlPlane;

use crate::processes::processes_of;

/// A running `testenv up` with its state folder.
struct Owner {
    child: Child,
    dir: PathBuf,
}

impl Owner {
    fn start() -> Self {
        let mut child = testenv().arg("up").spawn().expect("testenv starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("its output is a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("its output can be read");
        let kubeconfig = line.trim().strip_prefix("KUBECONFIG=").expect("it tells the kubeconfig");
        let dir = Path::new(kubeconfig).parent().expect("it lies in a folder").to_owned();
        Self { child, dir }
    }

    fn kill(mut self) -> PathBuf {
        self.child.kill().expect("it can be killed");
        self.child.wait().expect("it ends");
        self.dir
    }
}

fn testenv() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testenv"));
    command.env_remove(a4co_testenv::KUBECONFIG_VARIABLE);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

#[track_caller]
fn eventually(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(10), "{what}");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn nothing_is_left_when_the_owner_is_killed() {
    let owner = Owner::start();
    assert!(processes_of(&owner.dir).len() >= 6, "supervisor and five components run");
    let dir = owner.kill();
    eventually("no process is left", || processes_of(&dir).is_empty());
    eventually("no folder is left", || !dir.exists());
}

#[test]
fn a_sweep_removes_what_is_left_when_owner_and_supervisor_are_killed() {
    let owner = Owner::start();
    let is_supervisor = |process: &PathBuf| {
        fs_err::read(process.join("cmdline")).is_ok_and(|line| line.starts_with(b"sh\0-c"))
    };
    let supervisor = processes_of(&owner.dir).into_iter().find(is_supervisor);
    let pid = supervisor.expect("a supervisor").file_name().expect("a number").to_owned();
    let status = Command::new("kill").arg("-KILL").arg(pid).status().expect("kill starts");
    assert!(status.success());
    eventually("no process is left", || processes_of(&owner.dir).is_empty());
    let dir = owner.kill();
    assert!(dir.exists(), "nobody could remove the folder");
    assert!(testenv().arg("sweep").status().expect("testenv starts").success());
    assert!(!dir.exists(), "the sweep removes it");
}

#[test]
fn a_dropped_control_plane_survives_a_restart_but_not_its_drop() {
    let cluster = ControlPlane::start().expect("a control plane");
    cluster.kubectl(&["create", "namespace", "kept"]).expect_success();
    cluster.restart_api_server().expect("the API server comes back");
    cluster.kubectl(&["get", "namespace", "kept"]).expect_success();
    let dir = cluster.kubeconfig().parent().expect("it lies in a folder").to_owned();
    drop(cluster);
    assert!(!dir.exists());
    assert_eq!(processes_of(&dir), Vec::<PathBuf>::new());
}

#[test]
fn run_passes_the_kubeconfig_in_and_the_exit_code_out() {
    let script = r#"[ "$KUBECONFIG" = /some/where ] && exit 7"#;
    let status = testenv()
        .env(a4co_testenv::KUBECONFIG_VARIABLE, "/some/where")
        .args(["run", "--", "sh", "-c", script])
        .status()
        .expect("testenv starts");
    assert_eq!(status.code(), Some(7));
}
