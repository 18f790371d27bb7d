//! What the programs that the compiler knows how to run have in common.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{capacity::Resources, pod::Toleration, service::default_spread};
use crate::{
    image::ImageReference,
    quantity::{Cpu, Memory},
    text::{DnsLabel, EnvName, LabelKey},
};

/// How a program that the compiler knows runs: its image, and what each of its pods gets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Program {
    /// Image with registry and tag. The lockfile has its digest, and pods run that.
    pub(crate) image: ImageReference,
    /// What the scheduler reserves for each pod.
    pub(crate) requests: Resources,
    /// What no pod may exceed.
    pub(crate) limits: Resources,
    /// Node labels over whose values its pods are spread, as far as possible. The default is hosts
    /// and zones.
    #[serde(default = "default_spread")]
    #[schemars(extend("items" = {"type": "string", "format": "label-key"}))]
    pub(crate) spread: Vec<LabelKey>,
    /// Taints of nodes that its pods tolerate. The default is none.
    #[serde(default)]
    pub(crate) tolerations: Vec<Toleration>,
}

/// Where a program keeps its data: a claim for each pod, which outlives everything. Neither
/// deleting a release nor going back to another deletes data.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Storage {
    /// What each pod gets, such as `50Gi`. It can grow with a release, and never shrink.
    pub(crate) size: Memory,
    /// Storage class. The default is that of the cluster.
    #[serde(default)]
    pub(crate) class: Option<DnsLabel>,
}

/// A program beside another in its pod, that tells its metrics to Prometheus.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Exporter {
    /// Image with registry and tag.
    pub(crate) image: ImageReference,
    /// What is reserved for it. The default is 25m CPU and 32Mi memory.
    #[serde(default = "default_requests")]
    pub(crate) requests: Resources,
    /// What it may not exceed. The default is 200m CPU and 128Mi memory.
    #[serde(default = "default_limits")]
    pub(crate) limits: Resources,
}

/// One value of a secret.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct SecretKey {
    /// Name of the secret in `[secrets]`.
    pub(crate) secret: String,
    /// One of its keys.
    pub(crate) key: EnvName,
}

fn default_requests() -> Resources {
    resources("25m", "32Mi")
}

fn default_limits() -> Resources {
    resources("200m", "128Mi")
}

/// Makes resources of constants, for defaults.
#[expect(clippy::expect_used, reason = "constants, and tested")]
pub(super) fn resources(cpu: &str, memory: &str) -> Resources {
    Resources {
        cpu: Cpu::try_from(cpu.to_owned()).expect("a CPU quantity"),
        memory: Memory::try_from(memory.to_owned()).expect("a memory quantity"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_are_quantities() {
        assert_eq!(default_requests().cpu.to_string(), "25m");
        assert_eq!(default_limits().memory.to_string(), "128Mi");
    }
}
