//! Images: whole objects as they were before a transaction, and what brings them back.
//!
//! An object is restored to its image in two writes. The first makes its fields those of the image;
//! but fields that were not ours and that somebody else owns by now are theirs and stay. The API
//! server books what the first write changed to us, so the second one gives the fields their old
//! owners back. Then the object is as before but for `resourceVersion`, `generation` and `status`
//! (measured on 1.36).

use serde::{Deserialize, Deserializer, de};
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    client::FIELD_MANAGER,
    fetch::Named,
    live::{Metadata, PartialObject},
    owned, replicas,
};

/// A whole object as the API server wrote it.
#[derive(Clone, Debug)]
pub(crate) struct Image {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) text: Box<RawValue>,
    name: String,
    namespace: Option<String>,
}

impl<'de> Deserialize<'de> for Image {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(deserializer)?;
        let PartialObject { metadata } =
            serde_json::from_str(text.get()).map_err(de::Error::custom)?;
        let Metadata { uid, resource_version, name, namespace, .. } = metadata;
        Ok(Self { uid, resource_version, text, name, namespace })
    }
}

impl Named for Image {
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}

/// Field manager of the mark that makes late writes fail.
pub(crate) const FENCE_MANAGER: &str = "a4co-fence";

/// Field managers whose fields are ours to restore.
const OURS: [&str; 3] = [FIELD_MANAGER, replicas::HOLDER, FENCE_MANAGER];

/// Metadata that the API server writes itself.
const SERVER_METADATA: [&str; 7] = [
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "uid",
];

/// Annotation of a `DaemonSet` that the API server writes itself: how often its template changed.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Returns the patch (RFC 7386) that brings the fields of `live` back to `image`, if they differ.
pub(crate) fn patch_fields(image: &Value, live: &Value) -> Option<Value> {
    let mut goal = essence(image);
    for entry in entries(live).filter(|entry| !is_ours(entry)) {
        owned::graft(&mut goal, live, &entry["fieldsV1"]);
    }
    for entry in entries(image).filter(|entry| is_ours(entry)) {
        owned::graft(&mut goal, image, &entry["fieldsV1"]);
    }
    if let Some(fields) = goal.as_object_mut() {
        fields.remove("status");
    }
    merge_patch(&essence(live), &goal)
}

/// Returns the patch that gives the fields of `live` the owners that they have in `image`, if they
/// have others.
pub(crate) fn patch_owners(image: &Value, live: &Value) -> Option<Value> {
    let ours = |object| entries(object).filter(|entry| is_ours(entry)).map(untimed);
    let is_lost = |entry: &&Value| {
        !is_ours(entry)
            && entry["subresource"] != "status"
            && !entries(live).any(|known| identity(known) == identity(entry))
    };
    let lost: Vec<&Value> = entries(image).filter(is_lost).collect();
    if lost.is_empty() && ours(image).eq(ours(live)) {
        return None;
    }
    let old = entries(image).filter(|entry| is_ours(entry)).chain(lost);
    let theirs = entries(live).filter(|entry| !is_ours(entry));
    let mut owners: Vec<Value> = old.chain(theirs).cloned().collect();
    if owners.is_empty() {
        // The API server takes an empty list for none at all, and this for an empty one.
        owners.push(json!({}));
    }
    Some(json!({ "metadata": { "managedFields": owners } }))
}

/// Returns who, besides us, owns fields of `live` that are ours in `image`.
pub(crate) fn usurpers<'a>(image: &Value, live: &'a Value) -> Vec<&'a str> {
    let ours: Vec<&Value> = entries(image).filter(|entry| is_ours(entry)).collect();
    let has_taken = |entry: &&Value| {
        let was_there = entries(image).any(|known| identity(known) == identity(entry));
        !is_ours(entry)
            && !was_there
            && ours.iter().any(|ours| owned::overlap(&entry["fieldsV1"], &ours["fieldsV1"]))
    };
    entries(live).filter(has_taken).filter_map(|entry| entry["manager"].as_str()).collect()
}

/// Returns the object as it can be created again.
pub(crate) fn to_create(image: &Value, api_version: &str, kind: &str) -> Value {
    let mut object = essence(image);
    object["apiVersion"] = api_version.into();
    object["kind"] = kind.into();
    object
}

/// Returns the fields of `object` that count: neither status nor what the API server writes.
pub(crate) fn essence(object: &Value) -> Value {
    let mut fields = object.as_object().cloned().unwrap_or_default();
    // Items of a list do not say what they are.
    fields.retain(|name, _| !["apiVersion", "kind", "status"].contains(&name.as_str()));
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|name, _| !SERVER_METADATA.contains(&name.as_str()));
        let annotations = metadata.get_mut("annotations").and_then(Value::as_object_mut);
        annotations.and_then(|annotations| annotations.remove(TEMPLATE_GENERATION));
    }
    fields.into()
}

/// The entries of `managedFields`. Those of the status count too: controllers write annotations by
/// that way.
pub(crate) fn entries(object: &Value) -> impl Iterator<Item = &Value> {
    let entries: &[Value] =
        object["metadata"]["managedFields"].as_array().map_or(&[], Vec::as_slice);
    entries.iter()
}

fn is_ours(entry: &Value) -> bool {
    entry["manager"].as_str().is_some_and(|manager| OURS.contains(&manager))
}

fn identity(entry: &Value) -> (&Value, &Value, &Value) {
    (&entry["manager"], &entry["operation"], &entry["subresource"])
}

fn untimed(entry: &Value) -> Value {
    let mut entry = entry.clone();
    if let Some(entry) = entry.as_object_mut() {
        entry.remove("time");
    }
    entry
}

/// Returns the patch that makes `new` of `old`, if they differ.
pub(crate) fn merge_patch(old: &Value, new: &Value) -> Option<Value> {
    let (Some(before), Some(after)) = (old.as_object(), new.as_object()) else {
        return (old != new).then(|| new.clone());
    };
    let mut patch = Map::new();
    for (name, value) in after {
        let change = match before.get(name) {
            Some(known) => merge_patch(known, value),
            None => Some(value.clone()),
        };
        patch.extend(change.map(|change| (name.clone(), change)));
    }
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    patch.extend(gone.map(|name| (name.clone(), Value::Null)));
    (!patch.is_empty()).then(|| patch.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An object with these fields, and these owners: manager, subresource, fields.
    fn object(spec: &Value, owners: &[(&str, &str, Value)]) -> Value {
        let entry = |(manager, subresource, fields): &(&str, &str, Value)| {
            json!({
                "manager": manager, "operation": "Apply", "subresource": subresource,
                "time": format!("{:?}", spec.to_string().len()), "fieldsV1": fields,
            })
        };
        json!({
            "metadata": {
                "name": "x",
                "uid": "u",
                "resourceVersion": spec.to_string(),
                "managedFields": owners.iter().map(entry).collect::<Vec<_>>(),
            },
            "spec": spec,
            "status": spec,
        })
    }

    fn of(fields: &[&str]) -> Value {
        let fields: Map<_, _> =
            fields.iter().map(|name| (format!("f:{name}"), json!({}))).collect();
        json!({ "f:spec": fields })
    }

    #[test]
    fn fields_come_back_but_for_those_that_others_own() {
        let ours = || (FIELD_MANAGER, "", of(&["image"]));
        let image = object(&json!({ "image": "a", "replicas": 1, "old": 1 }), &[ours()]);
        for (case, spec, owners, expected) in [
            ("as it was", json!({ "image": "a", "replicas": 1, "old": 1 }), vec![ours()], None),
            (
                "changed, added and removed",
                json!({ "image": "b", "replicas": 1, "new": { "x": 1 } }),
                vec![ours()],
                Some(json!({ "spec": { "image": "a", "old": 1, "new": null } })),
            ),
            (
                "scaled by others meanwhile",
                json!({ "image": "b", "replicas": 5, "old": 1, "theirs": 1 }),
                vec![ours(), ("scaler", "scale", of(&["replicas", "theirs"]))],
                Some(json!({ "spec": { "image": "a" } })),
            ),
            (
                "what was ours and others took",
                json!({ "image": "b", "replicas": 1, "old": 1 }),
                vec![("x", "", of(&["image"]))],
                Some(json!({ "spec": { "image": "a" } })),
            ),
            (
                "written by a controller with the status",
                json!({ "image": "b", "replicas": 2, "old": 1 }),
                vec![
                    ours(),
                    ("x", "status", of(&["replicas"])),
                    ("x", "", json!({ "f:status": {} })),
                ],
                Some(json!({ "spec": { "image": "a" } })),
            ),
        ] {
            assert_eq!(patch_fields(&image, &object(&spec, &owners)), expected, "{case}");
        }
    }

    #[test]
    fn fields_get_their_owners_back() {
        let ours = |fields: &[&str]| (FIELD_MANAGER, "", of(fields));
        let helm = || ("helm", "", of(&["image"]));
        let scaler = || ("scaler", "scale", of(&["replicas"]));
        let managers = |patch: Option<Value>| -> Option<Vec<String>> {
            let entries = patch?["metadata"]["managedFields"].as_array()?.clone();
            Some(entries.iter().map(|e| format!("{}{}", e["manager"], e["fieldsV1"])).collect())
        };
        let line = |(manager, _, fields): (&str, &str, Value)| format!("\"{manager}\"{fields}");
        for (case, image, live, expected) in [
            ("as it was", vec![ours(&["a"]), helm()], vec![ours(&["a"]), helm()], None),
            ("others came", vec![ours(&["a"])], vec![ours(&["a"]), scaler()], None),
            (
                "we own more",
                vec![ours(&["a"])],
                vec![ours(&["a", "b"]), scaler()],
                Some(vec![line(ours(&["a"])), line(scaler())]),
            ),
            (
                "we took an object over",
                vec![helm()],
                vec![ours(&["image"]), scaler()],
                Some(vec![line(helm()), line(scaler())]),
            ),
        ] {
            let with = |owners: &[_]| object(&json!({}), owners);
            let patch = patch_owners(&with(&image), &with(&live));
            assert_eq!(managers(patch), expected, "{case}");
        }
    }

    #[test]
    fn an_object_that_nobody_owned_is_nobodys_again() {
        let none = object(&json!({}), &[]);
        let taken = object(&json!({}), &[(FIELD_MANAGER, "", of(&["a"]))]);
        let patch = patch_owners(&none, &taken).unwrap();
        assert_eq!(patch, json!({ "metadata": { "managedFields": [{}] } }));
        assert_eq!(patch_owners(&none, &none), None);
    }

    #[test]
    fn what_is_no_object_has_no_fields() {
        assert_eq!(essence(&json!([])), json!({}));
    }

    #[test]
    fn a_new_object_has_nothing_that_the_api_server_writes() {
        let expected = json!({
            "apiVersion": "v1", "kind": "X", "metadata": { "name": "x" }, "spec": { "a": 1 },
        });
        assert_eq!(to_create(&object(&json!({ "a": 1 }), &[]), "v1", "X"), expected);
    }
}
