//! A NATS cluster with JetStream.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    endpoint::Provides,
    program::{Exporter, Program, SecretKey, Storage},
};
use crate::{quantity::Memory, template::Template};

/// A NATS cluster with JetStream: messages are kept in files, and streams survive the loss of
/// servers.
///
/// The image must have a POSIX shell, as the `-alpine` ones of NATS have. Placeholders of
/// `provides` are `{host}` and `{port}`, where clients connect; `{name}`, which is the key of this
/// table; `{cluster}`; and those of `release.notes`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Nats {
    /// How each server runs.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// Number of servers: 1, 3 or 5. An even number survives no more failures than one less. The
    /// default is 3. A single server that becomes one of a cluster throws away what it has stored:
    /// save its streams before.
    #[serde(default = "default_replicas")]
    #[schemars(range(min = 1, max = 5))]
    pub(crate) replicas: u32,
    /// Where each server keeps messages. JetStream takes nine tenths of it.
    pub(crate) storage: Storage,
    /// Memory of each server for streams that are kept in memory only. The default is 0: there are
    /// none.
    #[serde(default)]
    pub(crate) memory_store: Memory,
    /// Greatest size of a message, at most `64Mi`. The default is that of NATS, 1 MiB.
    #[serde(default)]
    pub(crate) max_payload: Option<Memory>,
    /// Name of the cluster; the placeholders are `{name}` and those of `release.notes`. The default
    /// is `{app}-{name}`.
    #[serde(default = "default_cluster")]
    pub(crate) cluster: Template,
    /// Name of the user that clients, and the servers among each other, log in as.
    pub(crate) user: SecretKey,
    /// Password of the user.
    pub(crate) password: SecretKey,
    /// Tells the metrics of each server. Without it, there are none.
    #[serde(default)]
    pub(crate) exporter: Option<Exporter>,
    /// What a service that needs it gets.
    #[serde(default)]
    pub(crate) provides: Provides,
}

fn default_replicas() -> u32 {
    3
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_cluster() -> Template {
    Template::parse("{app}-{name}").expect("a template")
}
