//! Steps that cannot be taken back, and what is left as it is when it is too late.
//!
//! A pure function of two manifests of one object. Such a step is named in the plan and needs a
//! person's consent; a way back that comes to it keeps what it cannot undo.

use std::{cmp::Ordering, collections::BTreeSet, fmt};

use a4co_bundle::{Object, ObjectRef};
use serde_json::Value;

use crate::{immutable::immutable_changes, plan::is_job, quantity::Quantity};

/// Annotation of a job whose work cannot be undone, such as a migration that drops a column.
pub const IRREVERSIBLE_ANNOTATION: &str = "a4co.dev/irreversible";

/// A step that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneWay {
    /// Object.
    pub object: ObjectRef,
    /// Why not.
    pub why: Reason,
}

/// Why a step cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A claim gets more storage.
    Growth {
        /// Storage before, as the manifest has it.
        from: String,
        /// Storage afterwards.
        to: String,
    },
    /// A definition serves a version that it did not serve.
    Version {
        /// Name of the version.
        version: String,
    },
    /// Objects of a definition are stored in another version.
    StorageVersion {
        /// Name of the version before.
        from: String,
        /// Name of the version afterwards.
        to: String,
    },
    /// A job runs that says that its work cannot be undone.
    Job,
    /// A field gets a value that the API server does not let change again.
    Immutable {
        /// Path of the field.
        path: String,
    },
    /// A service gives up what the API server allocated to it.
    Allocation {
        /// Path of the field.
        path: String,
    },
    /// A claim is asked to shrink, which it cannot. It stays as it is.
    Kept {
        /// Storage that it has, as the manifest before has it.
        has: String,
        /// Storage that the release asks for.
        wants: String,
    },
}

/// Returns why the step from `before`, which is absent when the object is created, to `after`
/// cannot be taken back.
pub(crate) fn one_way(object: &ObjectRef, before: Option<&Value>, after: &Value) -> Vec<OneWay> {
    let reasons = match before {
        None if is_irreversible(object, after) => vec![Reason::Job],
        None => Vec::new(),
        Some(before) => match (object.group(), object.kind.as_str()) {
            ("apiextensions.k8s.io", "CustomResourceDefinition") => redefinition(before, after),
            ("", "PersistentVolumeClaim") => resizing(before, after).into_iter().collect(),
            ("", "Service") => allocations(before, after),
            _ => Vec::new(),
        },
    };
    let fixed = before.map_or_else(Vec::new, |before| fixed_by(before, after));
    let step = |why| OneWay { object: object.clone(), why };
    reasons.into_iter().chain(fixed).map(step).collect()
}

/// Returns the jobs of `current` whose work cannot be undone and that `target` does not have: going
/// from one to the other goes back behind them.
pub(crate) fn left_behind(current: &[Object], target: &[Object]) -> Vec<OneWay> {
    let is_kept = |job: &ObjectRef| target.iter().any(|object| object.reference() == job);
    let jobs = current.iter().filter(|object| {
        let reference = object.reference();
        is_job(reference) && !is_kept(reference) && is_irreversible(reference, &object.manifest())
    });
    jobs.map(|job| OneWay { object: job.reference().clone(), why: Reason::Job }).collect()
}

/// Keeps the storage that a claim has in `live` where `manifest` asks for less: no claim can
/// shrink. Returns whether it did.
pub(crate) fn settle_storage(manifest: &mut Value, live: &Value) -> bool {
    if manifest["kind"] != "PersistentVolumeClaim" || manifest["apiVersion"] != "v1" {
        return false;
    }
    let kept = storage(live);
    let sizes = Quantity::read(storage(manifest)).zip(Quantity::read(kept));
    let asks_for_less = sizes.is_some_and(|(asked, kept)| asked < kept);
    if asks_for_less {
        manifest["spec"]["resources"]["requests"]["storage"] = kept.clone();
    }
    asks_for_less
}

/// Keeps in `image` what `live` can never give up again, so that the rest of the object can go back.
/// Returns whether anything is kept.
pub(crate) fn settle(image: &mut Value, live: &Value) -> bool {
    let mut is_kept = settle_storage(image, live);
    for path in fixed_in(image, live) {
        let has = at(live, path);
        if at(image, path) != has {
            is_kept = true;
            put(image, path, has.clone());
        }
    }
    is_kept
}

/// Paths of what an object cannot change back any more.
fn fixed_in(image: &Value, live: &Value) -> &'static [&'static [&'static str]] {
    let is_gained = |path: &[&str]| at(image, path).is_null() && !at(live, path).is_null();
    match live["kind"].as_str() {
        Some("ConfigMap" | "Secret") if live["immutable"] == true => {
            &[&["immutable"], &["data"], &["binaryData"]]
        }
        Some("PersistentVolumeClaim") if is_gained(CLASS) => &[CLASS],
        Some("PersistentVolume") if is_gained(AFFINITY) => &[AFFINITY],
        _ => &[],
    }
}

const CLASS: &[&str] = &["spec", "volumeAttributesClassName"];
const AFFINITY: &[&str] = &["spec", "nodeAffinity"];

fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, name| &value[*name])
}

/// Puts `value` at `path`, where null means that there is nothing.
fn put(object: &mut Value, path: &[&str], value: Value) {
    let Some((last, parents)) = path.split_last() else { return };
    let parent = parents.iter().try_fold(object, |object, name| object.get_mut(*name));
    let Some(fields) = parent.and_then(Value::as_object_mut) else { return };
    if value.is_null() {
        fields.remove(*last);
    } else {
        fields.insert((*last).to_owned(), value);
    }
}

/// Returns whether the definition `present` has a version that `target` lacks. It is then left as
/// it is: objects may be stored in that version, and clients may use it.
pub(crate) fn keeps_definition(present: &Value, target: &Value) -> bool {
    let stored = present["status"]["storedVersions"].as_array().into_iter().flatten();
    let stored = stored.filter_map(Value::as_str);
    let known = versions(target, |_| true);
    versions(present, |_| true).into_iter().chain(stored).any(|version| !known.contains(version))
}

/// Tells whether an object is a job whose work cannot be undone.
pub(crate) fn is_irreversible(object: &ObjectRef, manifest: &Value) -> bool {
    is_job(object) && manifest["metadata"]["annotations"][IRREVERSIBLE_ANNOTATION] == "true"
}

fn storage(claim: &Value) -> &Value {
    &claim["spec"]["resources"]["requests"]["storage"]
}

fn resizing(before: &Value, after: &Value) -> Option<Reason> {
    let (from, to) = (storage(before), storage(after));
    match Quantity::read(from)?.partial_cmp(&Quantity::read(to)?)? {
        Ordering::Less => Some(Reason::Growth { from: text(from), to: text(to) }),
        Ordering::Equal => None,
        Ordering::Greater => Some(Reason::Kept { has: text(from), wants: text(to) }),
    }
}

fn redefinition(before: &Value, after: &Value) -> Vec<Reason> {
    let is_served = |version: &Value| version["served"] == true;
    let known = versions(before, is_served);
    let added = versions(after, is_served).into_iter().filter(|version| !known.contains(version));
    let mut reasons: Vec<_> =
        added.map(|version| Reason::Version { version: version.to_owned() }).collect();
    let stored = |manifest| versions(manifest, |version| version["storage"] == true).pop_first();
    if let (Some(from), Some(to)) = (stored(before), stored(after))
        && from != to
    {
        reasons.push(Reason::StorageVersion { from: from.to_owned(), to: to.to_owned() });
    }
    reasons
}

/// The names of those versions of a definition that `wanted` accepts.
fn versions(definition: &Value, wanted: impl Fn(&Value) -> bool) -> BTreeSet<&str> {
    let versions = definition["spec"]["versions"].as_array().into_iter().flatten();
    versions
        .filter(|version| wanted(version))
        .filter_map(|version| version["name"].as_str())
        .collect()
}

/// Fields that can change, but not back.
fn fixed_by(before: &Value, after: &Value) -> Vec<Reason> {
    if !immutable_changes(before, after).is_empty() {
        // The step itself is impossible, which is said elsewhere.
        return Vec::new();
    }
    let back = immutable_changes(after, before).into_iter();
    back.map(|found| Reason::Immutable { path: found.change.path }).collect()
}

/// What the API server allocated to a service because its manifest did not say, and what is lost
/// when the service does not need it any more: it would get something else the next time.
fn allocations(before: &Value, after: &Value) -> Vec<Reason> {
    let (old, new) = (&before["spec"], &after["spec"]);
    let mut lost = Vec::new();
    let has_address = |spec: &Value| spec["type"] != "ExternalName";
    if has_address(old) && !has_address(new) && old["clusterIP"].is_null() {
        lost.push("spec.clusterIP".to_owned());
    }
    if checks_health(old) && !checks_health(new) && old["healthCheckNodePort"].is_null() {
        lost.push("spec.healthCheckNodePort".to_owned());
    }
    for port in ports(old).filter(|port| has_node_ports(old) && port["nodePort"].is_null()) {
        let stays = has_node_ports(new) && ports(new).any(|kept| key(kept) == key(port));
        if !stays {
            lost.push(format!("spec.ports[{}].nodePort", text(&port["port"])));
        }
    }
    lost.into_iter().map(|path| Reason::Allocation { path }).collect()
}

fn ports(service: &Value) -> impl Iterator<Item = &Value> {
    service["ports"].as_array().into_iter().flatten()
}

/// What identifies a port of a service.
fn key(port: &Value) -> (&Value, &str) {
    (&port["port"], port["protocol"].as_str().unwrap_or("TCP"))
}

fn has_node_ports(service: &Value) -> bool {
    match service["type"].as_str() {
        Some("NodePort") => true,
        Some("LoadBalancer") => service["allocateLoadBalancerNodePorts"] != false,
        _ => false,
    }
}

fn checks_health(service: &Value) -> bool {
    service["type"] == "LoadBalancer" && service["externalTrafficPolicy"] == "Local"
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl fmt::Display for OneWay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.why)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Growth { from, to } => {
                write!(f, "its storage grows from {from} to {to}, and a claim cannot shrink")
            }
            Self::Version { version } => {
                write!(
                    f,
                    "it serves the new version {version}, which a way back does not take away"
                )
            }
            Self::StorageVersion { from, to } => {
                write!(f, "its objects are stored as {to} instead of {from} from now on")
            }
            Self::Job => f.write_str("this job says that its work cannot be undone"),
            Self::Immutable { path } => write!(f, "{path} cannot change back afterwards"),
            Self::Allocation { path } => {
                write!(f, "{path} is given up; the API server would allocate another one")
            }
            Self::Kept { has, wants } => {
                write!(f, "it keeps its storage of {has}; a claim cannot shrink to {wants}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn reasons(kind: &str, before: Option<Value>, after: Value) -> Vec<String> {
        let api_version = match kind {
            "CustomResourceDefinition" => "apiextensions.k8s.io/v1",
            "Job" => "batch/v1",
            _ => "v1",
        };
        let full = |mut manifest: Value| {
            manifest["apiVersion"] = json!(api_version);
            manifest["kind"] = json!(kind);
            manifest
        };
        let object = ObjectRef {
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
            namespace: None,
            name: "x".to_owned(),
        };
        let steps = one_way(&object, before.map(full).as_ref(), &full(after));
        steps.into_iter().map(|step| step.to_string()).collect()
    }

    fn claim(storage: &str) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "spec": { "resources": { "requests": { "storage": storage } } },
        })
    }

    /// A definition with versions by name: whether each is served, and whether it is stored.
    fn definition(versions: &[(&str, bool, bool)]) -> Value {
        let versions = versions.iter().map(
            |(name, served, storage)| json!({ "name": name, "served": served, "storage": storage }),
        );
        json!({ "spec": { "versions": versions.collect::<Vec<_>>() } })
    }

    fn service(spec: Value) -> Value {
        Map::from_iter([("spec".to_owned(), spec)]).into()
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn a_step_that_cannot_be_taken_back_is_named() {
        let irreversible =
            json!({ "metadata": { "annotations": { IRREVERSIBLE_ANNOTATION: "true" } } });
        let (port, fixed) = (json!([{ "port": 80 }]), json!([{ "port": 80, "nodePort": 30080 }]));
        for (case, kind, before, after, expected) in [
            (
                "a claim that grows",
                "PersistentVolumeClaim",
                Some(claim("900Mi")),
                claim("1Gi"),
                vec!["grows from 900Mi to 1Gi"],
            ),
            (
                "a claim of the same size in another unit",
                "PersistentVolumeClaim",
                Some(claim("1024Mi")),
                claim("1Gi"),
                vec![],
            ),
            ("a claim that is created", "PersistentVolumeClaim", None, claim("1Gi"), vec![]),
            (
                "a claim that is asked to shrink",
                "PersistentVolumeClaim",
                Some(claim("2Gi")),
                claim("1Gi"),
                vec!["keeps its storage of 2Gi"],
            ),
            (
                "a definition that serves one more version",
                "CustomResourceDefinition",
                Some(definition(&[("v1", true, true), ("v2", false, false)])),
                definition(&[("v1", true, true), ("v2", true, false), ("v3", false, false)]),
                vec!["serves the new version v2"],
            ),
            (
                "a definition whose objects are stored in another version",
                "CustomResourceDefinition",
                Some(definition(&[("v1", true, true), ("v2", true, false)])),
                definition(&[("v1", true, false), ("v2", true, true)]),
                vec!["stored as v2 instead of v1"],
            ),
            (
                "a definition that ceases to serve a version",
                "CustomResourceDefinition",
                Some(definition(&[("v1", true, true), ("v2", true, false)])),
                definition(&[("v1", true, true), ("v2", false, false)]),
                vec![],
            ),
            ("a job that says so", "Job", None, irreversible.clone(), vec!["cannot be undone"]),
            (
                "a job that says so and is there",
                "Job",
                Some(irreversible.clone()),
                irreversible.clone(),
                vec![],
            ),
            ("another kind that says so", "ConfigMap", None, irreversible, vec![]),
            (
                "data that becomes immutable",
                "ConfigMap",
                Some(json!({ "data": { "a": "b" } })),
                json!({ "data": { "a": "b" }, "immutable": true }),
                vec!["immutable cannot change back"],
            ),
            (
                "a claim that gets an attributes class",
                "PersistentVolumeClaim",
                Some(claim("1Gi")),
                json!({ "spec": { "volumeAttributesClassName": "gold",
                    "resources": { "requests": { "storage": "1Gi" } } } }),
                vec!["spec.volumeAttributesClassName cannot change back"],
            ),
            (
                "a service that gives up its node port",
                "Service",
                Some(service(json!({ "type": "NodePort", "ports": port }))),
                service(json!({ "ports": port })),
                vec!["spec.ports[80].nodePort is given up"],
            ),
            (
                "a service whose node port the release has set",
                "Service",
                Some(service(json!({ "type": "NodePort", "ports": fixed }))),
                service(json!({ "ports": port })),
                vec![],
            ),
            (
                "a service that becomes a load balancer and keeps its node port",
                "Service",
                Some(service(json!({ "type": "NodePort", "ports": port }))),
                service(json!({ "type": "LoadBalancer", "ports": port })),
                vec![],
            ),
            (
                "a load balancer that does without node ports",
                "Service",
                Some(service(json!({ "type": "LoadBalancer", "ports": port }))),
                service(json!({ "type": "LoadBalancer", "ports": port,
                    "allocateLoadBalancerNodePorts": false })),
                vec!["spec.ports[80].nodePort is given up"],
            ),
            (
                "a service that moves its port, and the node port with it",
                "Service",
                Some(service(json!({ "type": "NodePort", "ports": port }))),
                service(json!({ "type": "NodePort", "ports": [{ "port": 81 }] })),
                vec!["spec.ports[80].nodePort is given up"],
            ),
            (
                "a service that gives up its address",
                "Service",
                Some(service(json!({ "ports": port }))),
                service(json!({ "type": "ExternalName", "externalName": "example.com" })),
                vec!["spec.clusterIP is given up"],
            ),
            (
                "a load balancer that gives up its health check",
                "Service",
                Some(service(json!({ "type": "LoadBalancer", "ports": port,
                    "externalTrafficPolicy": "Local" }))),
                service(json!({ "type": "LoadBalancer", "ports": port })),
                vec!["spec.healthCheckNodePort is given up"],
            ),
        ] {
            let found = reasons(kind, before, after);
            assert_eq!(found.len(), expected.len(), "{case}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                assert!(found.contains(expected), "{case}: {found}");
            }
        }
    }

    #[test]
    fn a_claim_is_never_asked_to_shrink() {
        for (case, live, asked, expected) in [
            ("it would shrink", "2Gi", "1Gi", "2Gi"),
            ("it would grow", "1Gi", "2Gi", "2Gi"),
            ("it has another unit", "1024Mi", "1Gi", "1Gi"),
            ("the live size cannot be read", "many", "1Gi", "1Gi"),
        ] {
            let mut manifest = claim(asked);
            let settled = settle_storage(&mut manifest, &claim(live));
            assert_eq!(manifest, claim(expected), "{case}");
            assert_eq!(settled, asked != expected, "{case}");
        }
        let mut other = json!({ "apiVersion": "v1", "kind": "ConfigMap" });
        assert!(!settle_storage(&mut other, &claim("2Gi")));
        assert_eq!(other, json!({ "apiVersion": "v1", "kind": "ConfigMap" }));
    }

    #[test]
    fn a_definition_never_loses_a_version() {
        let (v1, both) = ([("v1", true, true)], [("v1", true, true), ("v2", true, false)]);
        let mut stored_before = definition(&v1);
        stored_before["status"] = json!({ "storedVersions": ["v0", "v1"] });
        for (case, present, target, expected) in [
            ("it would lose one", definition(&both), definition(&v1), true),
            ("it gains one", definition(&v1), definition(&both), false),
            ("it stays", definition(&both), definition(&both), false),
            ("objects are stored in one that is gone", stored_before, definition(&v1), true),
        ] {
            assert_eq!(keeps_definition(&present, &target), expected, "{case}");
        }
    }

    #[test]
    fn what_cannot_go_back_is_kept_and_the_rest_goes_back() {
        let config = |immutable: bool, text: &str| json!({ "kind": "ConfigMap", "immutable": immutable, "data": { "text": text } });
        let classed = |class: Value| json!({ "kind": "PersistentVolumeClaim", "spec": { "volumeAttributesClassName": class } });
        for (case, image, live, expected) in [
            (
                "data that became immutable",
                json!({ "kind": "ConfigMap", "data": { "text": "old" } }),
                config(true, "new"),
                Some(config(true, "new")),
            ),
            ("data that stayed mutable", config(false, "old"), config(false, "new"), None),
            (
                "a class that a claim gained",
                json!({ "kind": "PersistentVolumeClaim", "spec": {} }),
                classed(json!("gold")),
                Some(classed(json!("gold"))),
            ),
            ("a class that changed", classed(json!("silver")), classed(json!("gold")), None),
            ("storage that grew", claim("1Gi"), claim("2Gi"), Some(claim("2Gi"))),
        ] {
            let mut settled = image.clone();
            let is_kept = settle(&mut settled, &live);
            assert_eq!(is_kept, expected.is_some(), "{case}");
            assert_eq!(settled, expected.unwrap_or(image), "{case}");
        }
    }
}
