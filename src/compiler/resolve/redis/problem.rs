//! What Redis could not run with, or would lose data with.

use thiserror::Error;

/// What Redis could not run with, or would lose data with.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum RedisProblem {
    /// Data without a place.
    #[error("`persistence = \"{persistence}\"` needs `storage`")]
    NoStorage {
        /// What is to outlive a pod.
        persistence: &'static str,
    },
    /// A volume that would be full while the data is written anew.
    #[error("storage of {size} is too small for {memory} of data, which needs {least}")]
    StorageTooSmall {
        /// Size of the volume.
        size: String,
        /// Memory for data.
        memory: String,
        /// Least size.
        least: String,
    },
    /// Replicas that a restarted master would empty.
    #[error("`replicas` are emptied by a master that restarts with `persistence = \"none\"`")]
    ReplicasOfNothing,
    /// A directive that another key stands for.
    #[error("`{name}` is not a setting: {owner} says it")]
    OwnedSetting {
        /// Name of the directive.
        name: String,
        /// Who says it, in words.
        owner: &'static str,
    },
    /// A name that no directive has.
    #[error("`{name}` cannot name a directive of Redis")]
    NotADirective {
        /// The name.
        name: String,
    },
    /// A value that would be more than its directive.
    #[error("the value of `{name}` is more than one line")]
    SeveralLines {
        /// Name of the directive.
        name: String,
    },
}

impl RedisProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::NoStorage { .. } => {
                Some("say what each pod gets, or set `persistence = \"none\"`".to_owned())
            }
            Self::StorageTooSmall { .. } => {
                Some("the data is there several times while a file is written anew".to_owned())
            }
            Self::ReplicasOfNothing => Some("use `aof` or `rdb`, or no replicas".to_owned()),
            Self::OwnedSetting { .. } => Some("remove it here".to_owned()),
            Self::NotADirective { .. } => Some("use a-z, 0-9 and `-`".to_owned()),
            _ => None,
        }
    }
}
