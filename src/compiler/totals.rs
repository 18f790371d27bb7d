//! What an environment takes: pods, CPU, memory and storage, at its least and at its most.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::{
    closure::Pods,
    member::Member,
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
    /// Adds up what the objects of a release take, whoever described them.
    pub(crate) fn of(members: &[Member]) -> Self {
        let mut totals = Self::default();
        let mut data: BTreeMap<String, Memory> = BTreeMap::new();
        for member in members {
            let number = Number::of(member, members);
            if let Some(pod) = Demand::of_a_pod(member) {
                totals.least.add(pod, number.min);
                totals.most.add(pod, number.max);
                totals.peak.add(pod, number.max.saturating_add(number.surge));
            }
            for size in claims(member) {
                for demand in [&mut totals.least, &mut totals.most, &mut totals.peak] {
                    demand.claims = demand.claims.saturating_add(number.claims);
                    demand.storage = demand.storage.plus(size.times(number.claims));
                }
                let largest = data.entry(whole(member).to_owned()).or_default();
                *largest = size.max(*largest);
            }
        }
        totals.data = data.into_values().fold(Memory::default(), Memory::plus);
        totals
    }
}

/// How many there are of the pods of one object, and of its claims.
#[derive(Default)]
struct Number {
    min: u32,
    max: u32,
    /// How many pods there may be above that while they are replaced.
    surge: u32,
    claims: u32,
}

impl Number {
    fn of(member: &Member, members: &[Member]) -> Self {
        let spec = &member.manifest["spec"];
        let fixed = number(&spec["replicas"]).unwrap_or(1);
        match member.kind() {
            "Deployment" | "StatefulSet" | "ReplicaSet" => {
                let scaler = members.iter().find(|other| scales(other, member));
                let numbers = scaler.map(|scaler| {
                    let range = &scaler.manifest["spec"];
                    let min = number(&range["minReplicas"]).unwrap_or(1);
                    (min, number(&range["maxReplicas"]).unwrap_or(min))
                });
                let (min, max) = numbers.unwrap_or((fixed, fixed));
                Self { min, max, surge: surge(member, max), claims: max }
            }
            // How many nodes there are, the site knows: one is counted.
            "DaemonSet" | "Pod" => Self { min: 1, max: 1, ..Self::default() },
            // They come and go.
            "Job" | "CronJob" => Self { max: 1, ..Self::default() },
            _ => Self { claims: 1, ..Self::default() },
        }
    }
}

fn number(value: &Value) -> Option<u32> {
    u32::try_from(value.as_u64()?).ok()
}

/// Returns whether `scaler` is an autoscaler of `member`.
fn scales(scaler: &Member, member: &Member) -> bool {
    let target = &scaler.manifest["spec"]["scaleTargetRef"];
    scaler.kind() == "HorizontalPodAutoscaler"
        && scaler.namespace() == member.namespace()
        && target["kind"] == member.kind()
        && target["name"] == member.name()
}

/// Returns how many pods there may be above `replicas` while those of a Deployment are replaced.
fn surge(member: &Member, replicas: u32) -> u32 {
    if member.kind() != "Deployment" {
        return 0;
    }
    let surge = &member.manifest["spec"]["strategy"]["rollingUpdate"]["maxSurge"];
    let share = surge.as_str().and_then(|text| text.strip_suffix('%')?.parse::<u32>().ok());
    // Without a word it is a quarter. Kubernetes rounds a share up.
    let of_share = |share: u32| replicas.saturating_mul(share).div_ceil(100);
    number(surge).unwrap_or_else(|| of_share(share.unwrap_or(25)))
}

/// Returns the sizes of the claims that `member` makes, one for each copy.
fn claims(member: &Member) -> Vec<Memory> {
    let spec = &member.manifest["spec"];
    let size = |claim: &Value| amount(&claim["resources"]["requests"]["storage"]);
    match member.kind() {
        "PersistentVolumeClaim" => vec![size(spec)],
        "StatefulSet" => {
            let templates = spec["volumeClaimTemplates"].as_array().into_iter().flatten();
            templates.map(|template| size(&template["spec"])).collect()
        }
        _ => Vec::new(),
    }
}

/// Returns the name of the whole of which `member` keeps data.
fn whole(member: &Member) -> &str {
    let label = &member.labels()["app.kubernetes.io/instance"];
    label.as_str().unwrap_or(member.name())
}

/// Returns an amount; nothing if it is none, which the API server refuses.
fn amount<T: TryFrom<String> + Default>(value: &Value) -> T {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    T::try_from(text).unwrap_or_default()
}

impl Demand {
    /// Returns what a pod of `member` takes, if it has pods.
    fn of_a_pod(member: &Member) -> Option<Self> {
        let pods = Pods::of(member)?;
        let mut demand = Self { pods: 1, ..Self::default() };
        for container in pods.containers() {
            let resources = &container.value["resources"];
            let (requests, limits) = (&resources["requests"], &resources["limits"]);
            demand.cpu = demand.cpu.plus(amount(&requests["cpu"]));
            demand.memory = demand.memory.plus(amount(&requests["memory"]));
            demand.cpu_limit = demand.cpu_limit.plus(amount(&limits["cpu"]));
            demand.memory_limit = demand.memory_limit.plus(amount(&limits["memory"]));
        }
        Some(demand)
    }

    fn add(&mut self, pod: Self, pods: u32) {
        self.pods = self.pods.saturating_add(pods);
        self.cpu = self.cpu.plus(pod.cpu.times(pods));
        self.memory = self.memory.plus(pod.memory.times(pods));
        self.cpu_limit = self.cpu_limit.plus(pod.cpu_limit.times(pods));
        self.memory_limit = self.memory_limit.plus(pod.memory_limit.times(pods));
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
