//! Probes of a program.

use crate::component::{Check, Probe};

/// The probes of a container.
pub(in crate::resolve) struct Probes {
    pub(in crate::resolve) liveness: Probe,
    pub(in crate::resolve) readiness: Probe,
    pub(in crate::resolve) startup: Option<Probe>,
}

/// Returns a probe that waits five seconds for an answer.
pub(in crate::resolve) fn probe(
    check: Check,
    period_seconds: u32,
    failure_threshold: u32,
) -> Probe {
    Probe { check, period_seconds, timeout_seconds: 5, failure_threshold }
}

/// Asks for `path` on the port called `port`.
pub(in crate::resolve) fn http(path: &str, port: &str) -> Check {
    Check::Http { path: path.to_owned(), port: port.to_owned() }
}

/// Connects to the port called `port`.
pub(in crate::resolve) fn tcp(port: &str) -> Check {
    Check::Tcp { port: port.to_owned() }
}

/// Runs `command` in the container.
pub(in crate::resolve) fn exec(command: Vec<String>) -> Check {
    Check::Exec(command)
}
