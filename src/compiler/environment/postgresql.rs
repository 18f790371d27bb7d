//! A PostgreSQL database.

use schemars::JsonSchema;
use serde::Deserialize;

use super::program::Program;

/// A PostgreSQL database.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Postgresql {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
}
