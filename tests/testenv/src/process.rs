//! Which process owns a control plane, told apart from a later one with the same number.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

/// A process number together with its start time in clock ticks since boot.
///
/// The kernel reuses numbers, so a number alone does not say whether the owner still lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessId {
    pid: u32,
    started: u64,
}

impl ProcessId {
    /// Returns the id of the running process.
    pub(crate) fn current() -> Self {
        let pid = std::process::id();
        Self { pid, started: start_time(pid).unwrap_or(0) }
    }

    /// Returns whether this very process still runs.
    pub(crate) fn is_alive(self) -> bool {
        start_time(self.pid) == Some(self.started)
    }
}

impl fmt::Display for ProcessId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pid, self.started)
    }
}

impl FromStr for ProcessId {
    type Err = ();

    fn from_str(s: &str) -> Result<Self, ()> {
        let (pid, started) = s.trim().split_once(' ').ok_or(())?;
        Ok(Self { pid: pid.parse().map_err(|_| ())?, started: started.parse().map_err(|_| ())? })
    }
}

/// Returns whether a process with this number runs and is not a zombie.
pub(crate) fn is_running(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

fn start_time(pid: u32) -> Option<u64> {
    match stat(pid) {
        Some(('Z' | 'X', _)) | None => None,
        Some((_, started)) => Some(started),
    }
}

/// Reads state (field 3) and start time (field 22) from `/proc/PID/stat`, see `proc(5)`.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text =
        fs_err::read_to_string(Path::new("/proc").join(pid.to_string()).join("stat")).ok()?;
    let (_, after_name) = text.rsplit_once(") ")?;
    let mut fields = after_name.split(' ');
    let state = fields.next()?.chars().next()?;
    let started = fields.nth(18)?.parse().ok()?;
    Some((state, started))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_running_process_is_alive_and_survives_a_round_trip() {
        let id = ProcessId::current();
        assert!(id.is_alive());
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[test]
    fn a_reused_number_is_another_process() {
        let ProcessId { pid, started } = ProcessId::current();
        assert!(!ProcessId { pid, started: started + 1 }.is_alive());
    }
}
