//! A command that runs while the test does something else.

use std::{
    io::{BufRead as _, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use a4co_bundle::Release;
use serde_json::json;

use super::{Ran, Site, path};

/// A running command; it is killed when it is dropped.
pub struct Running {
    child: Option<Child>,
    /// What it has said on standard error.
    told: Arc<Mutex<String>>,
    listener: Option<JoinHandle<()>>,
}

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

    /// Who has the lease.
    pub fn lease_holder(&self) -> String {
        self.get("lease", "a4co.shop")["spec"]["holderIdentity"].as_str().unwrap().to_owned()
    }

    /// Gives the lease to somebody who renewed it `age` seconds ago.
    pub fn hold_lease(&self, holder: &str, age: u32) {
        let date = format!("{age} seconds ago");
        let format = "+%Y-%m-%dT%H:%M:%S.000000Z";
        let output = Command::new("date").args(["-u", "-d", &date, format]).output().unwrap();
        let time = String::from_utf8(output.stdout).unwrap();
        let spec = json!({ "spec": { "holderIdentity": holder, "renewTime": time.trim() } });
        let patch = ["patch", "lease", "a4co.shop", "--type=merge", "-p", &spec.to_string()];
        self.kubectl(&patch);
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
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let told = Arc::new(Mutex::new(String::new()));
        let heard = told.clone();
        let listen = move || {
            for line in lines.map_while(Result::ok) {
                *heard.lock().unwrap() += &(line + "\n");
            }
        };
        Self { child: Some(child), told, listener: Some(thread::spawn(listen)) }
    }

    /// Whether it has said this on standard error so far.
    pub fn has_told(&self, text: &str) -> bool {
        self.told.lock().unwrap().contains(text)
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args([name, &id]).status().unwrap().success());
    }

    /// Waits until it ends by itself.
    pub fn end(mut self) -> Ran {
        let mut output = self.child.take().unwrap().wait_with_output().unwrap();
        self.listener.take().unwrap().join().unwrap();
        output.stderr = std::mem::take(&mut *self.told.lock().unwrap()).into_bytes();
        output.into()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
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
