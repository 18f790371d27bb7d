//! A Redis master and its replicas, resolved.

mod config;
mod problem;
mod settings;

use std::collections::BTreeMap;

pub use self::problem::RedisProblem;
use super::{
    Resolver,
    offer::{Offer, Target},
    program::{
        DATA, ExporterCommand, Probes, Rank, claim, claimed, component, exec, files, folders, http,
        metrics, mounted, of_files, of_scripts, probe, scratch, script, set_services, text,
        variables,
    },
    service::METRICS,
};
use crate::{
    component::{Component, Container, Controller, Mount, Role, Volume},
    environment::{
        capacity::Replicas,
        program::{Exporter, Storage},
        redis::{Persistence, Redis},
    },
    model::Whereabouts,
    quantity::Memory,
};

/// Where Redis answers.
const PORT: (&str, u16) = ("redis", 6379);

/// Where the exporter tells metrics.
const EXPORTER_PORT: u16 = 9121;

const USER: u32 = 999;

impl Resolver<'_, '_> {
    /// Offers every one of them to those that need it.
    pub(super) fn offer_redis(&mut self) {
        for (key, redis) in &self.environment.redis {
            let target =
                |set: &str| Target { whereabouts: Whereabouts::component(set), port: PORT.1 };
            self.take_set_names(&Rank::Primary.names(key), &["redis", key]);
            let mut targets = vec![target(key)];
            let mut read_host = key.clone();
            if redis.replicas > 0 {
                let names = Rank::Replica.names(key);
                self.take_set_names(&names, &["redis", key]);
                targets.push(target(&names.set));
                read_host = names.clients;
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
            let master = self.redis_component(key, redis, Rank::Primary);
            self.components.push(master);
            if redis.replicas > 0 {
                let replica = self.redis_component(key, redis, Rank::Replica);
                self.let_through(&replica.name, key, PORT.1);
                self.components.push(replica);
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
        let (volumes, mounts) = places(redis);
        let server = self.redis_server(key, redis, rank, mounts);
        let exporter = redis.exporter.as_ref();
        let exporter = exporter.map(|exporter| self.redis_exporter(key, redis, exporter));
        let containers: Vec<_> = [server].into_iter().chain(exporter).collect();
        let (count, min_available) = match rank {
            Rank::Primary => (1, 0),
            Rank::Replica => (redis.replicas, redis.replicas.saturating_sub(1)),
        };
        let names = rank.names(key);
        let services = set_services(&names, rank.resolution(), PORT, &containers);
        let claims = stored(redis).map(|storage| claim(DATA, storage)).into_iter().collect();
        let controller = Controller::StatefulSet { service: names.pods, claims };
        let pod = self.data_pod(&redis.program, USER, containers, volumes);
        Component {
            instance: Some(key.to_owned()),
            replicas: Replicas { min: count, max: None },
            min_available,
            services,
            metrics: redis.exporter.as_ref().map(|_| metrics(EXPORTER_PORT)),
            files: server_files(key, redis, rank),
            ..component(&names.set, Role::Cache, controller, pod)
        }
    }

    fn redis_server(
        &mut self,
        key: &str,
        redis: &Redis,
        rank: Rank,
        mounts: Vec<Mount>,
    ) -> Container {
        let alive = exec(script("sh", "alive.sh", []));
        let password = self.secret_value(&["redis", key, "password"], &redis.password);
        let probes = Probes {
            liveness: probe(alive.clone(), 10, 6),
            readiness: probe(exec(ready(rank)), 5, 3),
            startup: Some(probe(alive, 5, 24)),
        };
        Container {
            command: script("sh", "start.sh", []),
            ports: vec![(PORT.0.to_owned(), PORT.1)],
            // The name by which `redis-cli` knows it, too.
            variables: variables([("REDISCLI_AUTH", password)]),
            mounts,
            ..self.program_container("redis", &redis.program, probes)
        }
    }

    fn redis_exporter(&mut self, key: &str, redis: &Redis, exporter: &Exporter) -> Container {
        let address = format!("redis://localhost:{}", PORT.1);
        let password = self.secret_value(&["redis", key, "password"], &redis.password);
        let command = ExporterCommand {
            port: EXPORTER_PORT,
            args: Vec::new(),
            variables: variables([("REDIS_ADDR", text(address)), ("REDIS_PASSWORD", password)]),
            check: http("/health", METRICS),
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

/// Returns what a server mounts, and where. If nothing outlives a pod, the folder of the data goes
/// with it.
fn places(redis: &Redis) -> (Vec<Volume>, Vec<Mount>) {
    let data = match stored(redis) {
        Some(_) => claimed(DATA, "/data"),
        None => scratch(DATA, "/data", redis.program.limits.memory, false),
    };
    mounted([
        data,
        of_files("config", "/etc/redis"),
        of_scripts(),
        scratch("run", "/run/redis", Memory::from_mebibytes(1), true),
    ])
}

/// Returns the command that tells whether a server is ready to serve as one of this rank.
fn ready(rank: Rank) -> Vec<String> {
    match rank {
        Rank::Primary => script("sh", "ready.sh", ["role:master", "loading:0"]),
        Rank::Replica => {
            script("sh", "ready.sh", ["role:slave", "loading:0", "master_link_status:up"])
        }
    }
}

fn server_files(
    key: &str,
    redis: &Redis,
    rank: Rank,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let master = (rank == Rank::Replica).then_some(key);
    let scripts = files([
        ("start.sh", include_str!("start.sh")),
        ("alive.sh", include_str!("alive.sh")),
        ("ready.sh", include_str!("ready.sh")),
    ]);
    let config = files([("redis.conf", &config::config(redis, master))]);
    folders([("config", config), ("scripts", scripts)])
}
