//! How much of everything a component gets.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::quantity::{Cpu, Memory};

/// How much of everything a component gets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Capacity {
    /// How many pods.
    pub(crate) replicas: Replicas,
    /// What the scheduler reserves for each pod.
    pub(crate) requests: Resources,
    /// What no pod may exceed.
    pub(crate) limits: Resources,
    /// When pods are added and removed. Required if `replicas.max` is more than `replicas.min`.
    #[serde(default)]
    pub(crate) autoscaling: Option<Autoscaling>,
    /// How many pods a drain of nodes must leave. One pod may always go, else no node could ever be
    /// drained: of two pods at least one is left, and a single one has no `PodDisruptionBudget`.
    /// The default is 0.
    #[serde(default)]
    #[schemars(range(max = 1000))]
    min_available: u32,
}

/// How many pods.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Replicas {
    /// Least number of pods.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) min: u32,
    /// Greatest number of pods. The default is `min`: a fixed number, without an autoscaler.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) max: Option<u32>,
}

impl Replicas {
    /// Returns the greatest number of pods.
    pub(crate) fn most(&self) -> u32 {
        self.max.unwrap_or(self.min)
    }
}

impl Capacity {
    /// Returns how many pods a drain of nodes must leave.
    pub(crate) fn min_available(&self) -> u32 {
        self.min_available.min(self.replicas.min.saturating_sub(1))
    }

    /// Returns when to scale, if the number of pods is not fixed.
    pub(crate) fn autoscaling(&self) -> Option<&Autoscaling> {
        self.autoscaling.as_ref().filter(|_| self.replicas.most() > self.replicas.min)
    }
}

/// An amount of CPU and memory.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Resources {
    /// CPU, such as `250m` (a quarter of a core).
    pub(crate) cpu: Cpu,
    /// Memory, such as `256Mi`.
    pub(crate) memory: Memory,
}

/// When pods are added and removed.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Autoscaling {
    /// Wanted use of the requested CPU, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) cpu: u32,
    /// Wanted use of the requested memory, in percent.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) memory: u32,
    /// How fast pods are added; whichever of `percent` and `pods` is more.
    pub(crate) scale_up: Scaling,
    /// How fast pods are removed; whichever of `percent` and `pods` is less.
    pub(crate) scale_down: Scaling,
}

/// How fast the number of pods changes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Scaling {
    /// How long the need must last, in seconds; 0 for at once.
    #[schemars(range(max = 3600))]
    pub(crate) stabilization_seconds: u32,
    /// Most pods in a period, in percent of those there are.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) percent: u32,
    /// Most pods in a period.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) pods: u32,
    /// Length of a period in seconds.
    #[schemars(range(min = 1, max = 1800))]
    pub(crate) period_seconds: u32,
}
