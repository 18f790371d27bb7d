//! A NATS cluster with JetStream, resolved.

mod config;
mod problem;

use std::collections::BTreeMap;

pub use self::problem::NatsProblem;
use super::{
    Resolver,
    offer::{Offer, Target},
    program::{
        DATA, ExporterCommand, Probes, SetNames, claim, claimed, component, files, folders, http,
        metrics, mounted, of_files, of_scripts, probe, scratch, script, set_services, tcp, text,
        variables,
    },
    service::METRICS,
};
use crate::{
    component::{
        Component, Container, Controller, Mount, PreStop, Resolution, Role, Variable, Volume,
        pods_name,
    },
    environment::{capacity::Replicas, nats::Nats, pod::PodField},
    model::Whereabouts,
    quantity::Memory,
};

/// Where clients connect.
const CLIENTS: (&str, u16) = ("nats", 4222);

/// Where servers connect to each other.
const CLUSTER: (&str, u16) = ("cluster", 6222);

/// Where a server tells how it does.
const MONITOR: (&str, u16) = ("monitor", 8222);

/// Where the exporter tells metrics.
const EXPORTER_PORT: u16 = 7777;

/// Least storage of a server: each stream, consumer and log of replication is kept in blocks of up
/// to 8 MiB, and with less than this a few of them are all that there can be.
const LEAST_STORAGE: u64 = 256 << 20;

/// What `max_payload` may be: JetStream's own requests fit, and a server keeps no more than this
/// for a client that is slow.
const PAYLOAD: (u64, u64) = (1 << 10, 64 << 20);

const USER: u32 = 1000;

impl Resolver<'_, '_> {
    /// Offers every one of them to those that need it.
    pub(super) fn offer_nats(&mut self) {
        for (key, nats) in &self.environment.nats {
            self.take_set_names(&SetNames::of(key), &["nats", key]);
            let scope = self.scope.clone().with("name", key);
            let path = ["nats", key, "cluster"];
            let cluster = self.expand(&nats.cluster, &scope, &path);
            if nats.cluster.expand(&scope).is_ok_and(|name| !is_cluster_name(&name)) {
                self.report(&path, NatsProblem::ClusterName { name: cluster.clone() });
            }
            let scope = scope.with("host", key).with("port", &CLIENTS.1).with("cluster", &cluster);
            let whereabouts = Whereabouts::component(key);
            let targets = vec![Target { whereabouts, port: CLIENTS.1 }];
            self.offer(key, Offer { table: "nats", targets, provides: &nats.provides, scope });
        }
    }

    /// Resolves every one of them.
    pub(super) fn nats(&mut self) {
        for (key, nats) in &self.environment.nats {
            self.check_nats(key, nats);
            let offer = self.offers.get(key);
            let cluster = offer.map_or("", |offer| offer.scope.value("cluster")).to_owned();
            let component = self.nats_component(key, nats, &cluster);
            self.components.push(component);
            if nats.replicas > 1 {
                self.let_through(key, key, CLUSTER.1);
            }
        }
    }

    fn check_nats(&mut self, key: &str, nats: &Nats) {
        let path = ["nats", key];
        self.check_program(&path, &nats.program, nats.exporter.as_ref());
        let mut report = |key: &[&str], problem: NatsProblem| {
            self.report(&[path.as_slice(), key].concat(), problem);
        };
        if nats.replicas.is_multiple_of(2) {
            report(&["replicas"], NatsProblem::EvenReplicas { replicas: nats.replicas });
        }
        let size = nats.storage.size;
        if size.bytes() < LEAST_STORAGE {
            let (size, least) = (size.to_string(), Memory::of(LEAST_STORAGE).to_string());
            report(&["storage", "size"], NatsProblem::StorageTooSmall { size, least });
        }
        let (store, limit) = (nats.memory_store, nats.program.limits.memory);
        if store.times(2) > limit {
            let (store, limit) = (store.to_string(), limit.to_string());
            report(&["memory_store"], NatsProblem::MemoryStoreTooLarge { store, limit });
        }
        let (least, most) = PAYLOAD;
        if let Some(size) = nats.max_payload
            && !(least..=most).contains(&size.bytes())
        {
            let size = size.to_string();
            let (least, most) = (Memory::of(least).to_string(), Memory::of(most).to_string());
            report(&["max_payload"], NatsProblem::Payload { size, least, most });
        }
    }

    fn nats_component(&mut self, key: &str, nats: &Nats, cluster: &str) -> Component {
        let (volumes, mounts) = places();
        let server = self.nats_server(key, nats, mounts);
        let exporter = nats.exporter.as_ref();
        let exporter = exporter.map(|exporter| self.exporter(exporter, exporter_command()));
        let containers: Vec<_> = [server].into_iter().chain(exporter).collect();
        let names = SetNames::of(key);
        let services = set_services(&names, Resolution::Balanced, CLIENTS, &containers);
        let claims = vec![claim(DATA, &nats.storage)];
        let controller = Controller::StatefulSet { service: names.pods, claims };
        let pod = self.data_pod(&nats.program, USER, containers, volumes);
        Component {
            instance: Some(key.to_owned()),
            replicas: Replicas { min: nats.replicas, max: None },
            min_available: quorum(nats.replicas),
            services,
            metrics: nats.exporter.as_ref().map(|_| metrics(EXPORTER_PORT)),
            files: folders([
                ("config", files([("nats.conf", &config::config(nats, cluster))])),
                ("scripts", files([("start.sh", include_str!("start.sh"))])),
            ]),
            ..component(key, Role::Messaging, controller, pod)
        }
    }

    fn nats_server(&mut self, key: &str, nats: &Nats, mounts: Vec<Mount>) -> Container {
        let is_cluster = nats.replicas > 1;
        let ports = [Some(CLIENTS), is_cluster.then_some(CLUSTER), Some(MONITOR)];
        let ports = ports.into_iter().flatten().map(|(name, port)| (name.to_owned(), port));
        let answers = http("/healthz?js-enabled-only=true", MONITOR.0);
        let probes = Probes {
            liveness: probe(answers.clone(), 10, 6),
            readiness: probe(answers, 10, 3),
            // Every stream of the server has caught up; only then may the next server stop.
            startup: Some(probe(http("/healthz", MONITOR.0), 10, 90)),
        };
        let drain = ["nats-server", "--signal", "ldm=/run/nats/nats.pid"];
        Container {
            command: script("sh", "start.sh", []),
            ports: ports.collect(),
            variables: self.nats_variables(key, nats),
            pre_stop: Some(PreStop::Exec(drain.map(str::to_owned).into())),
            mounts,
            ..self.program_container("nats", &nats.program, probes)
        }
    }

    fn nats_variables(&mut self, key: &str, nats: &Nats) -> BTreeMap<String, Variable> {
        let user = self.secret_value(&["nats", key, "user"], &nats.user);
        let password = self.secret_value(&["nats", key, "password"], &nats.password);
        // Go collects garbage before the limit is reached, and not after.
        let memory = nats.program.limits.memory.bytes() / 10 * 9;
        let mut variables = variables([
            ("POD_NAME", Variable::Field(PodField::Name)),
            ("NATS_USER", user),
            ("NATS_PASSWORD", password),
            ("GOMEMLIMIT", text(memory.to_string())),
        ]);
        if nats.replicas > 1 {
            let peers = (0..nats.replicas)
                .map(|number| format!("{key}-{number}.{}:{}", pods_name(key), CLUSTER.1));
            let peers = peers.collect::<Vec<_>>().join(" ");
            variables.insert("NATS_PEERS".to_owned(), text(peers));
        }
        variables
    }
}

/// Returns what a server mounts, and where.
fn places() -> (Vec<Volume>, Vec<Mount>) {
    mounted([
        claimed(DATA, "/data"),
        of_files("config", "/etc/nats"),
        of_scripts(),
        scratch("run", "/run/nats", Memory::from_mebibytes(1), true),
    ])
}

/// Returns how many servers a drain must leave: those that JetStream needs. A single one may go.
fn quorum(replicas: u32) -> u32 {
    if replicas > 1 { replicas / 2 + 1 } else { 0 }
}

/// Names of clusters become parts of subjects.
fn is_cluster_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

fn exporter_command() -> ExporterCommand {
    let monitor = format!("http://localhost:{}", MONITOR.1);
    let flags = ["-varz", "-connz", "-routez", "-jsz=all", "-use_internal_server_name", "-ri=5"];
    let port = format!("-port={EXPORTER_PORT}");
    let args = flags.into_iter().chain([port.as_str(), monitor.as_str()]);
    ExporterCommand {
        port: EXPORTER_PORT,
        args: args.map(str::to_owned).collect(),
        variables: BTreeMap::new(),
        // It answers for metrics only, and those it would have to collect each time.
        check: tcp(METRICS),
    }
}
