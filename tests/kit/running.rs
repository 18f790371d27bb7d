//! A command that runs while the test does something else.

use std::{
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use a4co_bundle::Release;

use super::{Ran, Site, path};

/// A running command; it is killed when it is dropped.
pub struct Running(Option<Child>);

impl Site {
    /// Starts to apply `release`.
    pub fn start(&self, kubeconfig: &Path, release: &Release, timeout: &str) -> Running {
        let bundle = self.bundle(release);
        Running::of(&mut self.command(kubeconfig, &["apply", path(&bundle), "--timeout", timeout]))
    }

    /// Starts to apply `release`, and kills that when `is_time`. Its lease is freed.
    pub fn kill_while_applying(&self, release: &Release, is_time: impl Fn() -> bool) {
        let running = self.start(self.cluster.kubeconfig(), release, "2m");
        until("the time to kill the command", is_time);
        drop(running);
        self.free_lease();
    }

    /// Does what otherwise happens some time after the holder of the lease was killed.
    pub fn free_lease(&self) {
        let free = r#"{"spec":{"holderIdentity":""}}"#;
        let patch = ["patch", "lease", "a4co.shop", "--type=merge", "-p", free];
        // There is none when the command did not come that far.
        let _ = self.cluster.kubectl(&[&patch[..], &["-n", &self.namespace]].concat());
    }
}

impl Running {
    pub fn of(command: &mut Command) -> Self {
        Self(Some(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()))
    }

    pub fn signal(&self, name: &str) {
        let id = self.0.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until it ends by itself.
    pub fn end(mut self) -> Ran {
        self.0.take().unwrap().wait_with_output().unwrap().into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Waits until `condition` holds.
#[track_caller]
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(30), "{what} does not come");
        thread::sleep(Duration::from_millis(50));
    }
}
