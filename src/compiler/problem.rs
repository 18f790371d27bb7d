//! Everything that can be wrong with a source.

use thiserror::Error;

use crate::{
    closure::ClosureProblem,
    layers::LayerProblem,
    lockfile::LockProblem,
    manifests::ManifestProblem,
    resolve::{
        EdgeProblem, MeaningProblem, NatsProblem, PostgresqlProblem, RedisProblem, SecretProblem,
    },
    schema::SchemaProblem,
    yaml::YamlProblem,
};

/// What is wrong at a place of the source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum Problem {
    /// The file is not TOML.
    #[error("{message}")]
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// Keys, types or texts are not as the schema has them.
    #[error(transparent)]
    Schema(#[from] SchemaProblem),
    /// The files do not fit as layers.
    #[error(transparent)]
    Layer(#[from] LayerProblem),
    /// The lockfile does not fit the environment.
    #[error(transparent)]
    Lock(#[from] LockProblem),
    /// Every part is well-formed, but together they make no sense.
    #[error(transparent)]
    Meaning(#[from] MeaningProblem),
    /// The edge makes no sense.
    #[error(transparent)]
    Edge(#[from] EdgeProblem),
    /// The secrets make no sense.
    #[error(transparent)]
    Secret(#[from] SecretProblem),
    /// PostgreSQL could not run like that.
    #[error(transparent)]
    Postgresql(#[from] PostgresqlProblem),
    /// NATS could not run like that.
    #[error(transparent)]
    Nats(#[from] NatsProblem),
    /// Redis could not run like that.
    #[error(transparent)]
    Redis(#[from] RedisProblem),
    /// A file of the team's own objects is not YAML that everybody reads alike.
    #[error(transparent)]
    Yaml(#[from] YamlProblem),
    /// Something is wrong with the team's own objects, or with a patch.
    #[error(transparent)]
    Manifest(#[from] ManifestProblem),
    /// An object would hurt later.
    #[error(transparent)]
    Closure(#[from] ClosureProblem),
    /// The bundle format refuses what was rendered.
    #[error("the environment makes no release: {reason}")]
    Release {
        /// What the format says.
        reason: String,
    },
}

impl Problem {
    /// Returns what to do about it, where that is not evident.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Schema(problem) => problem.help(),
            Self::Layer(problem) => problem.help(),
            Self::Lock(problem) => problem.help(),
            Self::Meaning(problem) => problem.help(),
            Self::Edge(problem) => problem.help(),
            Self::Secret(problem) => problem.help(),
            Self::Postgresql(problem) => problem.help(),
            Self::Nats(problem) => problem.help(),
            Self::Redis(problem) => problem.help(),
            Self::Yaml(problem) => problem.help(),
            Self::Manifest(problem) => problem.help(),
            Self::Closure(problem) => problem.help(),
            Self::Syntax { .. } | Self::Release { .. } => None,
        }
    }
}
