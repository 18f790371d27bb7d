//! A PostgreSQL database.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    capacity::Resources,
    endpoint::Provides,
    program::{Exporter, Program, SecretKey, Storage, resources},
};
use crate::{
    image::ImageReference,
    template::Template,
    text::{ExtensionName, Schedule, SettingName},
};

/// A PostgreSQL database: a primary, and replicas that follow it and answer queries.
///
/// Its image must have PostgreSQL 15 or later with its programs in the search path, and a user 999
/// called `postgres`, as Docker's official image for Debian has. What is declared here is brought
/// about at each start of the primary: a password that changed counts from then on. Nothing is ever
/// dropped: not a database, a user or an extension that is not declared any more.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Postgresql {
    /// How its servers run, the primary and each replica.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// How many replicas follow the primary. The default is 0.
    #[serde(default)]
    #[schemars(range(max = 10))]
    pub(crate) replicas: u32,
    /// Where each server keeps its data.
    pub(crate) storage: Storage,
    /// Name of the database; the placeholder `{database}` of `provides`. Placeholders: those of
    /// `release.notes`.
    pub(crate) database: Template,
    /// Name of the user that owns the database.
    pub(crate) user: SecretKey,
    /// Password of that user.
    pub(crate) password: SecretKey,
    /// Password of the administrator, `postgres`.
    pub(crate) admin_password: SecretKey,
    /// Password with which replicas follow the primary, as `replicator`.
    pub(crate) replication_password: SecretKey,
    /// Extensions of the database. The image must have them.
    #[serde(default)]
    pub(crate) extensions: Vec<ExtensionName>,
    /// Settings of the servers by name, as in `postgresql.conf`. The memory and the storage that a
    /// server has decide the defaults of those that depend on it.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "postgresql-setting"}))]
    pub(crate) settings: BTreeMap<SettingName, String>,
    /// Tells the metrics of each server. It connects without a password, as `exporter`, and may
    /// only read statistics.
    #[serde(default)]
    pub(crate) exporter: Option<Exporter>,
    /// Shares few connections to the primary among many clients. With it, `{host}` is the pooler.
    #[serde(default)]
    pub(crate) pooler: Option<Pooler>,
    /// Dumps the database at times. Without it there is no backup.
    #[serde(default)]
    pub(crate) backup: Option<Backup>,
    /// What a service that needs the database gets. Placeholders: `{host}` and `{port}` of the
    /// pooler, or of the primary if there is none; `{read_host}` of the replicas, or else the same
    /// as `{host}`; `{primary_host}`, to which the network lets clients through if it stands here;
    /// `{database}`, `{name}`, and those of `release.notes`. The port is the same everywhere.
    #[serde(default)]
    pub(crate) provides: Provides,
    /// Time to stop, in seconds. The default is 60.
    #[serde(default = "default_grace")]
    #[schemars(range(min = 10, max = 3600))]
    pub(crate) termination_grace_period_seconds: u32,
}

/// Shares few connections to the primary among many clients: PgBouncer, 1.21 or later if clients
/// prepare statements.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Pooler {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// How many of it. The default is 2.
    #[serde(default = "default_poolers")]
    #[schemars(range(min = 1, max = 20))]
    pub(crate) replicas: u32,
    /// How long a client keeps its connection to the primary. The default is `transaction`.
    #[serde(default)]
    pub(crate) pool_mode: PoolMode,
    /// Most connections of each pooler to the primary. The default is 20.
    #[serde(default = "default_pool_size")]
    #[schemars(range(min = 1, max = 10000))]
    pub(crate) pool_size: u32,
    /// Most clients of each pooler. The default is 1000.
    #[serde(default = "default_max_clients")]
    #[schemars(range(min = 1, max = 100_000))]
    pub(crate) max_clients: u32,
}

/// How long a client of the pooler keeps its connection to the primary.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum PoolMode {
    /// As long as it is connected.
    Session,
    /// For a transaction. What belongs to a session, such as `LISTEN` or a lock of it, cannot be
    /// used.
    #[default]
    Transaction,
    /// For a statement; there are no transactions of several.
    Statement,
}

impl PoolMode {
    /// Returns the name that PgBouncer uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Transaction => "transaction",
            Self::Statement => "statement",
        }
    }
}

/// Dumps the database at times, into files of a volume of their own. Neither deleting a release nor
/// going back to another deletes them.
///
/// With an `exporter`, the alert `PostgresqlBackupMissing` comes when the last one that was completed
/// began longer ago than `schedule` and `deadline_seconds` allow.
/// It needs `postgres_exporter` 0.16 or later.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Backup {
    /// When, in UTC, as cron writes it, such as `15 2 * * *`.
    pub(crate) schedule: Schedule,
    /// How many dumps are kept: the newest. The default is 7.
    #[serde(default = "default_keep")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) keep: u32,
    /// Where they are kept. It must hold one dump more than are kept.
    pub(crate) storage: Storage,
    /// Image with `pg_dump` of the same version, or a later one. The default is the database's.
    #[serde(default)]
    pub(crate) image: Option<ImageReference>,
    /// What is reserved for it. The default is 100m CPU and 128Mi memory.
    #[serde(default = "default_requests")]
    pub(crate) requests: Resources,
    /// What it may not exceed. The default is 1 CPU and 512Mi memory.
    #[serde(default = "default_limits")]
    pub(crate) limits: Resources,
    /// Time after which a dump that is not done has failed, in seconds. The default is 14400.
    #[serde(default = "default_deadline")]
    #[schemars(range(min = 60, max = 86400))]
    pub(crate) deadline_seconds: u32,
}

fn default_grace() -> u32 {
    60
}

fn default_poolers() -> u32 {
    2
}

fn default_pool_size() -> u32 {
    20
}

fn default_max_clients() -> u32 {
    1000
}

fn default_keep() -> u32 {
    7
}

fn default_requests() -> Resources {
    resources("100m", "128Mi")
}

fn default_limits() -> Resources {
    resources("1", "512Mi")
}

fn default_deadline() -> u32 {
    14_400
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_quantities() {
        assert_eq!(default_requests().cpu.to_string(), "100m");
        assert_eq!(default_limits().memory.to_string(), "512Mi");
    }
}
