//! A Redis cache.

use schemars::JsonSchema;
use serde::Deserialize;

use super::program::Program;

/// A Redis cache.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Redis {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
}
