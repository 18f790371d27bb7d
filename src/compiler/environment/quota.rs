//! What the namespace may hold.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{capacity::Resources, program::resources};

/// It becomes a `ResourceQuota`, worked out from what the environment takes at its most, and a
/// `LimitRange` for pods that others start in the namespace, such as solvers of cert-manager.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Quota {
    /// Room above what is needed while every component is at its most and is being replaced, in
    /// percent. The default is 20.
    #[serde(default = "default_headroom")]
    #[schemars(range(max = 1000))]
    pub(crate) headroom_percent: u32,
    /// What a container that requests nothing gets reserved. The default is 50m CPU and 64Mi memory.
    #[serde(default = "default_requests")]
    pub(crate) default_requests: Resources,
    /// What a container without limits may not exceed. The default is 500m CPU and 256Mi memory.
    #[serde(default = "default_limits")]
    pub(crate) default_limits: Resources,
}

fn default_headroom() -> u32 {
    20
}

fn default_requests() -> Resources {
    resources("50m", "64Mi")
}

fn default_limits() -> Resources {
    resources("500m", "256Mi")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_quantities() {
        assert!(default_requests().cpu < default_limits().cpu);
        assert!(default_requests().memory < default_limits().memory);
    }
}
