//! PostgreSQL databases, resolved.
//!
//! ```text
//!            ┌────────▶ <key>-replica ──┐
//! clients ───┤                          ├─▶ <key>, the primary ◀── <key>-backup
//!            └────────▶ <key>-pooler ───┘
//! ```
//!
//! Without a pooler, clients reach the primary themselves. The servers are alike but for the script
//! that prepares their data.

mod backup;
mod check;
mod pooler;
mod problem;
mod server;
mod settings;

use std::collections::BTreeMap;

pub use self::problem::PostgresqlProblem;
use self::server::Member;
use super::{
    Resolver,
    offer::{Offer, Target},
};
use crate::{
    component::{Mount, Volume, VolumeSource},
    environment::postgresql::Postgresql,
    model::{Flow, Whereabouts},
    quantity::Memory,
};

/// Table of the environment.
const TABLE: &str = "postgresql";

/// Port of servers and poolers, so that one port leads to any of them.
const PORT: u16 = 5432;

/// Name of that port.
const PORT_NAME: &str = "postgresql";

/// User and group: that of Docker's official image for Debian.
const USER: u32 = 999;

/// Where the scripts of a container are.
const SCRIPTS: &str = "/scripts";

/// Where its configuration is.
const CONFIG: &str = "/etc/postgresql";

/// Names of the objects of a database.
struct Names {
    primary: String,
    primary_pods: String,
    replica: String,
    replica_pods: String,
    /// Leads to the replicas that are ready.
    replicas: String,
    pooler: String,
    backup: String,
}

impl Names {
    fn of(key: &str) -> Self {
        let name = |part: &str| format!("{key}-{part}");
        Self {
            primary: key.to_owned(),
            primary_pods: name("pods"),
            replica: name("replica"),
            replica_pods: name("replica-pods"),
            replicas: name("replicas"),
            pooler: name("pooler"),
            backup: name("backup"),
        }
    }

    /// Returns the names of what `declared` has.
    fn used(&self, declared: &Postgresql) -> Vec<&str> {
        let mut used = vec![self.primary.as_str(), &self.primary_pods];
        if declared.replicas > 0 {
            used.extend([self.replica.as_str(), &self.replica_pods, &self.replicas]);
        }
        used.extend(declared.pooler.is_some().then_some(self.pooler.as_str()));
        used.extend(declared.backup.is_some().then_some(self.backup.as_str()));
        used
    }

    /// Returns where clients connect to.
    fn host(&self, declared: &Postgresql) -> &str {
        if declared.pooler.is_some() { &self.pooler } else { &self.primary }
    }

    /// Returns where clients connect to that only read.
    fn read_host(&self, declared: &Postgresql) -> &str {
        if declared.replicas > 0 { &self.replicas } else { self.host(declared) }
    }

    /// Returns the components that clients may connect to.
    fn targets(&self, declared: &Postgresql) -> Vec<&str> {
        let mut targets = vec![self.host(declared)];
        let mut texts = declared.provides.env.iter().flat_map(|(name, text)| [name, text]);
        if declared.pooler.is_some() && texts.any(|text| text.has("primary_host")) {
            targets.push(&self.primary);
        }
        targets.extend((declared.replicas > 0).then_some(self.replica.as_str()));
        targets
    }
}

impl Resolver<'_, '_> {
    /// Offers every database to those that need it.
    pub(super) fn offer_postgresql(&mut self) {
        for (key, declared) in &self.environment.postgresql {
            let names = Names::of(key);
            self.take_names(key, &names.used(declared));
            let database =
                self.expand(&declared.database, &self.scope.clone(), &[TABLE, key, "database"]);
            let scope = self.scope.clone();
            let scope = scope
                .with("name", key)
                .with("host", &names.host(declared))
                .with("port", &PORT)
                .with("primary_host", &names.primary)
                .with("read_host", &names.read_host(declared))
                .with("database", &database);
            let target = |name: &str| Target { whereabouts: component(name), port: PORT };
            let targets = names.targets(declared).into_iter().map(target).collect();
            let provides = &declared.provides;
            self.offer(key, Offer { table: TABLE, targets, provides, scope });
        }
    }

    /// Resolves every database.
    pub(super) fn postgresql(&mut self) {
        for (key, declared) in &self.environment.postgresql {
            let offer = self.offers.get(key).map(|offer| offer.scope.value("database").to_owned());
            let database = offer.unwrap_or_default();
            self.check_postgresql(key, declared, &database);
            let names = Names::of(key);
            let primary = self.postgresql_server(Member::Primary, key, declared, &names, &database);
            self.components.push(primary);
            if declared.replicas > 0 {
                let replica =
                    self.postgresql_server(Member::Replica, key, declared, &names, &database);
                self.components.push(replica);
                self.flow(&names.replica, &names.primary);
            }
            if let Some(pooler) = &declared.pooler {
                let pooler = self.pooler(key, declared, pooler, &names, &database);
                self.components.push(pooler);
                self.flow(&names.pooler, &names.primary);
            }
            if let Some(backup) = &declared.backup {
                let backup = self.backup(key, declared, backup, &names, &database);
                self.components.push(backup);
                self.flow(&names.backup, &names.primary);
            }
        }
    }

    fn flow(&mut self, from: &str, to: &str) {
        self.flows.push(Flow { from: component(from), to: component(to), port: PORT });
    }
}

fn component(name: &str) -> Whereabouts {
    Whereabouts::Component(name.to_owned())
}

/// Returns files by name.
fn files<const N: usize>(files: [(&str, &str); N]) -> BTreeMap<String, String> {
    files.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// Returns the command that runs a script of a container.
fn script(name: &str) -> Vec<String> {
    vec!["/bin/sh".to_owned(), format!("{SCRIPTS}/{name}")]
}

/// Returns a volume that is empty at first, and its place in a container.
fn scratch(name: &str, path: &str, mebibytes: u64, in_memory: bool) -> (Volume, Mount) {
    let limit = Memory::from_mebibytes(mebibytes);
    let volume =
        Volume { name: name.to_owned(), source: VolumeSource::Scratch { limit, in_memory } };
    (volume, mount(name, path, false))
}

/// Returns a volume of files, and its place in a container.
fn mounted(name: &str, path: &str, executable: bool) -> (Volume, Mount) {
    let volume = Volume { name: name.to_owned(), source: VolumeSource::Files { executable } };
    (volume, mount(name, path, true))
}

fn mount(volume: &str, path: &str, read_only: bool) -> Mount {
    Mount { volume: volume.to_owned(), path: path.to_owned(), read_only }
}
