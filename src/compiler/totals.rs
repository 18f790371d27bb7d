//! What an environment takes: pods, CPU and memory, at its least and at its most.

use std::fmt;

use crate::{
    component::Component,
    model::Model,
    quantity::{Cpu, Memory},
};

/// What an environment takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// With every component at its least number of pods.
    pub least: Demand,
    /// With every component at its greatest number of pods.
    pub most: Demand,
}

/// Pods, and what they request together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// Number of pods.
    pub pods: u32,
    /// CPU that they request.
    pub cpu: Cpu,
    /// Memory that they request.
    pub memory: Memory,
}

impl Totals {
    pub(crate) fn of(model: &Model) -> Self {
        let mut totals = Self::default();
        for component in &model.components {
            let (cpu, memory) = requests(component);
            totals.least.add(component.replicas.min, cpu, memory);
            totals.most.add(component.max_replicas(), cpu, memory);
        }
        totals
    }
}

/// Returns what a pod of `component` requests.
fn requests(component: &Component) -> (Cpu, Memory) {
    let containers = component.pod.containers.iter();
    containers.fold((Cpu::default(), Memory::default()), |(cpu, memory), container| {
        (cpu.plus(container.requests.cpu), memory.plus(container.requests.memory))
    })
}

impl Demand {
    fn add(&mut self, pods: u32, cpu: Cpu, memory: Memory) {
        self.pods = self.pods.saturating_add(pods);
        self.cpu = self.cpu.plus(cpu.times(pods));
        self.memory = self.memory.plus(memory.times(pods));
    }
}

impl fmt::Display for Demand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} pods, {} CPU, {} memory", self.pods, self.cpu, self.memory)
    }
}
