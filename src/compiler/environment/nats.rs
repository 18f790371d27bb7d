//! A NATS cluster with JetStream.

use schemars::JsonSchema;
use serde::Deserialize;

use super::program::Program;

/// A NATS cluster with JetStream.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Nats {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
}
