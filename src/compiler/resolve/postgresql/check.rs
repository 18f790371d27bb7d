//! Checks what a database is to be.

use super::{PostgresqlProblem, TABLE, settings};
use crate::{
    environment::{
        postgresql::{Pooler, Postgresql},
        program::SecretKey,
    },
    quantity::Memory,
    resolve::{MeaningProblem, Resolver},
    text::is_identifier,
};

/// Names of databases that have a meaning to PostgreSQL or to the pooler.
const RESERVED: [&str; 6] =
    ["all", "pgbouncer", "postgres", "replication", "template0", "template1"];

/// Connections that poolers leave free: those that PostgreSQL keeps for administrators, backups,
/// and some for people.
const LEFT_FREE: u32 = 10;

/// Storage in which an empty cluster and its log have room.
const LEAST_STORAGE: Memory = Memory::from_mebibytes(512);

/// Memory in which a server starts.
const LEAST_MEMORY: Memory = Memory::from_mebibytes(64);

impl Resolver<'_, '_> {
    pub(super) fn check_postgresql(&mut self, key: &str, declared: &Postgresql, database: &str) {
        if !database.is_empty() && (!is_identifier(database) || RESERVED.contains(&database)) {
            let problem = PostgresqlProblem::Database { name: database.to_owned() };
            self.complain(&[key, "database"], problem);
        }
        self.check_size(key, declared);
        self.check_settings(key, declared);
        self.check_secrets(key, declared);
        self.check_extensions(key, declared);
        if let Some(pooler) = &declared.pooler {
            self.check_pooler(key, declared, pooler);
        }
        if let Some(backup) = &declared.backup {
            self.check_limits(&[TABLE, key, "backup"], &backup.requests, &backup.limits);
        }
    }

    fn check_size(&mut self, key: &str, declared: &Postgresql) {
        let program = &declared.program;
        self.check_program(&[TABLE, key], program, declared.exporter.as_ref());
        let memory = program.requests.memory;
        if memory < LEAST_MEMORY {
            let (requested, least) = (memory.to_string(), LEAST_MEMORY.to_string());
            let path = [key, "requests", "memory"];
            self.complain(&path, PostgresqlProblem::Memory { requested, least });
        }
        if declared.storage.size < LEAST_STORAGE {
            let (size, least) = (declared.storage.size.to_string(), LEAST_STORAGE.to_string());
            self.complain(&[key, "storage", "size"], PostgresqlProblem::Storage { size, least });
        }
    }

    fn check_settings(&mut self, key: &str, declared: &Postgresql) {
        for (name, value) in &declared.settings {
            let name = name.as_ref();
            let problem = if let Some(reason) = settings::owned(name) {
                PostgresqlProblem::Setting { name: name.to_owned(), reason }
            } else if name == "wal_level" && !["replica", "logical"].contains(&value.as_str()) {
                let reason = "replicas need `replica` or `logical`";
                let (name, value) = (name.to_owned(), value.clone());
                PostgresqlProblem::Value { name, value, reason }
            } else if name == "max_connections" && connections(value).is_none() {
                let reason = "it must be a number from 20 to 10000";
                let (name, value) = (name.to_owned(), value.clone());
                PostgresqlProblem::Value { name, value, reason }
            } else {
                continue;
            };
            self.complain(&[key, "settings", name], problem);
        }
    }

    /// Whoever has the password of one role must not have that of another one.
    fn check_secrets(&mut self, key: &str, declared: &Postgresql) {
        let values = [
            ("user", &declared.user),
            ("password", &declared.password),
            ("admin_password", &declared.admin_password),
            ("replication_password", &declared.replication_password),
        ];
        for (position, (second, value)) in values.into_iter().enumerate() {
            let is_same =
                |other: &SecretKey| other.secret == value.secret && other.key == value.key;
            let first = values[..position].iter().find(|(_, other)| is_same(other));
            if let Some((first, _)) = first {
                self.complain(&[key, second], PostgresqlProblem::SharedValue { first, second });
            }
        }
        for (what, SecretKey { secret, .. }) in &values[2..] {
            if declared.provides.secrets.contains(secret) {
                let (key, secret) = (key.to_owned(), secret.clone());
                let path = [key.clone(), (*what).to_owned(), "secret".to_owned()];
                let path = path.each_ref().map(String::as_str);
                self.complain(&path, PostgresqlProblem::PrivilegedValue { key, what, secret });
            }
        }
    }

    fn check_extensions(&mut self, key: &str, declared: &Postgresql) {
        for (position, name) in declared.extensions.iter().enumerate() {
            if declared.extensions[..position].contains(name) {
                let path = [TABLE, key, "extensions", &position.to_string()];
                self.report(&path, MeaningProblem::Twice { name: name.to_string() });
            }
        }
    }

    fn check_pooler(&mut self, key: &str, declared: &Postgresql, pooler: &Pooler) {
        self.check_program(&[TABLE, key, "pooler"], &pooler.program, None);
        let (clients, connections) = (pooler.max_clients, pooler.pool_size);
        if clients < connections {
            let problem = PostgresqlProblem::PoolAboveClients { clients, connections };
            self.complain(&[key, "pooler", "max_clients"], problem);
        }
        let wanted = pooler.replicas.saturating_mul(connections);
        let free = max_connections(declared).saturating_sub(LEFT_FREE);
        if wanted > free {
            let poolers = pooler.replicas;
            let problem = PostgresqlProblem::TooManyConnections { poolers, wanted, free };
            self.complain(&[key, "pooler", "pool_size"], problem);
        }
    }

    /// Reports a problem of the value at `path` below the table of databases.
    fn complain(&mut self, path: &[&str], problem: PostgresqlProblem) {
        self.report(&[&[TABLE], path].concat(), problem);
    }
}

fn max_connections(declared: &Postgresql) -> u32 {
    let mut settings = declared.settings.iter();
    let own = settings.find(|(name, _)| name.as_ref() == "max_connections");
    own.and_then(|(_, value)| connections(value)).unwrap_or(settings::MAX_CONNECTIONS)
}

fn connections(value: &str) -> Option<u32> {
    value.parse().ok().filter(|number| (20..=10_000).contains(number))
}
