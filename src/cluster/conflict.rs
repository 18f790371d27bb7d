//! Fields that others own with another value: who they are, and both values.
//!
//! The API server names the fields in its answer; owners and values are read from the live object.
//! A field path has dots between names that may have dots themselves, so it is never taken apart: it
//! is found by walking the sets of `managedFields` and writing down each step as the API server does
//! (`PathElement` of structured-merge-diff).

use std::fmt;

use a4co_bundle::ObjectRef;
use serde::Serialize;
use serde_json::Value;

use crate::{
    client::{Client, FIELD_MANAGER, Form},
    error::ApiError,
    owned,
    step::StepError,
    text,
};

/// A field that others own with another value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Path as the API server writes it, such as `.spec.ports[port=80,protocol="TCP"].targetPort`.
    pub field: String,
    /// Value in the cluster; `None` when it cannot be told.
    pub live: Option<Value>,
    /// Value that the release has; `None` when it cannot be told.
    pub release: Option<Value>,
    /// Field managers that own it; empty when that cannot be told.
    pub managers: Vec<String>,
}

/// What stands for a value that is not shown.
const HIDDEN: &str = "(secret)";

/// Most characters of a value in a line.
const SHOWN: usize = 80;

/// Reads who owns the fields of the object at `path` for which the API server refused `manifest`.
pub(crate) async fn explain(
    client: &Client,
    path: &str,
    object: &ObjectRef,
    manifest: &Value,
    error: &ApiError,
) -> StepError {
    // Without the object, the fields alone still help.
    let live: Option<Value> = client.get(path, Form::Whole).await.ok().flatten();
    let conflicts = conflicts(error, &live.unwrap_or_default(), manifest);
    StepError::Conflict { object: object.clone(), conflicts }
}

/// Returns the conflicts that `error` tells of, between what is `live` and `manifest`.
pub(crate) fn conflicts(error: &ApiError, live: &Value, manifest: &Value) -> Vec<Conflict> {
    let fields = error.field_conflicts().into_iter().map(|cause| cause.field.as_str());
    fields.map(|field| conflict(field, live, manifest)).collect()
}

/// Returns the entries of `managedFields` by which others own `field`.
pub(crate) fn owners<'a>(field: &str, live: &'a Value) -> Vec<&'a Value> {
    let entries = live["metadata"]["managedFields"].as_array().into_iter().flatten();
    let others = entries.filter(|entry| entry["manager"] != FIELD_MANAGER);
    others.filter(|entry| locate(&entry["fieldsV1"], field).is_some()).collect()
}

fn conflict(field: &str, live: &Value, manifest: &Value) -> Conflict {
    let owners = owners(field, live);
    let keys = owners.first().and_then(|entry| locate(&entry["fieldsV1"], field));
    let value = |object| {
        let value: &Value = owned::at(object, keys.as_ref()?)?;
        let is_shown = manifest["kind"] != "Secret" || is_public(field);
        Some(if is_shown { value.clone() } else { HIDDEN.into() })
    };
    let mut managers: Vec<String> = owners.iter().map(|entry| name(entry)).collect();
    managers.dedup();
    Conflict { field: field.to_owned(), live: value(live), release: value(manifest), managers }
}

/// Tells whether a field of a Secret may be shown. Annotations may not: kubectl keeps a copy of the
/// content in one.
fn is_public(field: &str) -> bool {
    [".metadata.labels", ".immutable", ".type"].iter().any(|public| field.starts_with(public))
}

/// The name of a manager as it tells the most.
fn name(entry: &Value) -> String {
    let manager = text::clean(entry["manager"].as_str().unwrap_or_default());
    match entry["subresource"].as_str() {
        Some(subresource) => format!("{manager} ({})", text::clean(subresource)),
        None => manager,
    }
}

/// Finds `path` in a set of fields, and returns the keys that lead there.
fn locate<'a>(set: &'a Value, path: &str) -> Option<Vec<&'a str>> {
    if path.is_empty() {
        return Some(Vec::new());
    }
    // The name `a` begins the name `a.b` too, so the first key that fits may be the wrong one.
    owned::parts(set).find_map(|(key, inner)| {
        let below = locate(inner, path.strip_prefix(&step(key)?)?)?;
        Some([key].into_iter().chain(below).collect())
    })
}

/// Writes a key of a set as the API server does in a path.
fn step(key: &str) -> Option<String> {
    let (kind, text) = key.split_once(':')?;
    match kind {
        "f" => Some(format!(".{text}")),
        "k" => {
            let keys: Value = serde_json::from_str(text).ok()?;
            let keys = keys.as_object()?.iter().map(|(name, value)| format!("{name}={value}"));
            Some(format!("[{}]", keys.collect::<Vec<_>>().join(",")))
        }
        "v" => Some(format!("[={text}]")),
        "i" => Some(format!("[{text}]")),
        _ => None,
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.field)?;
        let managers: Vec<_> = self.managers.iter().map(|name| format!("`{name}`")).collect();
        let (who, has, owns) = match managers.len() {
            0 => ("somebody else".to_owned(), "has", "owns"),
            1 => (managers.join(""), "has", "owns"),
            _ => (managers.join(" and "), "have", "own"),
        };
        match (&self.live, &self.release) {
            (Some(live), Some(release)) => {
                write!(f, "{who} {has} {}, the release has {}", short(live), short(release))
            }
            _ => write!(f, "{who} {owns} it"),
        }
    }
}

fn short(value: &Value) -> String {
    let mut text = value.to_string();
    if let Some((cut, _)) = text.char_indices().nth(SHOWN) {
        text.truncate(cut);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(fields: &[&str]) -> ApiError {
        let cause = |field: &&str| json!({ "reason": "FieldManagerConflict", "field": field });
        let causes: Vec<Value> = fields.iter().map(cause).collect();
        let status = json!({ "reason": "Conflict", "details": { "causes": causes } });
        ApiError::from_status("PATCH /x".to_owned(), 409, status.to_string().as_bytes())
    }

    fn live(kind: &str) -> Value {
        json!({
            "kind": kind,
            "metadata": {
                "annotations": { "app": "1", "app.example.com/x": "theirs" },
                "finalizers": ["x"],
                "managedFields": [
                    { "manager": FIELD_MANAGER, "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                    { "manager": "helm", "fieldsV1": {
                        "f:data": { "f:password": {} },
                        "f:metadata": {
                            "f:annotations": { "f:app": {}, "f:app.example.com/x": {} },
                            "f:finalizers": { "v:\"x\"": {} },
                        },
                        "f:spec": {
                            "f:template": { "f:spec": { "f:containers": {
                                "k:{\"name\":\"web\"}": { ".": {}, "f:image": {}, "f:name": {} },
                            }}},
                            "f:ports": { "k:{\"port\":80,\"protocol\":\"TCP\"}": {
                                ".": {}, "f:targetPort": {},
                            }},
                        },
                    }},
                    { "manager": "kubectl", "subresource": "scale", "fieldsV1": {
                        "f:spec": { "f:replicas": {} },
                    }},
                    { "manager": "kubectl-edit", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                ],
            },
            "data": { "password": "aHVudGVyMg==" },
            "spec": {
                "replicas": 5,
                "template": { "spec": { "containers": [
                    { "name": "log", "image": "l" }, { "name": "web", "image": "theirs" },
                ]}},
                "ports": [{ "port": 80, "protocol": "TCP", "targetPort": 1 }],
            },
        })
    }

    #[test]
    fn a_conflict_names_field_manager_and_both_values() {
        let manifest = |kind: &str| {
            json!({
                "kind": kind,
                "metadata": { "annotations": { "app.example.com/x": "ours" }, "finalizers": ["x"] },
                "data": { "password": "UzNDUkVU" },
                "spec": {
                    "replicas": 3,
                    "template": { "spec": { "containers": [{ "name": "web", "image": "ours" }] } },
                    "ports": [{ "port": 80, "targetPort": 2 }],
                },
            })
        };
        for (case, kind, field, expected) in [
            (
                "two managers, one by way of a subresource",
                "Deployment",
                ".spec.replicas",
                "`kubectl (scale)` and `kubectl-edit` have 5, the release has 3",
            ),
            (
                "an item of a list",
                "Deployment",
                ".spec.template.spec.containers[name=\"web\"].image",
                "`helm` has \"theirs\", the release has \"ours\"",
            ),
            (
                "an item with two keys, of which the release leaves one to its default",
                "Service",
                ".spec.ports[port=80,protocol=\"TCP\"].targetPort",
                "`helm` has 1, the release has 2",
            ),
            (
                "a name with dots that begins like another one",
                "Deployment",
                ".metadata.annotations.app.example.com/x",
                "`helm` has \"theirs\", the release has \"ours\"",
            ),
            (
                "a value in a list",
                "Deployment",
                ".metadata.finalizers[=\"x\"]",
                "`helm` has \"x\", the release has \"x\"",
            ),
            (
                "the content of a Secret",
                "Secret",
                ".data.password",
                "`helm` has \"(secret)\", the release has \"(secret)\"",
            ),
            (
                "an annotation of a Secret",
                "Secret",
                ".metadata.annotations.app.example.com/x",
                "`helm` has \"(secret)\", the release has \"(secret)\"",
            ),
            ("a field that nobody owns any more", "Deployment", ".spec.x", "somebody else owns it"),
        ] {
            let found = conflicts(&refused(&[field]), &live(kind), &manifest(kind));
            let found: Vec<_> = found.iter().map(ToString::to_string).collect();
            assert_eq!(found, [format!("{field}: {expected}")], "{case}");
        }
    }

    #[test]
    fn a_long_value_is_cut() {
        let long: Value = "x".repeat(200).into();
        let conflict = Conflict {
            field: ".data.x".to_owned(),
            live: Some(long.clone()),
            release: Some(long),
            managers: vec!["helm".to_owned()],
        };
        let text = conflict.to_string();
        assert!(text.len() < 250, "{text}");
    }
}
