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

pub use self::problem::PostgresqlProblem;
use super::{
    Resolver,
    offer::{Offer, Target},
    program::{Rank, SetNames, script},
};
use crate::{environment::postgresql::Postgresql, model::Whereabouts};

/// Table of the environment.
const TABLE: &str = "postgresql";

/// Port of servers and poolers, so that one port leads to any of them.
const PORT: u16 = 5432;

/// Name of that port.
const PORT_NAME: &str = "postgresql";

/// User and group: that of Docker's official image for Debian.
const USER: u32 = 999;

/// Where its configuration is.
const CONFIG: &str = "/etc/postgresql";

/// Names of the objects of a database.
struct Names {
    primary: SetNames,
    /// Its Service for clients leads to the replicas that are ready.
    replica: SetNames,
    pooler: String,
    backup: String,
}

impl Names {
    fn of(key: &str) -> Self {
        Self {
            primary: Rank::Primary.names(key),
            replica: Rank::Replica.names(key),
            pooler: format!("{key}-pooler"),
            backup: format!("{key}-backup"),
        }
    }

    /// Returns where clients connect to.
    fn host(&self, declared: &Postgresql) -> &str {
        if declared.pooler.is_some() { &self.pooler } else { &self.primary.clients }
    }

    /// Returns where clients connect to that only read.
    fn read_host(&self, declared: &Postgresql) -> &str {
        if declared.replicas > 0 { &self.replica.clients } else { self.host(declared) }
    }

    /// Returns the components that clients may connect to.
    fn targets(&self, declared: &Postgresql) -> Vec<&str> {
        let mut targets = vec![self.host(declared)];
        let mut texts = declared.provides.env.iter().flat_map(|(name, text)| [name, text]);
        if declared.pooler.is_some() && texts.any(|text| text.has("primary_host")) {
            targets.push(&self.primary.set);
        }
        targets.extend((declared.replicas > 0).then_some(self.replica.set.as_str()));
        targets
    }
}

impl Resolver<'_, '_> {
    /// Offers every database to those that need it.
    pub(super) fn offer_postgresql(&mut self) {
        for (key, declared) in &self.environment.postgresql {
            let names = Names::of(key);
            self.take_postgresql_names(key, declared, &names);
            let database =
                self.expand(&declared.database, &self.scope.clone(), &[TABLE, key, "database"]);
            let scope = self.scope.clone();
            let scope = scope
                .with("name", key)
                .with("host", &names.host(declared))
                .with("port", &PORT)
                .with("primary_host", &names.primary.clients)
                .with("read_host", &names.read_host(declared))
                .with("database", &database);
            let target =
                |name: &str| Target { whereabouts: Whereabouts::component(name), port: PORT };
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
            let primary = self.postgresql_server(Rank::Primary, key, declared, &names, &database);
            self.components.push(primary);
            if declared.replicas > 0 {
                let replica =
                    self.postgresql_server(Rank::Replica, key, declared, &names, &database);
                self.components.push(replica);
                self.let_through(&names.replica.set, &names.primary.set, PORT);
            }
            if let Some(pooler) = &declared.pooler {
                let pooler = self.pooler(key, declared, pooler, &names, &database);
                self.components.push(pooler);
                self.let_through(&names.pooler, &names.primary.set, PORT);
            }
            if let Some(backup) = &declared.backup {
                let backup = self.backup(key, declared, backup, &names, &database);
                self.components.push(backup);
                self.let_through(&names.backup, &names.primary.set, PORT);
            }
        }
    }

    fn take_postgresql_names(&mut self, key: &str, declared: &Postgresql, names: &Names) {
        let owner = [TABLE, key];
        self.take_set_names(&names.primary, &owner);
        if declared.replicas > 0 {
            self.take_set_names(&names.replica, &owner);
        }
        if declared.pooler.is_some() {
            self.take_service_name(&names.pooler, &owner, &owner);
        }
        if declared.backup.is_some() {
            self.take_cron_job_name(&names.backup, &owner);
        }
    }
}

/// Returns the command that runs a script of a container.
fn run(name: &str) -> Vec<String> {
    script("/bin/sh", name, [])
}
