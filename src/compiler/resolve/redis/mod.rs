//! A Redis master and its replicas, resolved.

mod config;
mod problem;
mod settings;

use std::collections::BTreeMap;

pub use self::problem::RedisProblem;
use super::{
    Resolver,
    offer::{Offer, Target},
    program::{self, ExporterCommand, probe},
    service::METRICS,
};
use crate::{
    component::{
        Check, Claim, Component, Container, Controller, Role, Variable, Volume, VolumeSource,
    },
    environment::{
        capacity::Replicas,
        program::{Exporter, Storage},
        redis::{Persistence, Redis},
    },
    model::{Flow, Whereabouts},
    quantity::Memory,
};

/// Where Redis answers.
const PORT: (&str, u16) = ("redis", 6379);

/// Where the exporter tells metrics.
const EXPORTER_PORT: u16 = 9121;

const USER: u32 = 999;

/// The one to which everything is written, or those that follow it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rank {
    Master,
    Replica,
}

/// One of the two components, by their names.
struct Names {
    /// Of the component.
    set: String,
    /// Of the Service for clients.
    clients: String,
    /// Of the Service that gives each pod a name.
    pods: String,
}

impl Rank {
    fn names(self, key: &str) -> Names {
        let set = match self {
            Self::Master => key.to_owned(),
            Self::Replica => format!("{key}-replica"),
        };
        let clients = match self {
            Self::Master => key.to_owned(),
            Self::Replica => format!("{key}-replicas"),
        };
        Names { clients, pods: format!("{set}-pods"), set }
    }

    /// Returns the probe of what is ready to serve as one.
    fn ready(self) -> Vec<String> {
        match self {
            Self::Master => program::script("ready.sh", ["role:master", "loading:0"]),
            Self::Replica => {
                program::script("ready.sh", ["role:slave", "loading:0", "master_link_status:up"])
            }
        }
    }
}

impl Resolver<'_, '_> {
    /// Offers every one of them to those that need it.
    pub(super) fn offer_redis(&mut self) {
        for (key, redis) in &self.environment.redis {
            let master = Rank::Master.names(key);
            let target =
                |set: String| Target { whereabouts: Whereabouts::Component(set), port: PORT.1 };
            self.take_set_names(&master.set, &[master.pods], &["redis", key]);
            let mut targets = vec![target(master.set)];
            let mut read_host = key.clone();
            if redis.replicas > 0 {
                let Names { set, clients, pods } = Rank::Replica.names(key);
                self.take_set_names(&set, &[clients.clone(), pods], &["redis", key]);
                targets.push(target(set));
                read_host = clients;
            }
            let scope = self.scope.clone().with("name", key).with("host", key);
            let scope = scope.with("port", &PORT.1).with("read_host", &read_host);
            self.offer(key, Offer { table: "redis", targets, provides: &redis.provides, scope });
        }
    }

    /// Resolves every one of them.
    pub(super) fn redis(&mut self) {
        for (key, redis) in &self.environment.redis {
            self.check_redis(key, redis);
            let master = self.redis_component(key, redis, Rank::Master);
            self.components.push(master);
            if redis.replicas > 0 {
                let replica = self.redis_component(key, redis, Rank::Replica);
                let from = Whereabouts::Component(replica.name.clone());
                let to = Whereabouts::Component(key.clone());
                self.components.push(replica);
                self.flows.push(Flow { from, to, port: PORT.1 });
            }
        }
    }

    fn check_redis(&mut self, key: &str, redis: &Redis) {
        let path = ["redis", key];
        self.check_program(&path, &redis.program, redis.exporter.as_ref());
        let mut report = |key: &[&str], problem: RedisProblem| {
            self.report(&[path.as_slice(), key].concat(), problem);
        };
        for (name, value) in &redis.settings {
            if let Err(problem) = settings::check(name, value) {
                report(&["settings", name], problem);
            }
        }
        if redis.replicas > 0 && redis.persistence == Persistence::None {
            report(&["replicas"], RedisProblem::ReplicasOfNothing);
        }
        if let Err(problem) = check_storage(redis) {
            report(&["storage", "size"], problem);
        }
    }

    fn redis_component(&mut self, key: &str, redis: &Redis, rank: Rank) -> Component {
        let names = rank.names(key);
        let mut containers = vec![self.redis_server(key, redis, rank)];
        if let Some(exporter) = &redis.exporter {
            containers.push(self.redis_exporter(key, redis, exporter));
        }
        let (count, min_available) = match rank {
            Rank::Master => (1, 0),
            Rank::Replica => (redis.replicas, redis.replicas.saturating_sub(1)),
        };
        let claims: Vec<_> = stored(redis).map(program::claim).into_iter().collect();
        let volumes = volumes(redis, &claims);
        Component {
            services: program::services(&names.clients, PORT, &names.pods, &containers),
            controller: Controller::StatefulSet { service: names.pods, parallel: true, claims },
            name: names.set,
            role: Role::Cache,
            instance: Some(key.to_owned()),
            replicas: Replicas { min: count, max: None },
            autoscaling: None,
            min_available,
            metrics: redis.exporter.as_ref().map(|_| program::metrics(EXPORTER_PORT)),
            route: None,
            pod: self.data_pod(&redis.program, USER, containers, volumes),
            files: files(key, redis, rank),
        }
    }

    fn redis_server(&mut self, key: &str, redis: &Redis, rank: Rank) -> Container {
        let alive = Check::Exec(program::script("alive.sh", []));
        let password = self.secret_value(&["redis", key, "password"], &redis.password);
        Container {
            name: "redis".to_owned(),
            image: self.image(&redis.program.image),
            command: program::script("start.sh", []),
            args: Vec::new(),
            ports: vec![(PORT.0.to_owned(), PORT.1)],
            // The name by which `redis-cli` knows it, too.
            variables: BTreeMap::from([("REDISCLI_AUTH".to_owned(), password)]),
            has_settings: false,
            requests: redis.program.requests.clone(),
            limits: redis.program.limits.clone(),
            liveness: probe(alive.clone(), 10, 6),
            readiness: probe(Check::Exec(rank.ready()), 5, 3),
            startup: Some(probe(alive, 5, 24)),
            pre_stop: None,
            mounts: program::mounts("redis"),
        }
    }

    fn redis_exporter(&mut self, key: &str, redis: &Redis, exporter: &Exporter) -> Container {
        let address = format!("redis://localhost:{}", PORT.1);
        let password = self.secret_value(&["redis", key, "password"], &redis.password);
        let command = ExporterCommand {
            port: EXPORTER_PORT,
            args: Vec::new(),
            variables: BTreeMap::from([
                ("REDIS_ADDR".to_owned(), Variable::Text(address)),
                ("REDIS_PASSWORD".to_owned(), password),
            ]),
            check: Check::Http { path: "/health".to_owned(), port: METRICS.to_owned() },
        };
        self.exporter(exporter, command)
    }
}

/// Returns where data is kept, if any is.
fn stored(redis: &Redis) -> Option<&Storage> {
    redis.storage.as_ref().filter(|_| redis.persistence != Persistence::None)
}

/// While an append-only file is written anew, there is the old one, at most twice as large as the
/// data, and the new one; while a snapshot is written, the old and the new one.
fn check_storage(redis: &Redis) -> Result<(), RedisProblem> {
    let (persistence, copies) = match redis.persistence {
        Persistence::Aof => ("aof", 3),
        Persistence::Rdb => ("rdb", 2),
        Persistence::None => return Ok(()),
    };
    let Some(storage) = &redis.storage else {
        return Err(RedisProblem::NoStorage { persistence });
    };
    let memory = Memory::of(config::max_memory(redis));
    let least = memory.times(copies);
    if storage.size < least {
        let (size, memory, least) =
            (storage.size.to_string(), memory.to_string(), least.to_string());
        return Err(RedisProblem::StorageTooSmall { size, memory, least });
    }
    Ok(())
}

/// Returns what a pod mounts. If nothing outlives it, the folder of the data goes with it.
fn volumes(redis: &Redis, claims: &[Claim]) -> Vec<Volume> {
    let limit = redis.program.limits.memory;
    let data = Volume {
        name: program::DATA.to_owned(),
        source: VolumeSource::Scratch { limit, in_memory: false },
    };
    program::volumes().into_iter().chain(claims.is_empty().then_some(data)).collect()
}

fn files(key: &str, redis: &Redis, rank: Rank) -> BTreeMap<String, BTreeMap<String, String>> {
    let master = (rank == Rank::Replica).then_some(key);
    let scripts = [
        ("start.sh", include_str!("start.sh")),
        ("alive.sh", include_str!("alive.sh")),
        ("ready.sh", include_str!("ready.sh")),
    ];
    program::files(("redis.conf", config::config(redis, master)), scripts)
}
