//! The process that holds the components and outlives a killed owner just long enough to clean up.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::component::Component;
use crate::error::{Error, Result};
use crate::process;
use crate::text::tail;

/// Marks the environment of every process of a control plane with its state folder.
pub(crate) const STATE_VARIABLE: &str = "A4CO_TESTENV_STATE";

const SCRIPT: &str = include_str!("supervisor.sh");
const DEADLINE: Duration = Duration::from_mins(1);
const POLL: Duration = Duration::from_millis(50);

/// A running supervisor; dropping it ends the control plane and waits for that.
#[derive(Debug)]
pub(crate) struct Supervisor {
    child: Mutex<Child>,
    dir: PathBuf,
}

impl Supervisor {
    /// Starts a supervisor for a state folder.
    ///
    /// It gets a process group of its own, so an interrupt from the terminal reaches the owner
    /// only.
    pub(crate) fn start(dir: &Path) -> Result<Self> {
        let log = fs_err::File::create(dir.join("supervisor.log"))?.into_file();
        let child = Command::new("sh")
            .args(["-c", SCRIPT, "testenv-supervisor"])
            .arg(dir)
            .env(STATE_VARIABLE, dir)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .map_err(|source| Error::Program {
                program: "sh".to_owned(),
                hint: "install a POSIX shell",
                source,
            })?;
        Ok(Self { child: Mutex::new(child), dir: dir.to_owned() })
    }

    /// Orders a component to be started; [`Self::wait_for`] tells when it is there.
    pub(crate) fn start_component(&self, component: &Component) -> Result<()> {
        let script = self.dir.join(format!("{}.sh", component.name));
        fs_err::write(script, component.to_script())?;
        self.order("start", component.name)
    }

    /// Kills a component and waits until it is gone.
    pub(crate) fn stop_component(&self, name: &'static str) -> Result<()> {
        self.order("stop", name)?;
        self.poll(name, || Ok(self.pid(name).is_none()))
    }

    /// Waits until a component is ready, and no longer if it dies.
    pub(crate) fn wait_for(
        &self,
        name: &'static str,
        is_ready: impl Fn() -> Result<bool>,
    ) -> Result<()> {
        self.poll(name, || {
            if self.pid(name).is_some_and(|pid| !process::is_running(pid)) {
                return Err(self.failure(name, "died".to_owned()));
            }
            is_ready()
        })
    }

    fn poll(&self, name: &'static str, is_done: impl Fn() -> Result<bool>) -> Result<()> {
        let start = Instant::now();
        while !is_done()? {
            if start.elapsed() > DEADLINE {
                let what = format!("did not answer within {} s", DEADLINE.as_secs());
                return Err(self.failure(name, what));
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn order(&self, verb: &str, name: &str) -> Result<()> {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let stdin =
            child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe).map_err(io::Error::from)?;
        Ok(writeln!(stdin, "{verb} {name}")?)
    }

    /// Returns the process number of a component that was started.
    pub(crate) fn pid(&self, name: &str) -> Option<u32> {
        let text = fs_err::read_to_string(self.dir.join(format!("{name}.pid"))).ok()?;
        text.trim().parse().ok()
    }

    fn failure(&self, component: &'static str, what: String) -> Error {
        let log = fs_err::read_to_string(self.dir.join(format!("{component}.log")));
        Error::Component { component, what, log: tail(&log.unwrap_or_default()) }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let child = self.child.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(child.stdin.take());
        // Nothing is left to do when it cannot be waited for: the next sweep finds the folder.
        let _ = child.wait();
    }
}
