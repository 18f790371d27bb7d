//! The exporter beside a program.

use std::collections::BTreeMap;

use super::{Probes, probe};
use crate::{
    component::{Check, Container, Metrics, Variable},
    environment::program::Exporter,
    resolve::{Resolver, service::METRICS},
};

/// How the exporter of one kind of program is run.
pub(in crate::resolve) struct ExporterCommand {
    pub(in crate::resolve) port: u16,
    pub(in crate::resolve) args: Vec<String>,
    pub(in crate::resolve) variables: BTreeMap<String, Variable>,
    pub(in crate::resolve) check: Check,
}

impl Resolver<'_, '_> {
    /// Returns the container of `exporter`.
    pub(in crate::resolve) fn exporter(
        &self,
        exporter: &Exporter,
        command: ExporterCommand,
    ) -> Container {
        let ExporterCommand { port, args, variables, check } = command;
        let probes = Probes {
            liveness: probe(check.clone(), 10, 6),
            readiness: probe(check.clone(), 10, 3),
            startup: Some(probe(check, 5, 24)),
        };
        Container {
            args,
            ports: vec![(METRICS.to_owned(), port)],
            variables,
            ..self.program_container("exporter", exporter, probes)
        }
    }
}

/// Returns where an exporter on `port` tells metrics.
pub(in crate::resolve) fn metrics(port: u16) -> Metrics {
    Metrics { port_name: METRICS.to_owned(), port, path: "/metrics".to_owned() }
}
