//! Runs kubectl against one cluster.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::error::{Error, Result};
use crate::program;

/// kubectl with a kubeconfig.
#[derive(Clone, Debug)]
pub(crate) struct Kubectl {
    program: PathBuf,
    kubeconfig: PathBuf,
}

impl Kubectl {
    /// Combines a kubectl binary with the kubeconfig of a cluster.
    pub(crate) fn new(program: &Path, kubeconfig: &Path) -> Self {
        Self { program: program.to_owned(), kubeconfig: kubeconfig.to_owned() }
    }

    /// Returns the path of the binary.
    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// Runs kubectl, with `input` as its standard input.
    pub(crate) fn run(&self, args: &[&str], input: &str) -> Result<Output> {
        let missing = |source| program::missing("kubectl", source);
        let mut child = Command::new(&self.program)
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(missing)?;
        if let Some(mut stdin) = child.stdin.take() {
            // A kubectl that does not read its input closes it; its own answer says more.
            let _ = stdin.write_all(input.as_bytes());
        }
        let output = child.wait_with_output()?;
        Ok(Output {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs kubectl and makes a failure an error.
    pub(crate) fn check(&self, args: &[&str], input: &str) -> Result<()> {
        let output = self.run(args, input)?;
        if output.success() {
            return Ok(());
        }
        Err(Error::Kubectl { command: args.join(" "), stderr: output.stderr })
    }
}

/// What a kubectl command printed and how it ended.
#[derive(Clone, Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// What it printed to standard output.
    pub stdout: String,
    /// What it printed to standard error.
    pub stderr: String,
}

impl Output {
    /// Returns whether the command succeeded.
    #[must_use]
    pub fn success(&self) -> bool {
        self.status.success()
    }

    /// Returns standard output of a command that has to succeed.
    ///
    /// # Panics
    ///
    /// Panics with standard error if the command failed.
    #[track_caller]
    #[expect(clippy::must_use_candidate, reason = "that the command succeeds is often all")]
    pub fn expect_success(self) -> String {
        assert!(self.success(), "kubectl failed: {}", self.stderr);
        self.stdout
    }
}
