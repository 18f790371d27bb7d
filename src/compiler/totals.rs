//! What an environment takes: pods, CPU, memory and storage, at its least and at its most.

use std::{collections::BTreeMap, fmt};

use crate::{
    component::{Component, Controller},
    quantity::{Cpu, Memory},
};

/// What an environment takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// With every component at its least number of pods.
    pub least: Demand,
    /// With every component at its greatest number of pods.
    pub most: Demand,
    /// With every component at its greatest number of pods, and being replaced.
    pub peak: Demand,
    /// Storage, counted once for all copies of the same data.
    pub data: Memory,
}

/// Pods, and what they take together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Number of pods.
    pub pods: u32,
    /// CPU that they request.
    pub cpu: Cpu,
    /// Memory that they request.
    pub memory: Memory,
    /// CPU that they may use.
    pub cpu_limit: Cpu,
    /// Memory that they may use.
    pub memory_limit: Memory,
    /// Number of claims that they have.
    pub claims: u32,
    /// Storage that they claim.
    pub storage: Memory,
}

impl Totals {
    /// Adds up what `components` take.
    pub(crate) fn of(components: &[Component]) -> Self {
        let mut totals = Self::default();
        let mut data: BTreeMap<&str, Memory> = BTreeMap::new();
        for component in components {
            let pod = Demand::of_a_pod(component);
            let (min, max) = (component.replicas.min, component.max_replicas());
            totals.least.add(pod, min);
            totals.most.add(pod, max);
            totals.peak.add(pod, max.saturating_add(surge(component, max)));
            for demand in [&mut totals.least, &mut totals.most, &mut totals.peak] {
                demand.claim(component);
            }
            let whole = component.instance.as_ref().unwrap_or(&component.name);
            let largest = data.entry(whole).or_default();
            let claims = component.claims().iter();
            let size = claims.fold(Memory::default(), |sum, claim| sum.plus(claim.size));
            *largest = size.max(*largest);
        }
        totals.data = data.into_values().fold(Memory::default(), Memory::plus);
        totals
    }
}

/// Returns how many pods there may be above `replicas` while `component` is replaced.
fn surge(component: &Component, replicas: u32) -> u32 {
    match &component.controller {
        Controller::Deployment(rollout) => {
            let surge = AsRef::<str>::as_ref(&rollout.max_surge);
            match surge.strip_suffix('%') {
                // Kubernetes rounds a share up.
                Some(share) => (replicas * share.parse().unwrap_or(0)).div_ceil(100),
                None => surge.parse().unwrap_or(0),
            }
        }
        Controller::StatefulSet { .. } | Controller::CronJob(_) => 0,
    }
}

impl Demand {
    fn of_a_pod(component: &Component) -> Self {
        let mut demand = Self { pods: 1, ..Self::default() };
        for container in &component.pod.containers {
            demand.cpu = demand.cpu.plus(container.requests.cpu);
            demand.memory = demand.memory.plus(container.requests.memory);
            demand.cpu_limit = demand.cpu_limit.plus(container.limits.cpu);
            demand.memory_limit = demand.memory_limit.plus(container.limits.memory);
        }
        demand
    }

    fn add(&mut self, pod: Self, pods: u32) {
        self.pods = self.pods.saturating_add(pods);
        self.cpu = self.cpu.plus(pod.cpu.times(pods));
        self.memory = self.memory.plus(pod.memory.times(pods));
        self.cpu_limit = self.cpu_limit.plus(pod.cpu_limit.times(pods));
        self.memory_limit = self.memory_limit.plus(pod.memory_limit.times(pods));
    }

    /// Adds the claims of `component`: those of each pod, or those that are there between two pods.
    fn claim(&mut self, component: &Component) {
        let copies = match component.controller {
            Controller::CronJob(_) => 1,
            _ => component.max_replicas(),
        };
        for claim in component.claims() {
            self.claims = self.claims.saturating_add(copies);
            self.storage = self.storage.plus(claim.size.times(copies));
        }
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pods, {} CPU, {} memory", self.pods, self.cpu, self.memory)?;
        match self.claims {
            0 => Ok(()),
            claims => write!(f, ", {} storage in {claims} claims", self.storage),
        }
    }
}
