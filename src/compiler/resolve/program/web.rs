//! Programs that answer HTTP on one port, which their probes and their metrics have too.

use super::{Probes, http, probe};
pub(in crate::resolve) use crate::resolve::service::HTTP;
use crate::{
    component::{Container, Metrics, Probe},
    environment::program::Program,
    resolve::Resolver,
};

/// A program that answers HTTP on one port.
pub(in crate::resolve) struct WebProgram<'a> {
    pub(in crate::resolve) name: &'a str,
    pub(in crate::resolve) port: u16,
    /// Path that tells whether it lives.
    pub(in crate::resolve) alive: &'a str,
    /// Path that tells whether it is ready.
    pub(in crate::resolve) ready: &'a str,
    /// How long it may take to start, in periods of ten seconds.
    pub(in crate::resolve) start_periods: u32,
}

impl Resolver<'_, '_> {
    /// Returns the container of a program that watches, with everything but its arguments, its
    /// variables and its mounts.
    pub(in crate::resolve) fn web_container(
        &mut self,
        web: &WebProgram,
        program: &Program,
    ) -> Container {
        self.check_program(&[web.name], program, None);
        let probes = web_probes(HTTP, web.alive, web.ready, web.start_periods);
        Container {
            ports: vec![(HTTP.to_owned(), web.port)],
            ..self.program_container(web.name, program, probes)
        }
    }
}

/// Returns probes by HTTP on the port called `port`.
pub(in crate::resolve) fn web_probes(
    port: &str,
    alive: &str,
    ready: &str,
    start_periods: u32,
) -> Probes {
    let probe =
        |path, failures| Probe { timeout_seconds: 3, ..probe(http(path, port), 10, failures) };
    Probes {
        liveness: probe(alive, 6),
        readiness: probe(ready, 3),
        startup: Some(probe(ready, start_periods)),
    }
}

/// Returns where a [`WebProgram`] tells its metrics.
pub(in crate::resolve) fn web_metrics(web: &WebProgram) -> Metrics {
    Metrics { port_name: HTTP.to_owned(), port: web.port, path: "/metrics".to_owned() }
}
