//! A Redis master and its replicas.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    endpoint::Provides,
    program::{Exporter, Program, SecretKey, Storage},
};

/// A Redis master, to which everything is written, and replicas, from which can be read.
///
/// The image is one of Redis 7 or later, or of Valkey; it must have a POSIX shell. Placeholders of
/// `provides` are `{host}` and `{port}`, where the master is; `{read_host}`, where can be read,
/// which is the master again if there are no replicas; `{name}`, which is the key of this table;
/// and those of `release.notes`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Redis {
    /// How the master and each replica run.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// Number of replicas. The default is 0. None of them ever becomes master: a lost master comes
    /// back with its data.
    #[serde(default)]
    #[schemars(range(max = 100))]
    pub(crate) replicas: u32,
    /// What outlives a pod. The default is `aof`.
    #[serde(default)]
    pub(crate) persistence: Persistence,
    /// Where the master and each replica keep their data. Required unless `persistence` is `none`,
    /// and without a meaning then.
    #[serde(default)]
    pub(crate) storage: Option<Storage>,
    /// How much of `limits.memory` is for data, in percent. The default is 75: the rest is for
    /// connections, and for what changes while a copy is written.
    #[serde(default = "default_percent")]
    #[schemars(range(min = 10, max = 90))]
    pub(crate) max_memory_percent: u32,
    /// What happens to a write when that is full. The default is `noeviction`: it fails, and nothing
    /// is lost unnoticed. What is nothing but a cache wants `allkeys-lru` or `allkeys-lfu`.
    #[serde(default)]
    pub(crate) max_memory_policy: MaxMemoryPolicy,
    /// The password of clients and replicas.
    pub(crate) password: SecretKey,
    /// More directives of `redis.conf`, such as `timeout = "300"`. Those that other keys stand for
    /// are refused.
    #[serde(default)]
    pub(crate) settings: BTreeMap<String, String>,
    /// Tells the metrics of the master and of each replica. Without it, there are none.
    #[serde(default)]
    pub(crate) exporter: Option<Exporter>,
    /// What a service that needs it gets.
    #[serde(default)]
    pub(crate) provides: Provides,
}

/// What outlives a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Persistence {
    /// Every write but those of the last second, in an append-only file.
    #[default]
    Aof,
    /// What was there at the last snapshot: after 60 seconds with 10,000 writes, after 5 minutes
    /// with 100, after an hour with one, and at an orderly stop.
    Rdb,
    /// Nothing.
    None,
}

/// What happens to a write when there is no more memory; the names are those of Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum MaxMemoryPolicy {
    /// It fails.
    #[default]
    Noeviction,
    /// What was not used for the longest time goes.
    AllkeysLru,
    /// What is used least often goes.
    AllkeysLfu,
    /// Anything goes.
    AllkeysRandom,
    /// As `allkeys-lru`, but only what has a time to live.
    VolatileLru,
    /// As `allkeys-lfu`, but only what has a time to live.
    VolatileLfu,
    /// As `allkeys-random`, but only what has a time to live.
    VolatileRandom,
    /// What has the shortest time to live goes.
    VolatileTtl,
}

impl MaxMemoryPolicy {
    /// Returns the name that Redis uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Noeviction => "noeviction",
            Self::AllkeysLru => "allkeys-lru",
            Self::AllkeysLfu => "allkeys-lfu",
            Self::AllkeysRandom => "allkeys-random",
            Self::VolatileLru => "volatile-lru",
            Self::VolatileLfu => "volatile-lfu",
            Self::VolatileRandom => "volatile-random",
            Self::VolatileTtl => "volatile-ttl",
        }
    }
}

fn default_percent() -> u32 {
    75
}
