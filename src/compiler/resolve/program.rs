//! What the programs that keep data have in common.

use std::collections::BTreeMap;

use super::{MeaningProblem, Resolver, service::METRICS};
use crate::{
    component::{
        Check, Claim, Container, Metrics, Mount, Pod, Probe, Resolution, Service, ServicePort,
        Variable, Volume, VolumeSource,
    },
    environment::program::{Exporter, Program, Storage},
    quantity::Memory,
};

/// Volume that a pod keeps its data in.
pub(super) const DATA: &str = "data";

/// Most characters of the name of a `StatefulSet`: Kubernetes makes labels of it with a hash
/// behind, of at most 63 characters.
const MOST_OF_SET_NAME: usize = 52;

/// How the exporter of one kind of program is run.
pub(super) struct ExporterCommand {
    pub(super) port: u16,
    pub(super) args: Vec<String>,
    pub(super) variables: BTreeMap<String, Variable>,
    pub(super) check: Check,
}

impl Resolver<'_, '_> {
    /// Takes the names of a `StatefulSet` and of its other Services for what stands at `owner`.
    pub(super) fn take_set_names(&mut self, set: &str, services: &[String], owner: &[&str]) {
        self.take_name(set, owner, owner);
        for name in services {
            self.take_name(name, owner, owner);
        }
        if set.len() > MOST_OF_SET_NAME {
            let (name, most) = (set.to_owned(), MOST_OF_SET_NAME);
            self.report(owner, MeaningProblem::SetNameTooLong { name, most });
        }
    }

    /// Checks what each pod of `program`, which stands at `path`, asks for.
    pub(super) fn check_program(
        &mut self,
        path: &[&str],
        program: &Program,
        exporter: Option<&Exporter>,
    ) {
        self.check_limits(path, &program.requests, &program.limits);
        if let Some(Exporter { requests, limits, .. }) = exporter {
            self.check_limits(&[path, &["exporter"]].concat(), requests, limits);
        }
    }

    /// Returns the container of `exporter`.
    pub(super) fn exporter(&self, exporter: &Exporter, command: ExporterCommand) -> Container {
        let ExporterCommand { port, args, variables, check } = command;
        Container {
            name: "exporter".to_owned(),
            image: self.image(&exporter.image),
            command: Vec::new(),
            args,
            ports: vec![(METRICS.to_owned(), port)],
            variables,
            has_settings: false,
            requests: exporter.requests.clone(),
            limits: exporter.limits.clone(),
            liveness: probe(check.clone(), 10, 6),
            readiness: probe(check.clone(), 10, 3),
            startup: Some(probe(check, 5, 24)),
            pre_stop: None,
            mounts: Vec::new(),
        }
    }

    /// Returns a pod of `program` that keeps data.
    pub(super) fn data_pod(
        &self,
        program: &Program,
        user: u32,
        containers: Vec<Container>,
        volumes: Vec<Volume>,
    ) -> Pod {
        Pod {
            user,
            containers,
            volumes,
            spread: program.spread.iter().map(ToString::to_string).collect(),
            tolerations: program.tolerations.clone(),
            priority: Some(self.data_priority()),
            grace_seconds: 60,
        }
    }
}

/// Returns where an exporter on `port` tells metrics.
pub(super) fn metrics(port: u16) -> Metrics {
    Metrics { port_name: METRICS.to_owned(), port, path: "/metrics".to_owned() }
}

/// Returns the claim of what a pod stores.
pub(super) fn claim(storage: &Storage) -> Claim {
    let class = storage.class.as_ref().map(ToString::to_string);
    Claim { volume: DATA.to_owned(), size: storage.size, class }
}

/// Returns what the pods of every program mount besides their data: configuration files, scripts,
/// and a little room in memory for what is there while it runs.
pub(super) fn volumes() -> Vec<Volume> {
    let run = VolumeSource::Scratch { limit: Memory::of(1 << 20), in_memory: true };
    [
        ("config", VolumeSource::Files { executable: false }),
        ("scripts", VolumeSource::Files { executable: true }),
        ("run", run),
    ]
    .map(|(name, source)| Volume { name: name.to_owned(), source })
    .into()
}

/// Returns where all that, and the data, is in a container of `program`.
pub(super) fn mounts(program: &str) -> Vec<Mount> {
    let mount = |volume: &str, path: String, read_only| Mount {
        volume: volume.to_owned(),
        path,
        read_only,
    };
    vec![
        mount(DATA, format!("/{DATA}"), false),
        mount("config", format!("/etc/{program}"), true),
        mount("scripts", "/scripts".to_owned(), true),
        mount("run", format!("/run/{program}"), false),
    ]
}

/// Returns the command that runs `script`.
pub(super) fn script<const N: usize>(script: &str, args: [&str; N]) -> Vec<String> {
    let command = ["sh".to_owned(), format!("/scripts/{script}")];
    command.into_iter().chain(args.map(str::to_owned)).collect()
}

/// Returns the Services of a `StatefulSet`: one for clients, which connect to `port`, and one that
/// gives each pod a name.
pub(super) fn services(
    clients: &str,
    port: (&str, u16),
    pods: &str,
    containers: &[Container],
) -> Vec<Service> {
    let service_port =
        |name: &str, port| ServicePort { name: name.to_owned(), port, app_protocol: None };
    let ports = containers.iter().flat_map(|container| &container.ports);
    let ports = ports.map(|(name, port)| service_port(name, *port)).collect();
    let client_ports = vec![service_port(port.0, port.1)];
    [(clients, client_ports, Resolution::Balanced), (pods, ports, Resolution::EveryPod)]
        .map(|(name, ports, resolution)| Service { name: name.to_owned(), ports, resolution })
        .into()
}

pub(super) fn probe(check: Check, period_seconds: u32, failure_threshold: u32) -> Probe {
    Probe { check, period_seconds, timeout_seconds: 5, failure_threshold }
}

/// Returns the files of the volumes `config` and `scripts`.
pub(super) fn files<const N: usize>(
    config: (&str, String),
    scripts: [(&str, &str); N],
) -> BTreeMap<String, BTreeMap<String, String>> {
    let scripts = scripts.map(|(name, text)| (name.to_owned(), text.to_owned()));
    let config = [(config.0.to_owned(), config.1)];
    BTreeMap::from([("config".to_owned(), config.into()), ("scripts".to_owned(), scripts.into())])
}
