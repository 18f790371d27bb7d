//! Traces.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{endpoint::Provides, program::Program};

/// Services need it as `jaeger`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Jaeger {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// How many traces it keeps; they are in memory, so a restart forgets them. The default is
    /// 50000.
    #[serde(default = "default_max_traces")]
    #[schemars(range(min = 1, max = 100_000_000))]
    pub(crate) max_traces: u32,
    /// What a service that needs it gets. Placeholders: `{host}`, `{port}` for OTLP by HTTP,
    /// `{grpc_port}` for OTLP by gRPC, and those of `release.notes`.
    #[serde(default)]
    pub(crate) provides: Provides,
}

fn default_max_traces() -> u32 {
    50_000
}
