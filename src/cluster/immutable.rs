//! Fields that the API server never lets change: an object that is to have another value there has
//! to be created anew.
//!
//! A pure table of built-in kinds. `tests/immutable_fields.rs` measures every row of it against a
//! real API server, and the fields next to it: when a new version of Kubernetes differs, that test
//! fails. What the table does not know, such as the rules of a custom resource, a dry run finds.

use a4co_bundle::{FieldChange, field_changes};
use serde_json::Value;

/// A change of a field that cannot change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImmutableChange {
    /// What the release has otherwise.
    pub change: FieldChange,
    /// Field that cannot change; the change is of it or of something below it.
    pub field: &'static str,
    /// What the API server does about it.
    pub answer: Answer,
}

/// What the API server does about a change of an immutable field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It refuses the object (422 `Invalid`), in a dry run as well.
    Refused,
    /// It keeps the old value and says nothing, so that a dry run finds nothing.
    Ignored,
}

/// Returns the differences between two manifests of one object that the API server does not accept.
///
/// `before` is what was applied last. Where a manifest has no value and the API server has set one,
/// a change may be named that is none; a dry run tells.
#[must_use]
pub fn immutable_changes(before: &Value, after: &Value) -> Vec<ImmutableChange> {
    let rows: Vec<&Row> = TABLE.iter().filter(|row| row.applies(before, after)).collect();
    if rows.is_empty() {
        return Vec::new();
    }
    let changes = field_changes(before, after).into_iter();
    let immutable = changes.filter_map(|change| {
        let row = rows.iter().find(|row| row.forbids(&change))?;
        Some(ImmutableChange { change, field: row.field, answer: row.answer })
    });
    immutable.collect()
}

/// Returns kind and path of every field in the table.
pub fn immutable_fields() -> impl Iterator<Item = (&'static str, &'static str)> {
    TABLE.iter().map(|row| (row.kind, row.field))
}

/// A field of a kind that cannot change.
struct Row {
    group: &'static str,
    kind: &'static str,
    /// Path of the field; what is below it cannot change either.
    field: &'static str,
    /// Paths below the field that can change after all. `[]` stands for every item of a list.
    but: &'static [&'static str],
    /// What the API server takes for a manifest that has no value.
    default: Option<&'static str>,
    /// Tells from the manifests before and after whether the row applies.
    when: fn(&Value, &Value) -> bool,
    answer: Answer,
}

const CORE: &str = "";
const APPS: &str = "apps";
const BATCH: &str = "batch";
const RBAC: &str = "rbac.authorization.k8s.io";
const STORAGE: &str = "storage.k8s.io";
const CLAIM: &str = "PersistentVolumeClaim";
const DEFINITION: &str = "CustomResourceDefinition";
const DEFINITIONS: &str = "apiextensions.k8s.io";

const TABLE: &[Row] = &[
    fixed(APPS, "ControllerRevision", "data"),
    fixed(APPS, "DaemonSet", "spec.selector"),
    fixed(APPS, "Deployment", "spec.selector"),
    fixed(APPS, "ReplicaSet", "spec.selector"),
    fixed(APPS, "StatefulSet", "spec").but(&[
        "spec.minReadySeconds",
        "spec.ordinals",
        "spec.persistentVolumeClaimRetentionPolicy",
        "spec.podManagementPolicy",
        "spec.replicas",
        "spec.revisionHistoryLimit",
        "spec.template",
        "spec.updateStrategy",
    ]),
    fixed(APPS, "StatefulSet", "spec.podManagementPolicy").default("OrderedReady"),
    fixed(BATCH, "Job", "spec.backoffLimitPerIndex"),
    fixed(BATCH, "Job", "spec.completionMode").default("NonIndexed"),
    fixed(BATCH, "Job", "spec.completions").when(is_not_elastic),
    fixed(BATCH, "Job", "spec.managedBy"),
    fixed(BATCH, "Job", "spec.podFailurePolicy"),
    fixed(BATCH, "Job", "spec.selector"),
    fixed(BATCH, "Job", "spec.successPolicy"),
    fixed(BATCH, "Job", "spec.template").when(is_started),
    fixed(BATCH, "Job", "spec.template").when(is_suspended).but(&[
        "spec.template.metadata",
        "spec.template.spec.affinity",
        "spec.template.spec.containers[].resources",
        "spec.template.spec.initContainers[].resources",
        "spec.template.spec.nodeSelector",
        "spec.template.spec.schedulingGates",
        "spec.template.spec.tolerations",
    ]),
    fixed(CORE, "ConfigMap", "binaryData").when(is_immutable),
    fixed(CORE, "ConfigMap", "data").when(is_immutable),
    fixed(CORE, "ConfigMap", "immutable").when(is_immutable),
    fixed(CORE, "PersistentVolume", "spec").but(&[
        "spec.accessModes",
        "spec.capacity",
        "spec.claimRef",
        "spec.mountOptions",
        "spec.nodeAffinity",
        "spec.persistentVolumeReclaimPolicy",
        "spec.storageClassName",
        "spec.volumeAttributesClassName",
        "spec.volumeMode",
    ]),
    fixed(CORE, "PersistentVolume", "spec.nodeAffinity").when(is_restricted),
    fixed(CORE, "PersistentVolume", "spec.volumeMode").default("Filesystem"),
    fixed(CORE, CLAIM, "spec").but(&[
        "spec.resources.requests",
        "spec.volumeAttributesClassName",
        "spec.volumeMode",
    ]),
    fixed(CORE, CLAIM, "spec.volumeAttributesClassName").when(loses_attributes_class),
    fixed(CORE, CLAIM, "spec.volumeMode").default("Filesystem"),
    fixed(CORE, "Pod", "spec").but(&[
        "spec.activeDeadlineSeconds",
        "spec.containers[].image",
        "spec.initContainers[].image",
        "spec.tolerations",
    ]),
    fixed(CORE, "ResourceQuota", "spec.scopes"),
    fixed(CORE, "Secret", "data").when(is_immutable),
    fixed(CORE, "Secret", "immutable").when(is_immutable),
    fixed(CORE, "Secret", "stringData").when(is_immutable),
    fixed(CORE, "Secret", "type").default("Opaque"),
    fixed(CORE, "Service", "spec.clusterIP").when(sets_cluster_ip),
    fixed(CORE, "Service", "spec.clusterIP").when(stays_headless).ignored(),
    fixed(CORE, "Service", "spec.clusterIPs").when(sets_cluster_ip),
    fixed(CORE, "Service", "spec.loadBalancerClass").when(keeps_load_balancer),
    fixed("discovery.k8s.io", "EndpointSlice", "addressType"),
    fixed(DEFINITIONS, DEFINITION, "spec.group"),
    fixed(DEFINITIONS, DEFINITION, "spec.names.kind"),
    fixed(DEFINITIONS, DEFINITION, "spec.names.plural"),
    fixed(DEFINITIONS, DEFINITION, "spec.scope"),
    fixed("networking.k8s.io", "IngressClass", "spec.controller"),
    fixed("node.k8s.io", "RuntimeClass", "handler"),
    fixed(RBAC, "ClusterRoleBinding", "roleRef"),
    fixed(RBAC, "RoleBinding", "roleRef"),
    fixed("resource.k8s.io", "ResourceClaim", "spec"),
    fixed("resource.k8s.io", "ResourceClaimTemplate", "spec"),
    fixed("scheduling.k8s.io", "PriorityClass", "preemptionPolicy").default("PreemptLowerPriority"),
    fixed("scheduling.k8s.io", "PriorityClass", "value"),
    fixed(STORAGE, "CSIDriver", "spec.attachRequired"),
    fixed(STORAGE, "CSIDriver", "spec.volumeLifecycleModes"),
    fixed(STORAGE, "StorageClass", "parameters"),
    fixed(STORAGE, "StorageClass", "provisioner"),
    fixed(STORAGE, "StorageClass", "reclaimPolicy").default("Delete"),
    fixed(STORAGE, "StorageClass", "volumeBindingMode").default("Immediate"),
    fixed(STORAGE, "VolumeAttributesClass", "driverName"),
    fixed(STORAGE, "VolumeAttributesClass", "parameters"),
];

const fn fixed(group: &'static str, kind: &'static str, field: &'static str) -> Row {
    let (but, default, answer) = (&[], None, Answer::Refused);
    Row { group, kind, field, but, default, when: |_, _| true, answer }
}

impl Row {
    const fn but(mut self, but: &'static [&'static str]) -> Self {
        self.but = but;
        self
    }

    const fn default(mut self, default: &'static str) -> Self {
        self.default = Some(default);
        self
    }

    const fn when(mut self, when: fn(&Value, &Value) -> bool) -> Self {
        self.when = when;
        self
    }

    const fn ignored(mut self) -> Self {
        self.answer = Answer::Ignored;
        self
    }

    fn applies(&self, before: &Value, after: &Value) -> bool {
        let version = after["apiVersion"].as_str().unwrap_or_default();
        let group = version.split_once('/').map_or(CORE, |(group, _)| group);
        after["kind"] == self.kind && group == self.group && (self.when)(before, after)
    }

    fn forbids(&self, change: &FieldChange) -> bool {
        let (old, new) =
            (self.or_default(change.old.as_ref()), self.or_default(change.new.as_ref()));
        let is_default = change.path == self.field && old == new;
        !is_default && self.is_touched_by(change)
    }

    fn or_default(&self, value: Option<&Value>) -> Option<Value> {
        value.cloned().or_else(|| self.default.map(Value::from))
    }

    /// Tells whether a change is one of the field or of something below it. A change of what is
    /// above the field is taken apart.
    fn is_touched_by(&self, change: &FieldChange) -> bool {
        let (field, but) = (segments(self.field), self.but.iter().map(|path| segments(path)));
        let but: Vec<_> = but.collect();
        let mut leaves = Vec::new();
        for value in [&change.old, &change.new].into_iter().flatten() {
            add_leaves(segments(&change.path), value, &mut leaves);
        }
        let is_fixed = |leaf: &Path<'_>| !but.iter().any(|path| leaf.starts_with(path));
        leaves.iter().any(|leaf| leaf.starts_with(&field) && is_fixed(leaf))
    }
}

/// A path in its parts. All items of lists, and all keys that have dots, are [`ITEM`].
type Path<'a> = Vec<&'a str>;

const ITEM: &str = "[]";

fn segments(path: &str) -> Path<'_> {
    let mut segments = Path::new();
    let mut rest = path;
    while !rest.is_empty() {
        if rest.starts_with('[') {
            // A key in quotes may have brackets itself.
            let end = if rest.starts_with("[\"") { "\"]" } else { "]" };
            rest = rest.split_once(end).map_or("", |(_, rest)| rest);
            segments.push(ITEM);
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            segments.push(&rest[..end]);
            rest = &rest[end..];
        }
        rest = rest.strip_prefix('.').unwrap_or(rest);
    }
    segments
}

/// Adds the paths of all values within `value`, which is at `path`.
fn add_leaves<'a>(path: Path<'a>, value: &'a Value, leaves: &mut Vec<Path<'a>>) {
    let below = |part: &'a str| path.iter().copied().chain([part]).collect();
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                add_leaves(below(name), value, leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for value in items {
                add_leaves(below(ITEM), value, leaves);
            }
        }
        _ => leaves.push(path),
    }
}

fn is_immutable(before: &Value, _: &Value) -> bool {
    before["immutable"] == true
}

fn is_suspended(before: &Value, _: &Value) -> bool {
    before["spec"]["suspend"] == true
}

fn is_started(before: &Value, after: &Value) -> bool {
    !is_suspended(before, after)
}

/// The number of an indexed job's pods can change together with how many run at once.
fn is_not_elastic(_: &Value, after: &Value) -> bool {
    let spec = &after["spec"];
    spec["completionMode"] != "Indexed" || spec["completions"] != spec["parallelism"]
}

fn is_restricted(before: &Value, _: &Value) -> bool {
    !before["spec"]["nodeAffinity"].is_null()
}

fn loses_attributes_class(_: &Value, after: &Value) -> bool {
    after["spec"]["volumeAttributesClassName"].is_null()
}

fn has_cluster_ip(manifest: &Value) -> bool {
    manifest["spec"]["type"] != "ExternalName"
}

fn sets_cluster_ip(before: &Value, after: &Value) -> bool {
    let spec = &after["spec"];
    let is_set = !spec["clusterIP"].is_null() || !spec["clusterIPs"].is_null();
    is_set && has_cluster_ip(before) && has_cluster_ip(after)
}

fn stays_headless(before: &Value, after: &Value) -> bool {
    before["spec"]["clusterIP"] == "None" && has_cluster_ip(after)
}

fn keeps_load_balancer(before: &Value, after: &Value) -> bool {
    [before, after].iter().all(|manifest| manifest["spec"]["type"] == "LoadBalancer")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(before: &Value, after: &Value) -> Vec<String> {
        immutable_changes(before, after).into_iter().map(|found| found.change.path).collect()
    }

    /// A manifest of `kind` with this spec, if it has one.
    fn manifest(api_version: &str, kind: &str, spec: &Value) -> Value {
        let mut manifest = json!({ "apiVersion": api_version, "kind": kind });
        if !spec.is_null() {
            manifest["spec"] = spec.clone();
        }
        manifest
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_change_is_forbidden_where_the_table_says_so() {
        for (case, api_version, kind, before, after, expected) in [
            (
                "the field itself",
                "apps/v1",
                "Deployment",
                json!({ "selector": { "matchLabels": { "app": "a" } }, "replicas": 1 }),
                json!({ "selector": { "matchLabels": { "app": "b" } }, "replicas": 2 }),
                vec!["spec.selector.matchLabels.app"],
            ),
            (
                "a key with dots below the field",
                "apps/v1",
                "Deployment",
                json!({ "selector": { "matchLabels": { "a.b/c]": "a" } } }),
                json!({ "selector": { "matchLabels": { "a.b/c]": "b" } } }),
                vec!["spec.selector.matchLabels[\"a.b/c]\"]"],
            ),
            (
                "another group that has a kind of this name",
                "example.com/v1",
                "Deployment",
                json!({ "selector": "a" }),
                json!({ "selector": "b" }),
                vec![],
            ),
            (
                "an exception below the field",
                "apps/v1",
                "StatefulSet",
                json!({ "replicas": 1, "serviceName": "a" }),
                json!({ "replicas": 2, "serviceName": "b" }),
                vec!["spec.serviceName"],
            ),
            (
                "a field that merely begins like an exception",
                "apps/v1",
                "StatefulSet",
                json!({}),
                json!({ "replicasPerZone": 1 }),
                vec!["spec.replicasPerZone"],
            ),
            (
                "all of the spec is new, and all of it can change",
                "v1",
                "PersistentVolumeClaim",
                Value::Null,
                json!({ "resources": { "requests": { "storage": "1Gi" } } }),
                vec![],
            ),
            (
                "all of the resources are new, and some of it cannot change",
                "v1",
                "PersistentVolumeClaim",
                json!({}),
                json!({ "resources": { "limits": { "storage": "1Gi" } } }),
                vec!["spec.resources"],
            ),
            (
                "an exception in each item of a list",
                "v1",
                "Pod",
                json!({ "containers": [{ "name": "a", "image": "x" }] }),
                json!({ "containers": [{ "name": "a", "image": "y", "tty": true }] }),
                vec!["spec.containers[a].tty"],
            ),
            (
                "the default made explicit",
                "apps/v1",
                "StatefulSet",
                json!({}),
                json!({ "podManagementPolicy": "OrderedReady" }),
                vec![],
            ),
            (
                "another value than the default",
                "apps/v1",
                "StatefulSet",
                json!({}),
                json!({ "podManagementPolicy": "Parallel" }),
                vec!["spec.podManagementPolicy"],
            ),
            (
                "the template of a job that waits",
                "batch/v1",
                "Job",
                json!({ "suspend": true, "template": { "spec": { "tolerations": [], "x": 1 } } }),
                json!({ "suspend": true, "template": { "spec": { "tolerations": [1], "x": 2 } } }),
                vec!["spec.template.spec.x"],
            ),
            (
                "an indexed job grows",
                "batch/v1",
                "Job",
                json!({ "completionMode": "Indexed", "completions": 1, "parallelism": 1 }),
                json!({ "completionMode": "Indexed", "completions": 2, "parallelism": 2 }),
                vec![],
            ),
            (
                "a service gets an external name and gives up its address",
                "v1",
                "Service",
                json!({ "clusterIP": "10.0.0.1" }),
                json!({ "type": "ExternalName", "externalName": "example.com" }),
                vec![],
            ),
        ] {
            let [before, after] = [before, after].map(|spec| manifest(api_version, kind, &spec));
            assert_eq!(found(&before, &after), expected, "{case}");
        }
    }

    #[test]
    fn an_immutable_config_map_keeps_its_data_but_not_its_labels() {
        let config_map = |text: &str, label: &str, immutable: Value| {
            json!({
                "apiVersion": "v1",
                "kind": "ConfigMap",
                "metadata": { "labels": { "a": label } },
                "data": { "text": text },
                "immutable": immutable,
            })
        };
        let fixed = config_map("a", "a", json!(true));
        assert_eq!(found(&fixed, &config_map("b", "b", json!(true))), ["data.text"]);
        assert_eq!(found(&fixed, &config_map("a", "a", json!(false))), ["immutable"]);
        assert_eq!(found(&config_map("a", "a", json!(false)), &fixed), [] as [&str; 0]);
    }

    #[test]
    fn what_the_api_server_ignores_is_told_from_what_it_refuses() {
        let service = |spec: Value| manifest("v1", "Service", &spec);
        let answer = |before: Value, after: Value| {
            immutable_changes(&service(before), &service(after)).first().map(|found| found.answer)
        };
        let headless = || json!({ "clusterIP": "None" });
        assert_eq!(answer(headless(), json!({})), Some(Answer::Ignored));
        assert_eq!(answer(json!({}), headless()), Some(Answer::Refused));
        assert_eq!(answer(json!({ "clusterIP": "10.0.0.1" }), json!({})), None);
    }
}
