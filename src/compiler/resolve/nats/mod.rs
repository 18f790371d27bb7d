//! A NATS cluster with JetStream, resolved.

mod config;
mod problem;

use std::collections::BTreeMap;

pub use self::problem::NatsProblem;
use super::{
    Resolver,
    offer::{Offer, Target},
    program::{self, ExporterCommand, probe},
    service::METRICS,
};
use crate::{
    component::{Check, Component, Container, Controller, PreStop, Role, Variable},
    environment::{capacity::Replicas, nats::Nats, pod::PodField},
    model::{Flow, Whereabouts},
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
            self.take_set_names(key, &[pods_service(key)], &["nats", key]);
            let scope = self.scope.clone().with("name", key);
            let path = ["nats", key, "cluster"];
            let cluster = self.expand(&nats.cluster, &scope, &path);
            if nats.cluster.expand(&scope).is_ok_and(|name| !is_cluster_name(&name)) {
                self.report(&path, NatsProblem::ClusterName { name: cluster.clone() });
            }
            let scope = scope.with("host", key).with("port", &CLIENTS.1).with("cluster", &cluster);
            let whereabouts = Whereabouts::Component(key.clone());
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
                let server = Whereabouts::Component(key.clone());
                self.flows.push(Flow { from: server.clone(), to: server, port: CLUSTER.1 });
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
        let mut containers = vec![self.nats_server(key, nats)];
        if let Some(exporter) = &nats.exporter {
            containers.push(self.exporter(exporter, exporter_command()));
        }
        let config = ("nats.conf", config::config(nats, cluster));
        let scripts = [("start.sh", include_str!("start.sh"))];
        Component {
            name: key.to_owned(),
            role: Role::Messaging,
            instance: Some(key.to_owned()),
            // Servers of a cluster wait for each other before they are ready.
            controller: Controller::StatefulSet {
                service: pods_service(key),
                parallel: true,
                claims: vec![program::claim(&nats.storage)],
            },
            replicas: Replicas { min: nats.replicas, max: None },
            autoscaling: None,
            min_available: quorum(nats.replicas),
            services: program::services(key, CLIENTS, &pods_service(key), &containers),
            metrics: nats.exporter.as_ref().map(|_| program::metrics(EXPORTER_PORT)),
            route: None,
            pod: self.data_pod(&nats.program, USER, containers, program::volumes()),
            files: program::files(config, scripts),
        }
    }

    fn nats_server(&mut self, key: &str, nats: &Nats) -> Container {
        let healthz = |query: &str| Check::Http {
            path: format!("/healthz{query}"),
            port: MONITOR.0.to_owned(),
        };
        let is_cluster = nats.replicas > 1;
        let ports = [Some(CLIENTS), is_cluster.then_some(CLUSTER), Some(MONITOR)];
        Container {
            name: "nats".to_owned(),
            image: self.image(&nats.program.image),
            command: program::script("start.sh", []),
            args: Vec::new(),
            ports: ports
                .into_iter()
                .flatten()
                .map(|(name, port)| (name.to_owned(), port))
                .collect(),
            variables: self.nats_variables(key, nats),
            has_settings: false,
            requests: nats.program.requests.clone(),
            limits: nats.program.limits.clone(),
            liveness: probe(healthz("?js-enabled-only=true"), 10, 6),
            readiness: probe(healthz("?js-enabled-only=true"), 10, 3),
            // Every stream of the server has caught up; only then may the next server stop.
            startup: Some(probe(healthz(""), 10, 90)),
            pre_stop: Some(PreStop::Exec(vec![
                "nats-server".to_owned(),
                "--signal".to_owned(),
                "ldm=/run/nats/nats.pid".to_owned(),
            ])),
            mounts: program::mounts("nats"),
        }
    }

    fn nats_variables(&mut self, key: &str, nats: &Nats) -> BTreeMap<String, Variable> {
        let user = self.secret_value(&["nats", key, "user"], &nats.user);
        let password = self.secret_value(&["nats", key, "password"], &nats.password);
        // Go collects garbage before the limit is reached, and not after.
        let memory = nats.program.limits.memory.bytes() / 10 * 9;
        let mut variables = BTreeMap::from([
            ("POD_NAME".to_owned(), Variable::Field(PodField::Name)),
            ("NATS_USER".to_owned(), user),
            ("NATS_PASSWORD".to_owned(), password),
            ("GOMEMLIMIT".to_owned(), Variable::Text(memory.to_string())),
        ]);
        if nats.replicas > 1 {
            let peers = (0..nats.replicas)
                .map(|number| format!("{key}-{number}.{}:{}", pods_service(key), CLUSTER.1));
            let peers = peers.collect::<Vec<_>>().join(" ");
            variables.insert("NATS_PEERS".to_owned(), Variable::Text(peers));
        }
        variables
    }
}

/// Name of the Service that gives each server a name.
fn pods_service(key: &str) -> String {
    format!("{key}-pods")
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
        check: Check::Tcp { port: METRICS.to_owned() },
    }
}
