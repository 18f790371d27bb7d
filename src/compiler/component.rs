//! What runs, whatever it is: a set of equal pods, how they are kept, and how others reach them.
//!
//! A service of the environment is a component, and so is the primary of a database. Everything
//! below is resolved: names are Kubernetes names, images have digests.

use std::collections::BTreeMap;

use crate::{
    environment::{
        capacity::{Autoscaling, Replicas, Resources},
        pod::{PodField, Rollout, Toleration},
    },
    quantity::Memory,
};

/// A set of equal pods.
pub(crate) struct Component {
    /// Name of its Kubernetes objects.
    pub(crate) name: String,
    /// What it is to the others.
    pub(crate) role: Role,
    /// Name of the whole that it is a part of, such as a database of which it is the primary; pods
    /// of one whole keep apart.
    pub(crate) instance: Option<String>,
    /// What keeps its pods.
    pub(crate) controller: Controller,
    /// How many pods.
    pub(crate) replicas: Replicas,
    /// When pods are added and removed, if the number is not fixed.
    pub(crate) autoscaling: Option<Autoscaling>,
    /// How many pods a drain of nodes must leave.
    pub(crate) min_available: u32,
    /// Its pods.
    pub(crate) pod: Pod,
    /// Names under which others reach it.
    pub(crate) services: Vec<Service>,
    /// Where it tells its metrics.
    pub(crate) metrics: Option<Metrics>,
    /// Path prefix under which it is reachable from outside.
    pub(crate) route: Option<String>,
    /// Files that are mounted into its containers, by the name of their volume.
    pub(crate) files: BTreeMap<String, BTreeMap<String, String>>,
}

/// What a component is to the others: the label `app.kubernetes.io/component`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Service,
    Database,
    Messaging,
    Cache,
    Monitoring,
    Tracing,
}

impl Role {
    /// Returns the label's value.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Database => "database",
            Self::Messaging => "messaging",
            Self::Cache => "cache",
            Self::Monitoring => "monitoring",
            Self::Tracing => "tracing",
        }
    }
}

/// What keeps the pods of a component.
pub(crate) enum Controller {
    /// Pods that can replace each other: a Deployment.
    Deployment(Rollout),
    /// Pods with a name and a volume each: a `StatefulSet`.
    StatefulSet {
        /// Name of the headless Service that gives each pod a name.
        service: String,
        /// Volumes that each pod has for itself, and that outlive it.
        claims: Vec<Claim>,
    },
    /// A pod that comes at its time, does its work and ends: a `CronJob`.
    CronJob(CronJob),
}

/// When a pod comes, and how long it may take.
pub(crate) struct CronJob {
    /// Times in UTC, as cron writes them.
    pub(crate) schedule: String,
    /// The longest time between two of them, in seconds.
    pub(crate) longest_gap_seconds: u64,
    /// Time after which work that is not done has failed, in seconds.
    pub(crate) deadline_seconds: u32,
    /// Volumes that each of its pods finds as the one before left them.
    pub(crate) claims: Vec<Claim>,
}

/// A volume that outlives its pod.
pub(crate) struct Claim {
    /// Name of the volume.
    pub(crate) volume: String,
    /// What it holds.
    pub(crate) size: Memory,
    /// Storage class; the cluster's default if there is none.
    pub(crate) class: Option<String>,
}

/// The pods of a component.
pub(crate) struct Pod {
    /// User, group and group of files.
    pub(crate) user: u32,
    /// What runs in them; the first is the one that they are about.
    pub(crate) containers: Vec<Container>,
    /// What the containers mount, but for claims.
    pub(crate) volumes: Vec<Volume>,
    /// Node labels over whose values pods are spread.
    pub(crate) spread: Vec<String>,
    /// Taints of nodes that they tolerate.
    pub(crate) tolerations: Vec<Toleration>,
    /// Priority class, if it is not the cluster's default.
    pub(crate) priority: Option<String>,
    /// Time to stop, in seconds.
    pub(crate) grace_seconds: u32,
}

/// A container.
pub(crate) struct Container {
    pub(crate) name: String,
    /// Image by digest.
    pub(crate) image: String,
    /// Command; empty for the image's own.
    pub(crate) command: Vec<String>,
    /// Arguments of the command.
    pub(crate) args: Vec<String>,
    /// Ports by name.
    pub(crate) ports: Vec<(String, u16)>,
    /// Environment variables by name.
    pub(crate) variables: BTreeMap<String, Variable>,
    /// Whether it also has the settings of the environment as variables.
    pub(crate) has_settings: bool,
    /// What is reserved for it.
    pub(crate) requests: Resources,
    /// What it may not exceed.
    pub(crate) limits: Resources,
    /// Restarts it when it fails.
    pub(crate) liveness: Probe,
    /// Takes the pod out of its Services while it fails.
    pub(crate) readiness: Probe,
    /// Holds the others back until it succeeds once.
    pub(crate) startup: Option<Probe>,
    /// What happens before it is told to stop.
    pub(crate) pre_stop: Option<PreStop>,
    /// Where volumes are in it.
    pub(crate) mounts: Vec<Mount>,
}

/// A probe, with every number.
#[derive(Clone)]
pub(crate) struct Probe {
    pub(crate) check: Check,
    pub(crate) period_seconds: u32,
    pub(crate) timeout_seconds: u32,
    pub(crate) failure_threshold: u32,
}

/// What a probe does.
#[derive(Clone)]
pub(crate) enum Check {
    /// Asks for a path on a port, by its name.
    Http { path: String, port: String },
    /// Connects to a port, by its name.
    Tcp { port: String },
    /// Runs a command in the container.
    Exec(Vec<String>),
}

/// What happens before a container is told to stop.
pub(crate) enum PreStop {
    /// It goes on for some seconds.
    Sleep(u32),
    /// A command runs in it.
    Exec(Vec<String>),
}

/// Where the value of an environment variable comes from.
pub(crate) enum Variable {
    /// It is this text.
    Text(String),
    /// From the pod.
    Field(PodField),
    /// From a key of a Secret.
    Secret {
        /// Name of the Secret.
        name: String,
        /// Its key.
        key: String,
    },
}

/// What containers mount, but for claims.
pub(crate) struct Volume {
    pub(crate) name: String,
    pub(crate) source: VolumeSource,
}

/// What is in a volume.
pub(crate) enum VolumeSource {
    /// Nothing at first; the contents go with the pod.
    Scratch {
        /// The most that it may hold.
        limit: Memory,
        /// Whether it is in memory, and never on a disk.
        in_memory: bool,
    },
    /// The files of the component that have the volume's name.
    Files {
        /// Whether they can be run.
        executable: bool,
    },
    /// Keys of a Secret as files.
    Secret {
        /// Name of the Secret.
        name: String,
    },
}

/// A volume in a container.
pub(crate) struct Mount {
    pub(crate) volume: String,
    pub(crate) path: String,
    pub(crate) read_only: bool,
}

/// A name under which others reach a component.
pub(crate) struct Service {
    pub(crate) name: String,
    /// Ports by their names in the pod, with what is spoken there.
    pub(crate) ports: Vec<ServicePort>,
    /// How the name is resolved.
    pub(crate) resolution: Resolution,
}

/// A port of a Service; it has the number that it has in the pod.
pub(crate) struct ServicePort {
    pub(crate) name: String,
    pub(crate) port: u16,
    /// Protocol above TCP, if it is one that others act upon.
    pub(crate) app_protocol: Option<&'static str>,
}

/// How the name of a Service is resolved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// To one address, behind which are the pods that are ready.
    Balanced,
    /// To one address, behind which is the only pod, ready or not: nobody else could answer, and a
    /// program that cannot answer says so itself.
    OnlyPod,
    /// To the addresses of all pods, ready or not.
    EveryPod,
}

/// Where a component tells its metrics.
pub(crate) struct Metrics {
    /// Name of the port.
    pub(crate) port_name: String,
    /// Number of the port.
    pub(crate) port: u16,
    /// Path in the Prometheus format.
    pub(crate) path: String,
}

/// Returns the name of the Service whose addresses are all pods of the component called `name`.
pub(crate) fn pods_name(name: &str) -> String {
    format!("{name}-pods")
}

impl Component {
    /// Returns the claims that each pod has for itself.
    pub(crate) fn claims(&self) -> &[Claim] {
        match &self.controller {
            Controller::Deployment(_) => &[],
            Controller::StatefulSet { claims, .. }
            | Controller::CronJob(CronJob { claims, .. }) => claims,
        }
    }

    /// Returns the Service whose addresses are all pods, if there is one.
    pub(crate) fn every_pod(&self) -> Option<&Service> {
        self.services.iter().find(|service| service.resolution == Resolution::EveryPod)
    }
}
