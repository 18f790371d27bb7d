//! How Kubernetes and Prometheus learn how a service does.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::HttpPath;

/// The probes of a service.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Probes {
    /// Restarts the container when it fails.
    pub(crate) liveness: Probe,
    /// Takes the pod out of its Service while it fails.
    pub(crate) readiness: Probe,
    /// Holds the others back until it succeeds once.
    #[serde(default)]
    pub(crate) startup: Option<Probe>,
}

/// A probe by HTTP on the service's port.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Probe {
    /// Path; any status from 200 to 399 is a success.
    pub(crate) path: HttpPath,
    /// Time between two probes, in seconds. The default is 10.
    #[serde(default = "default_period")]
    #[schemars(range(min = 1, max = 3600))]
    pub(crate) period_seconds: u32,
    /// Time until a probe without an answer has failed, in seconds. The default is 3.
    #[serde(default = "default_timeout")]
    #[schemars(range(min = 1, max = 3600))]
    pub(crate) timeout_seconds: u32,
    /// Number of failures in a row that count. The default is 3.
    #[serde(default = "default_threshold")]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) failure_threshold: u32,
}

/// Where a service tells its metrics.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Metrics {
    /// Path in the Prometheus format.
    pub(crate) path: HttpPath,
    /// Port, if it is not the service's own.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(crate) port: Option<u16>,
    /// Whether everyone who reaches the service from outside may read them. Without it, an edge
    /// that leads to them is refused; give them a `port` of their own.
    #[serde(default)]
    pub(crate) public: bool,
}

fn default_period() -> u32 {
    10
}

fn default_timeout() -> u32 {
    3
}

fn default_threshold() -> u32 {
    3
}
