//! Two manifests of one object.

use serde_json::{Map, Value, json};

use crate::kit::{Site, api::merge};

/// Two manifests of one object.
pub(crate) struct Pair {
    pub(crate) case: &'static str,
    pub(crate) wave: u8,
    pub(crate) before: Value,
    pub(crate) after: Value,
}

/// What makes an object of a kind: its wave, and its manifest without metadata.
pub(crate) type Base = (u8, Value);

impl Pair {
    /// A pair of manifests that differ from `base`, and from each other, as the two patches say.
    pub(crate) fn new(
        site: &Site,
        case: &'static str,
        base: &Base,
        before: Value,
        after: Value,
    ) -> Self {
        let (wave, rest) = base;
        // Letters and digits only, and short enough for a name of any kind.
        let slug: String = case
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        let slug = slug.trim_matches('-').chars().take(50).collect::<String>();
        let kind = rest["kind"].as_str().unwrap_or_default();
        let mut metadata = site.metadata(slug.trim_end_matches('-'));
        if is_cluster_scoped(kind) {
            metadata =
                json!({ "name": format!("{}-{slug}", site.namespace), "labels": site.labels() });
        }
        let mut common = rest.clone();
        merge(&mut common, json!({ "metadata": metadata }));
        let [before, after] = [before, after].map(|patch| {
            let mut manifest = common.clone();
            merge(&mut manifest, patch);
            manifest
        });
        Self { case, wave: *wave, before, after }
    }
}

fn is_cluster_scoped(kind: &str) -> bool {
    matches!(
        kind,
        "ClusterRole" | "Namespace" | "PersistentVolume" | "PriorityClass" | "StorageClass"
    )
}

/// A patch of the spec.
pub(crate) fn spec(spec: Value) -> Value {
    Map::from_iter([("spec".to_owned(), spec)]).into()
}

/// A patch of the spec of the pods.
pub(crate) fn pods(pods: Value) -> Value {
    let below = |name: &str, value: Value| Map::from_iter([(name.to_owned(), value)]).into();
    spec(below("template", below("spec", pods)))
}

/// A patch that gives the pods one container.
pub(crate) fn container(more: Value) -> Value {
    pods(json!({ "containers": [with("web", more)] }))
}

/// A container. Whether its image is pulled is said, as the compiler does.
pub(crate) fn with(name: &str, more: Value) -> Value {
    let mut container = json!({
        "name": name,
        "image": "registry.example/web:1",
        "imagePullPolicy": "IfNotPresent",
    });
    merge(&mut container, more);
    container
}

pub(crate) fn workload(kind: &str, more: Value) -> Base {
    let mut manifest = json!({
        "apiVersion": "apps/v1",
        "kind": kind,
        "spec": {
            "selector": { "matchLabels": { "app": "x" } },
            "template": {
                "metadata": { "labels": { "app": "x" } },
                "spec": { "containers": [with("web", json!({}))] },
            },
        },
    });
    merge(&mut manifest, more);
    (5, manifest)
}
