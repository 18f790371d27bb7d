//! A service: one generic definition, whatever it does.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    capacity::Capacity,
    endpoint::Provides,
    pod::{PodField, Rollout, Toleration},
    probe::{Metrics, Probes},
};
use crate::{
    image::ImageReference,
    quantity::Memory,
    template::Template,
    text::{EnvName, FolderPath, HttpPath, LabelKey},
};

/// A service, whatever it does. What is required may also come from `[defaults]` or from its size.
///
/// Placeholders in its texts: `{service}` is its key, `{SERVICE}` the same in capitals with `_`,
/// `{name}` its Kubernetes name, `{port}` its port, and those of `release.notes`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Service {
    /// Name of its Kubernetes objects. The default is `{service}`.
    #[serde(default = "default_name")]
    pub(crate) name: Template,
    /// Image with registry and tag. The lockfile has its digest, and pods run that.
    pub(crate) image: ImageReference,
    /// Replaces the image's entrypoint.
    #[serde(default)]
    pub(crate) command: Vec<Template>,
    /// Arguments of the command.
    #[serde(default)]
    pub(crate) args: Vec<Template>,
    /// Port on which it answers HTTP, in the pod and as a Service.
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
    /// Path prefix under which it is reachable from outside. Without it, it is not.
    #[serde(default)]
    pub(crate) route: Option<HttpPath>,
    /// A size of `[sizes]`: takes its capacity from there, as far as it does not state it itself.
    #[serde(default)]
    #[expect(dead_code, reason = "merged before this is read; here for the schema")]
    size: Option<String>,
    /// How much of everything it gets.
    #[serde(flatten)]
    pub(crate) capacity: Capacity,
    /// How Kubernetes knows how it does.
    pub(crate) probes: Probes,
    /// Where it tells its metrics.
    #[serde(default)]
    pub(crate) metrics: Option<Metrics>,
    /// What it calls, by name: services, endpoints, databases and the like, and `jaeger`. It gets
    /// what they provide, and the network lets it through; to anything else it does not.
    #[serde(default)]
    pub(crate) needs: Vec<String>,
    /// Secrets whose keys become its environment variables, besides those of what it needs.
    #[serde(default)]
    pub(crate) secrets: Vec<String>,
    /// Environment variables. They may replace one of `[settings]`, but no other.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "env-name"}))]
    pub(crate) env: BTreeMap<EnvName, Template>,
    /// Environment variables with a field of the pod.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "env-name"}))]
    pub(crate) pod_fields: BTreeMap<EnvName, PodField>,
    /// What a service that needs this one gets.
    #[serde(default)]
    pub(crate) provides: Provides,
    /// Folders that it may write to, with the most they may hold. The rest of the file system is
    /// read-only; the contents go with the pod.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "folder"}))]
    pub(crate) writable: BTreeMap<FolderPath, Memory>,
    /// User, group and group of files that it runs as. The default is 1000; root is impossible.
    #[serde(default = "default_user")]
    #[schemars(range(min = 1, max = 65534))]
    pub(crate) user: u32,
    /// How a new version replaces the old one.
    #[serde(default)]
    pub(crate) rollout: Rollout,
    /// Node labels over whose values its pods are spread, as far as possible. The default is hosts
    /// and zones.
    #[serde(default = "default_spread")]
    #[schemars(extend("items" = {"type": "string", "format": "label-key"}))]
    pub(crate) spread: Vec<LabelKey>,
    /// Taints of nodes that its pods tolerate.
    #[serde(default)]
    pub(crate) tolerations: Vec<Toleration>,
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_name() -> Template {
    Template::parse("{service}").expect("a template")
}

fn default_user() -> u32 {
    1000
}

/// Hosts and zones.
pub(super) fn default_spread() -> Vec<LabelKey> {
    let keys = ["kubernetes.io/hostname", "topology.kubernetes.io/zone"];
    keys.into_iter().filter_map(|key| LabelKey::try_from(key.to_owned()).ok()).collect()
}
