//! Defaults that would outlive what they were made for.
//!
//! The API server fills in a default where it first finds a field missing, and then nobody owns it.
//! Some defaults depend on other fields: a `NetworkPolicy` that has only ingress rules becomes one
//! of type `Ingress`. When a later release changes what the default depends on, server-side apply
//! leaves the old default in place (kubernetes#72519): egress rules would come and have no effect.
//! What a cluster has would depend on its past, and a rollback would not lead back.
//!
//! So before such an update the stale default is made ours. The update does not have it, so it goes
//! away, and the API server fills in what it would give a new object. Making a field ours changes
//! nothing but `managedFields`: no generation, no rollout. Should the update never come, the object
//! is as it was, and the next apply drops what is ours and not in its manifest.
//!
//! Which defaults depend on what is known for built-in kinds; `tests/rollback_matrix.rs` compares
//! more than a hundred updates with new objects. Custom resources have no such defaults, unless a
//! webhook makes them. An update that cannot leave anything costs no request.

use a4co_bundle::{FieldChange, ObjectRef};
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    adopt::is_ours,
    client::{Applied, Client, FIELD_MANAGER, Form},
    error::ApiError,
    fencing::Fencing,
    image,
    live::{Live, PartialObject},
    owned, replicas,
    step::StepError,
};

/// How often it is tried again because the object changed meanwhile, by status updates mostly.
const ATTEMPTS: usize = 10;

/// Tells whether these changes of an object may leave something behind.
pub(crate) fn is_likely(object: &ObjectRef, changes: &[FieldChange]) -> bool {
    changes.iter().any(|change| is_cause(object, change))
}

/// Makes the defaults of the object at `path` ours that an update to `manifest` would leave behind,
/// and returns the object as it is then.
///
/// `seen` is the object that the plan saw. Whoever has changed it since where it is ours keeps the
/// update from happening.
pub(crate) async fn claim(
    client: &Client,
    path: &str,
    object: &ObjectRef,
    manifest: &Value,
    seen: &Live,
    fencing: Fencing<'_>,
) -> Result<Live, StepError> {
    let interference = || StepError::Interference { object: object.clone() };
    let mut unclear = None;
    for _ in 0..ATTEMPTS {
        let found = read(client, path).await?.ok_or_else(interference)?;
        let owners = owners(object, &found.live, manifest);
        // What was claimed without an answer has changed what is ours.
        let is_expected = found.seen.owned == seen.owned || unclear.is_some() && owners.is_none();
        if found.seen.uid != seen.uid || found.seen.deleting || !is_expected {
            return Err(interference());
        }
        let Some(owners) = owners else { return Ok(found.seen) };
        fencing.check(client).await?;
        let change = json!({ "metadata": {
            "uid": found.seen.uid,
            "resourceVersion": found.seen.resource_version,
            "managedFields": owners,
        }});
        match client.merge(path, FIELD_MANAGER, &change).await {
            Ok(applied) => return Ok(applied.metadata.into()),
            Err(error) if error.is_conflict() => {}
            Err(error) if error.is_unclear() => unclear = Some(error),
            Err(error) => return Err(StepError::write("update", object, error)),
        }
    }
    Err(unclear.map_or_else(interference, |error| StepError::write("update", object, error)))
}

/// Asks what an update to `manifest` would come to without the defaults that it would leave behind,
/// for these may be all that the API server has against it. Returns `None` when there are none.
pub(crate) async fn rehearse(
    client: &Client,
    path: &str,
    object: &ObjectRef,
    manifest: &Value,
) -> Result<Option<Applied>, ApiError> {
    let Some(found) = read(client, path).await? else { return Ok(None) };
    let stale = stale(object, &found.live, manifest);
    if stale.as_object().is_none_or(Map::is_empty) {
        return Ok(None);
    }
    let mut update = manifest.clone();
    remove(&mut update, &stale);
    let answer = client.preview_merge(path, &update).await?;
    let unreadable = |source| ApiError::Answer { asked: format!("PATCH {path}"), source };
    serde_json::from_str(&answer.to_string()).map(Some).map_err(unreadable)
}

/// An object, and what a plan sees of it.
struct Found {
    live: Value,
    seen: Live,
}

async fn read(client: &Client, path: &str) -> Result<Option<Found>, ApiError> {
    let Some(text) = client.get::<Box<RawValue>>(path, Form::Whole).await? else {
        return Ok(None);
    };
    let unreadable = |source| ApiError::Answer { asked: format!("GET {path}"), source };
    let object: PartialObject = serde_json::from_str(text.get()).map_err(unreadable)?;
    let live = serde_json::from_str(text.get()).map_err(unreadable)?;
    Ok(Some(Found { live, seen: object.metadata.into() }))
}

/// Returns who is to own the fields of `live` before it is brought to `manifest`, if that differs
/// from who does.
fn owners(object: &ObjectRef, live: &Value, manifest: &Value) -> Option<Vec<Value>> {
    let stale = stale(object, live, manifest);
    let mut owners: Vec<Value> = image::entries(live).cloned().collect();
    for entry in owners.iter_mut().filter(|entry| is_ours(entry)) {
        owned::unite(&mut entry["fieldsV1"], &stale);
    }
    // The count is in the manifest again: nobody has to hold it.
    owners.retain(|entry| entry["manager"] != replicas::HOLDER || !replicas::are_set(manifest));
    let is_new = !owners.iter().eq(image::entries(live));
    is_new.then_some(owners)
}

/// Tells whether a default depends on what changes.
fn is_cause(object: &ObjectRef, change: &FieldChange) -> bool {
    let path = change.path.as_str();
    match (object.group(), object.kind.as_str()) {
        ("networking.k8s.io", "NetworkPolicy") => {
            // Whether there are rules, as against which.
            let comes_or_goes = change.old.is_none() || change.new.is_none();
            comes_or_goes && path.starts_with("spec.egress")
        }
        ("", "Service") => path == "spec.allocateLoadBalancerNodePorts",
        _ => match workload(object) {
            Some(workload) => is_cause_in_workload(&workload, change),
            None => false,
        },
    }
}

fn is_cause_in_workload(workload: &Workload, change: &FieldChange) -> bool {
    let path = change.path.as_str();
    let (_, field) = path.split_once('.').unwrap_or_default();
    if field == "replicas" {
        return change.old.is_none();
    }
    if let Some(rest) = workload.strategy.and_then(|strategy| field.strip_prefix(strategy)) {
        let chosen = match rest {
            "" => change.new.as_ref().and_then(|strategy| strategy.get("type")),
            ".type" => change.new.as_ref(),
            _ => None,
        };
        return chosen.is_some_and(|chosen| chosen != "RollingUpdate");
    }
    let Some(rest) = path.strip_prefix(&format!("{}.", workload.pods.join("."))) else {
        return false;
    };
    let is_of = |list: &str| rest.strip_prefix(list).is_some_and(|rest| rest.starts_with('['));
    if is_of("containers") || is_of("initContainers") {
        let policy =
            |image: &Option<Value>| image.as_ref().and_then(Value::as_str).map(is_always_pulled);
        return rest.ends_with("].image") && policy(&change.old) != policy(&change.new);
    }
    if is_of("volumes") {
        // A source, as against something within it.
        let source = rest.split_once("].").map_or("", |(_, source)| source);
        return change.old.is_none() && !source.is_empty() && !source.contains(['.', '[']);
    }
    rest == "serviceAccountName" && change.new.is_none()
}

/// Where a kind has pods, and how it replaces them.
struct Workload {
    /// Path of the spec of its pods.
    pods: &'static [&'static str],
    /// Field of its spec that has `type` and `rollingUpdate`.
    strategy: Option<&'static str>,
}

fn workload(object: &ObjectRef) -> Option<Workload> {
    let template = |strategy| Workload { pods: &["spec", "template", "spec"], strategy };
    match (object.group(), object.kind.as_str()) {
        ("apps", "Deployment") => Some(template(Some("strategy"))),
        ("apps", "DaemonSet" | "StatefulSet") => Some(template(Some("updateStrategy"))),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => Some(template(None)),
        ("batch", "CronJob") => Some(Workload {
            pods: &["spec", "jobTemplate", "spec", "template", "spec"],
            strategy: None,
        }),
        _ => None,
    }
}

/// Returns the fields of `live` that hold defaults which `manifest` does not have and which depend
/// on something that it may have otherwise. Dropping one that is right does no harm: it comes back.
fn stale(object: &ObjectRef, live: &Value, manifest: &Value) -> Value {
    let mut set = Fields(json!({}));
    match (object.group(), object.kind.as_str()) {
        ("networking.k8s.io", "NetworkPolicy") => {
            set.add_default(&["spec", "policyTypes"], live, manifest);
        }
        ("", "Service") => add_node_ports(&mut set, live, manifest),
        _ => {
            if let Some(workload) = workload(object) {
                if let Some(strategy) = workload.strategy {
                    set.add_default(&["spec", strategy, "rollingUpdate"], live, manifest);
                }
                add_pods(&mut set, workload.pods, live, manifest);
            }
        }
    }
    set.0
}

/// A load balancer that needs no ports on the nodes keeps those that it has.
fn add_node_ports(set: &mut Fields, live: &Value, manifest: &Value) {
    if manifest["spec"]["allocateLoadBalancerNodePorts"] != false {
        return;
    }
    let key = |port: &Value| {
        let protocol = port["protocol"].as_str().unwrap_or("TCP");
        json!({ "port": port["port"], "protocol": protocol })
    };
    for (port, wanted) in pairs(&live["spec"]["ports"], &manifest["spec"]["ports"], key) {
        if port["nodePort"].is_number() && wanted["nodePort"].is_null() {
            set.add(&["f:spec", "f:ports", &format!("k:{}", key(port)), "f:nodePort"]);
        }
    }
}

fn add_pods(set: &mut Fields, path: &[&str], live: &Value, manifest: &Value) {
    let (live, manifest) = (at(live, path), at(manifest, path));
    let below = |rest: &[&str]| -> Vec<String> {
        let path = path.iter().map(|field| format!("f:{field}"));
        path.chain(rest.iter().map(|part| (*part).to_owned())).collect()
    };
    // An old name of the field, which the API server fills in, and reads where the new one is gone.
    if manifest["serviceAccountName"].is_null() && manifest["serviceAccount"].is_null() {
        for name in ["serviceAccount", "serviceAccountName"] {
            if !live[name].is_null() {
                set.add(&below(&[&format!("f:{name}")]));
            }
        }
    }
    let key = |item: &Value| json!({ "name": item["name"] });
    for (list, field) in [
        ("containers", "imagePullPolicy"),
        ("initContainers", "imagePullPolicy"),
        ("volumes", "emptyDir"),
    ] {
        for (item, wanted) in pairs(&live[list], &manifest[list], key) {
            if !item[field].is_null() && wanted[field].is_null() {
                let item = format!("k:{}", key(item));
                set.add(&below(&[&format!("f:{list}"), &item, &format!("f:{field}")]));
            }
        }
    }
}

/// The items of two lists that have the same key.
fn pairs<'a>(
    live: &'a Value,
    manifest: &'a Value,
    key: impl Fn(&Value) -> Value,
) -> Vec<(&'a Value, &'a Value)> {
    let items = |list: &'a Value| list.as_array().map(Vec::as_slice).unwrap_or_default();
    let find = |item: &Value| items(manifest).iter().find(|wanted| key(wanted) == key(item));
    items(live).iter().filter_map(|item| Some((item, find(item)?))).collect()
}

fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, field| &value[*field])
}

/// Tells whether an image is pulled each time where nobody says when: it has the tag `latest`, or
/// neither tag nor digest (`pkg/apis/core/v1/defaults.go`).
fn is_always_pulled(image: &str) -> bool {
    let (name, has_digest) = image.split_once('@').map_or((image, false), |(name, _)| (name, true));
    // A colon before the last slash is that of a port.
    match name.rsplit('/').next().and_then(|name| name.split_once(':')) {
        Some((_, tag)) => tag == "latest",
        None => !has_digest,
    }
}

/// A set of fields, in the form of `managedFields`.
struct Fields(Value);

impl Fields {
    /// Adds the field at `path` where `live` has it and `manifest` does not.
    fn add_default(&mut self, path: &[&str], live: &Value, manifest: &Value) {
        if !at(live, path).is_null() && at(manifest, path).is_null() {
            let keys: Vec<_> = path.iter().map(|field| format!("f:{field}")).collect();
            self.add(&keys);
        }
    }

    fn add(&mut self, keys: &[impl AsRef<str>]) {
        let set = keys.iter().rev().fold(json!({}), |inner, key| json!({ key.as_ref(): inner }));
        owned::unite(&mut self.0, &set);
    }
}

/// Makes a merge patch take the fields of `set` away. Lists need nothing: a merge patch replaces
/// them as a whole.
fn remove(patch: &mut Value, set: &Value) {
    for (key, inner) in set.as_object().into_iter().flatten() {
        let Some(name) = key.strip_prefix("f:") else { continue };
        if inner.as_object().is_none_or(Map::is_empty) {
            patch[name] = Value::Null;
        } else if !patch[name].is_array() {
            if patch[name].is_null() {
                patch[name] = json!({});
            }
            remove(&mut patch[name], inner);
        }
    }
}

#[cfg(test)]
mod tests {
    use a4co_bundle::field_changes;

    use super::*;

    fn reference(kind: &str) -> ObjectRef {
        let api_version = match kind {
            "CronJob" => "batch/v1",
            "NetworkPolicy" => "networking.k8s.io/v1",
            "Service" => "v1",
            _ => "apps/v1",
        };
        ObjectRef {
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
            namespace: Some("shop".to_owned()),
            name: "x".to_owned(),
        }
    }

    fn pods(pods: Value) -> Value {
        let template = spec(pods);
        spec(Map::from_iter([("template".to_owned(), template)]).into())
    }

    fn image(image: &str) -> Value {
        pods(json!({ "containers": [{ "name": "web", "image": image }] }))
    }

    fn spec(spec: Value) -> Value {
        Map::from_iter([("spec".to_owned(), spec)]).into()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_change_that_a_default_depends_on_is_seen() {
        let volume = |volume: Value| pods(json!({ "volumes": [volume] }));
        for (case, kind, before, after, expected) in [
            ("another image", "Deployment", image("a:1"), image("a:2"), false),
            ("a tag comes", "Deployment", image("a"), image("a:2"), true),
            ("a tag becomes latest", "Deployment", image("a:1"), image("a:latest"), true),
            ("a digest comes", "Deployment", image("a"), image("a@sha256:0"), true),
            (
                "an account goes",
                "Deployment",
                pods(json!({ "serviceAccountName": "a" })),
                pods(json!({})),
                true,
            ),
            (
                "an account comes",
                "Deployment",
                pods(json!({})),
                pods(json!({ "serviceAccountName": "a" })),
                false,
            ),
            (
                "a volume gets a source",
                "Deployment",
                volume(json!({ "name": "a" })),
                volume(json!({ "name": "a", "configMap": { "name": "a" } })),
                true,
            ),
            (
                "a volume keeps its source",
                "Deployment",
                volume(json!({ "name": "a", "configMap": { "name": "a" } })),
                volume(json!({ "name": "a", "configMap": { "name": "a", "defaultMode": 1 } })),
                false,
            ),
            (
                "Recreate",
                "Deployment",
                spec(json!({})),
                spec(json!({ "strategy": { "type": "Recreate" } })),
                true,
            ),
            (
                "Recreate instead",
                "Deployment",
                spec(json!({ "strategy": { "type": "RollingUpdate" } })),
                spec(json!({ "strategy": { "type": "Recreate" } })),
                true,
            ),
            (
                "another pace",
                "Deployment",
                spec(json!({ "strategy": { "rollingUpdate": { "maxSurge": 1 } } })),
                spec(json!({ "strategy": { "rollingUpdate": { "maxSurge": 2 } } })),
                false,
            ),
            (
                "Recreate no more",
                "Deployment",
                spec(json!({ "strategy": { "type": "Recreate" } })),
                spec(json!({})),
                false,
            ),
            (
                "OnDelete",
                "DaemonSet",
                spec(json!({})),
                spec(json!({ "updateStrategy": { "type": "OnDelete" } })),
                true,
            ),
            ("a count comes", "Deployment", spec(json!({})), spec(json!({ "replicas": 1 })), true),
            (
                "a count changes",
                "Deployment",
                spec(json!({ "replicas": 2 })),
                spec(json!({ "replicas": 1 })),
                false,
            ),
            (
                "rules for what goes out come",
                "NetworkPolicy",
                spec(json!({ "egress": [] })),
                spec(json!({ "egress": [{}] })),
                true,
            ),
            (
                "rules for what comes in go",
                "NetworkPolicy",
                spec(json!({ "ingress": [{}] })),
                spec(json!({ "ingress": [] })),
                false,
            ),
            (
                "ports on the nodes go",
                "Service",
                spec(json!({})),
                spec(json!({ "allocateLoadBalancerNodePorts": false })),
                true,
            ),
            ("another kind", "Something", image("a"), image("a:2"), false),
        ] {
            let changes = field_changes(&before, &after);
            assert_eq!(is_likely(&reference(kind), &changes), expected, "{case}");
        }
    }

    #[test]
    fn defaults_that_the_manifest_does_not_have_are_stale() {
        let live = pods(json!({
            "serviceAccount": "a",
            "serviceAccountName": "a",
            "containers": [
                { "name": "web", "image": "a", "imagePullPolicy": "Always" },
                { "name": "gone", "image": "a", "imagePullPolicy": "Always" },
                { "name": "said", "image": "a", "imagePullPolicy": "Always" },
            ],
            "volumes": [{ "name": "v", "emptyDir": {} }],
        }));
        let manifest = pods(json!({
            "containers": [
                { "name": "said", "image": "a:1", "imagePullPolicy": "Always" },
                { "name": "web", "image": "a:1" },
            ],
            "volumes": [{ "name": "v", "configMap": { "name": "c" } }],
        }));
        let expected = json!({ "f:spec": { "f:template": { "f:spec": {
            "f:serviceAccount": {},
            "f:serviceAccountName": {},
            "f:containers": { "k:{\"name\":\"web\"}": { "f:imagePullPolicy": {} } },
            "f:volumes": { "k:{\"name\":\"v\"}": { "f:emptyDir": {} } },
        }}}});
        assert_eq!(stale(&reference("Deployment"), &live, &manifest), expected);

        let live = spec(json!({ "ports": [
            { "port": 80, "protocol": "TCP", "nodePort": 30080 },
            { "port": 81, "protocol": "TCP", "nodePort": 30081 },
        ]}));
        let manifest = spec(json!({
            "allocateLoadBalancerNodePorts": false,
            "ports": [{ "port": 80 }, { "port": 81, "nodePort": 30081 }],
        }));
        let expected = json!({ "f:spec": { "f:ports": {
            "k:{\"port\":80,\"protocol\":\"TCP\"}": { "f:nodePort": {} } } } });
        assert_eq!(stale(&reference("Service"), &live, &manifest), expected);
    }

    fn entry(manager: &str, fields: &Value) -> Value {
        json!({ "manager": manager, "operation": "Apply", "fieldsV1": fields })
    }

    fn live(entries: &[Value], spec: &Value) -> Value {
        json!({ "metadata": { "managedFields": entries }, "spec": spec })
    }

    #[test]
    fn stale_defaults_become_ours_and_a_held_count_is_let_go() {
        let ours = |fields: Value| entry(FIELD_MANAGER, &fields);
        let holder = || entry(replicas::HOLDER, &json!({ "f:spec": { "f:replicas": {} } }));
        let theirs = || entry("kubectl", &json!({ "f:spec": { "f:paused": {} } }));
        let type_only = || json!({ "f:spec": { "f:strategy": { "f:type": {} } } });
        let both =
            || json!({ "f:spec": { "f:strategy": { "f:type": {}, "f:rollingUpdate": {} } } });
        let rolling = || {
            let strategy = json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } });
            json!({ "strategy": strategy })
        };
        let recreate = spec(json!({ "strategy": { "type": "Recreate" } }));
        let counted = spec(json!({ "replicas": 2 }));
        for (case, live, manifest, expected) in [
            (
                "a default that is nobody's",
                live(&[theirs(), ours(type_only())], &rolling()),
                &recreate,
                Some(vec![theirs(), ours(both())]),
            ),
            ("a default that is ours already", live(&[ours(both())], &rolling()), &recreate, None),
            ("nothing is stale", live(&[ours(type_only()), holder()], &json!({})), &recreate, None),
            (
                "a count that was held",
                live(&[ours(type_only()), holder()], &json!({ "replicas": 3 })),
                &counted,
                Some(vec![ours(type_only())]),
            ),
        ] {
            assert_eq!(owners(&reference("Deployment"), &live, manifest), expected, "{case}");
        }
    }

    #[test]
    fn a_merge_patch_takes_stale_defaults_away() {
        let mut patch = pods(json!({ "containers": [{ "name": "web" }] }));
        let set = json!({ "f:spec": {
            "f:strategy": { "f:rollingUpdate": {} },
            "f:template": { "f:spec": {
                "f:serviceAccount": {},
                "f:containers": { "k:{\"name\":\"web\"}": { "f:imagePullPolicy": {} } },
            }},
        }});
        remove(&mut patch, &set);
        let expected = json!({ "spec": {
            "strategy": { "rollingUpdate": null },
            "template": { "spec": { "serviceAccount": null, "containers": [{ "name": "web" }] } },
        }});
        assert_eq!(patch, expected);
    }

    #[test]
    fn an_image_is_always_pulled_where_its_content_may_change() {
        for (image, expected) in [
            ("web", true),
            ("web:latest", true),
            ("registry.example:5000/web", true),
            ("registry.example:5000/web:1", false),
            ("web:1", false),
            ("web@sha256:0", false),
            ("web:latest@sha256:0", true),
            ("web:1@sha256:0", false),
        ] {
            assert_eq!(is_always_pulled(image), expected, "{image}");
        }
    }
}
