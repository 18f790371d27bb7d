//! The release's own Prometheus.

use schemars::JsonSchema;
use serde::Deserialize;

use super::program::{Program, Storage};

/// It finds pods by DNS, so it needs no rights in the cluster. How often it scrapes, and which
/// alerts come of it, stands in `[monitoring]`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Prometheus {
    /// How it runs.
    #[serde(flatten)]
    pub(crate) program: Program,
    /// Where it keeps what it scraped.
    pub(crate) storage: Storage,
    /// How long it keeps that, in days. It also forgets the oldest before the volume is full. The
    /// default is 15.
    #[serde(default = "default_retention")]
    #[schemars(range(min = 1, max = 3650))]
    pub(crate) retention_days: u32,
    /// Endpoints with `metrics` that it also scrapes, such as cert-manager's controller. From
    /// version 3 on, Prometheus takes metrics only with the `Content-Type` of one of its formats,
    /// which every client library gives them.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
}

fn default_retention() -> u32 {
    15
}
