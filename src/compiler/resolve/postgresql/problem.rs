//! What makes no sense in a PostgreSQL database.

use thiserror::Error;

/// What makes no sense in a PostgreSQL database.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum PostgresqlProblem {
    /// A name that would need quotes everywhere, or that has a meaning of its own.
    #[error("the database comes out as `{name}`, which cannot be its name")]
    Database {
        /// The expanded name.
        name: String,
    },
    /// A setting that would contradict how the servers are run.
    #[error("`{name}` cannot be set: {reason}")]
    Setting {
        /// Name of the setting.
        name: String,
        /// Why it is not free.
        reason: &'static str,
    },
    /// A value that would contradict how the servers are run.
    #[error("`{name}` cannot be `{value}`: {reason}")]
    Value {
        /// Name of the setting.
        name: String,
        /// Its value.
        value: String,
        /// Why it may not have it.
        reason: &'static str,
    },
    /// One password for two roles.
    #[error("`{first}` and `{second}` are the same value of the same secret")]
    SharedValue {
        /// Key of one.
        first: &'static str,
        /// Key of the other.
        second: &'static str,
    },
    /// A password that would be given to those who must not have it.
    #[error("every service that needs `{key}` would get its `{what}`: it is in secret `{secret}`")]
    PrivilegedValue {
        /// Key of the database.
        key: String,
        /// Key of what they must not have.
        what: &'static str,
        /// The secret.
        secret: String,
    },
    /// Poolers that may open more connections than the primary takes.
    #[error(
        "{poolers} poolers may open {wanted} connections, but {free} of `max_connections` are free \
         for them"
    )]
    TooManyConnections {
        /// Number of poolers.
        poolers: u32,
        /// What they may open together.
        wanted: u32,
        /// What there is for them.
        free: u32,
    },
    /// A pool that could never be used up.
    #[error("`max_clients` is {clients}, less than `pool_size`, which is {connections}")]
    PoolAboveClients {
        /// Most clients.
        clients: u32,
        /// Most connections.
        connections: u32,
    },
    /// A volume on which even an empty database has no room.
    #[error("`storage.size` is {size}, but a server needs at least {least}")]
    Storage {
        /// What it would get.
        size: String,
        /// What it needs.
        least: String,
    },
    /// Memory in which the server cannot start.
    #[error("requests {requested} of memory, but a server needs at least {least}")]
    Memory {
        /// What it would get.
        requested: String,
        /// What it needs.
        least: String,
    },
}

impl PostgresqlProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        let help = match self {
            Self::Database { .. } => {
                "use a-z, 0-9 and `_`, no digit first, at most 63 characters, and none of `all`, \
                 `pgbouncer`, `postgres`, `replication`, `template0`, `template1`"
            }
            Self::Setting { .. } => "remove it",
            Self::SharedValue { .. } => "give each a key of its own in `[secrets]`",
            Self::PrivilegedValue { .. } => "put it into a secret that `provides` does not name",
            Self::TooManyConnections { .. } => {
                "raise `settings.max_connections`, or lower `pool_size`"
            }
            _ => return None,
        };
        Some(help.to_owned())
    }
}
