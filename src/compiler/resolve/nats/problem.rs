//! What NATS could not run with.

use thiserror::Error;

/// What NATS could not run with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum NatsProblem {
    /// An even number of servers.
    #[error("a cluster of {replicas} survives the loss of no more servers than one of {}", replicas - 1)]
    EvenReplicas {
        /// Number of servers.
        replicas: u32,
    },
    /// A volume that a few streams would fill.
    #[error("storage of {size} is too small for JetStream, which needs {least}")]
    StorageTooSmall {
        /// Size of the volume.
        size: String,
        /// Least size.
        least: String,
    },
    /// Streams in memory that leave nothing for the server itself.
    #[error("`memory_store` is {store}, which is more than half of the memory limit of {limit}")]
    MemoryStoreTooLarge {
        /// Memory for streams.
        store: String,
        /// Memory of the container.
        limit: String,
    },
    /// A message that no server would take.
    #[error("`max_payload` is {size}, but NATS takes {least} to {most}")]
    Payload {
        /// The size.
        size: String,
        /// Least size.
        least: String,
        /// Greatest size.
        most: String,
    },
    /// A cluster whose name is none.
    #[error("the name of the cluster comes out as `{name}`, which is not a word")]
    ClusterName {
        /// The expanded name.
        name: String,
    },
}

impl NatsProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::EvenReplicas { .. } => Some("use 1, 3 or 5".to_owned()),
            Self::ClusterName { .. } => Some("use letters, digits, `-` and `_`".to_owned()),
            _ => None,
        }
    }
}
