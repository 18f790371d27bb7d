//! How pods are replaced and placed, and what they may know of themselves.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{CountOrPercent, LabelKey, LabelValue};

/// How a new version replaces the old one. No old pod goes before a new one is ready.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Rollout {
    /// Most pods above the wanted number while it lasts. The default is `"25%"`.
    pub(crate) max_surge: CountOrPercent,
    /// Time without progress after which it has failed, in seconds. The default is 600.
    #[schemars(range(min = 1, max = 86400))]
    pub(crate) progress_deadline_seconds: u32,
    /// Number of old `ReplicaSets` to keep. The default is 3.
    #[schemars(range(max = 100))]
    pub(crate) revision_history_limit: u32,
    /// Time that a pod about to stop goes on answering, so that every node learns that it is gone,
    /// in seconds. The default is 5.
    #[schemars(range(max = 600))]
    pub(crate) drain_seconds: u32,
    /// Time to stop, that of `drain_seconds` included, in seconds. The default is 30.
    #[schemars(range(min = 1, max = 3600))]
    pub(crate) termination_grace_period_seconds: u32,
}

impl Default for Rollout {
    #[expect(clippy::expect_used, reason = "a constant, and tested")]
    fn default() -> Self {
        Self {
            max_surge: CountOrPercent::try_from("25%".to_owned()).expect("a share"),
            progress_deadline_seconds: 600,
            revision_history_limit: 3,
            drain_seconds: 5,
            termination_grace_period_seconds: 30,
        }
    }
}

/// A field of a pod that its containers may know.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub(crate) enum PodField {
    /// Name of the pod.
    #[serde(rename = "metadata.name")]
    Name,
    /// Namespace of the pod.
    #[serde(rename = "metadata.namespace")]
    Namespace,
    /// Unique id of the pod.
    #[serde(rename = "metadata.uid")]
    Uid,
    /// Name of its node.
    #[serde(rename = "spec.nodeName")]
    NodeName,
    /// Name of its service account.
    #[serde(rename = "spec.serviceAccountName")]
    ServiceAccountName,
    /// Address of its node.
    #[serde(rename = "status.hostIP")]
    HostIp,
    /// Address of the pod.
    #[serde(rename = "status.podIP")]
    PodIp,
}

impl PodField {
    /// Returns the field's path.
    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Name => "metadata.name",
            Self::Namespace => "metadata.namespace",
            Self::Uid => "metadata.uid",
            Self::NodeName => "spec.nodeName",
            Self::ServiceAccountName => "spec.serviceAccountName",
            Self::HostIp => "status.hostIP",
            Self::PodIp => "status.podIP",
        }
    }
}

/// A taint of nodes that pods tolerate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub(crate) struct Toleration {
    /// Key of the taint.
    pub(crate) key: LabelKey,
    /// Value of the taint. Without it any value is tolerated.
    #[serde(default)]
    pub(crate) value: Option<LabelValue>,
    /// Effect of the taint. Without it every effect is tolerated.
    #[serde(default)]
    pub(crate) effect: Option<TaintEffect>,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
pub(crate) enum TaintEffect {
    /// They are not placed there.
    NoSchedule,
    /// They are placed elsewhere if possible.
    PreferNoSchedule,
    /// They must leave.
    NoExecute,
}

impl TaintEffect {
    /// Returns the name that Kubernetes uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::NoSchedule => "NoSchedule",
            Self::PreferNoSchedule => "PreferNoSchedule",
            Self::NoExecute => "NoExecute",
        }
    }
}
