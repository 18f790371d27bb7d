//! Foresees what taking an object over changes: in two dry runs at most, for the API server knows
//! its defaults and we do not.
//!
//! Taking over is two writes, of which the second depends on the first, and dry runs do not add up.
//! So the one asks what the release's fields make of the object, and the other, without them, what
//! it is once the former owners' fields are gone as well. When only metadata goes, nothing can take
//! its place, and the second one is saved.

use std::collections::BTreeMap;

use a4co_bundle::{FieldChange, Object, ObjectRef, field_changes};
use futures::{StreamExt as _, stream};
use serde_json::{Value, json};

use crate::{
    adopt::{Adoption, is_ours, left},
    change::{Change, Step},
    client::{Client, Conflicts, Form},
    conflict::{self, Conflict},
    error::ApiError,
    fetch::{CONCURRENCY, Found, fetch},
    image,
    immutable::{Answer, ImmutableChange, immutable_changes},
    one_way::{self, OneWay, Reason},
    owned,
    plan::Plan,
    replicas, secret,
    step::StepError,
    survey::Survey,
};

/// Annotation in which client-side `kubectl apply` keeps a copy of the whole manifest.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What is foreseen of one object.
pub(crate) struct Foreseen {
    pub(crate) object: ObjectRef,
    /// What changes, or why it cannot be taken over.
    pub(crate) answer: Result<Vec<FieldChange>, StepError>,
    /// What cannot be taken back.
    pub(crate) one_way: Vec<OneWay>,
    /// What can never change, should the API server have refused that.
    pub(crate) immutable: Vec<ImmutableChange>,
}

/// Asks about every object that `plan` takes over, and about those of ours in which others own
/// fields.
pub(crate) async fn adoptions(
    client: &Client,
    survey: &Survey<'_>,
    plan: &Plan,
    objects: &BTreeMap<&ObjectRef, &Object>,
) -> Result<Vec<Foreseen>, ApiError> {
    let Some(adoption) = survey.adoption else { return Ok(Vec::new()) };
    // A namespace is shared with whoever made it.
    let is_ours = |step: &Step| {
        let is_member = step.live.as_ref().is_some_and(|live| live.part_of.is_some());
        is_member && step.object.kind != "Namespace"
    };
    let is_concerned = |step: &&Step| match step.change {
        Change::Adopt(_) => !step.unchecked,
        Change::Update(_) | Change::Restore => is_ours(step) && !step.unchecked,
        _ => false,
    };
    let steps: Vec<&Step> = plan.steps.iter().filter(is_concerned).collect();
    let references = steps.iter().map(|step| &step.object);
    let live: Found<Value> = fetch(client, &survey.resources, references, Form::Whole).await?;
    let has_former_owner = |step: &&&Step| {
        let is_foreign = matches!(step.change, Change::Adopt(_));
        is_foreign || live.get(&step.object).is_some_and(|live| adoption.concerns(live))
    };
    let ask = async |step: &&Step| {
        let (object, live) = (objects.get(&step.object)?, live.get(&step.object)?);
        let resource = survey.resources.of(&step.object)?;
        let path = resource.path(step.object.namespace.as_deref(), &step.object.name);
        let answer = adoption.foresee(client, &path, object, live).await;
        let mut manifest = object.manifest();
        secret::encode(&mut manifest);
        let one_way = one_way::one_way(&step.object, Some(live), &manifest).into_iter();
        // The others compare with what was applied before, which nobody knows here.
        let is_known = |step: &OneWay| {
            use Reason::{Growth, StorageVersion, Version};
            matches!(step.why, Growth { .. } | Version { .. } | StorageVersion { .. })
        };
        let is_invalid = answer.as_ref().is_err_and(StepError::is_invalid);
        let mut immutable = if is_invalid { immutable(live, &manifest) } else { Vec::new() };
        immutable.extend(ignored(&step.object, live, &manifest));
        Some(Foreseen {
            object: step.object.clone(),
            answer,
            one_way: one_way.filter(is_known).collect(),
            immutable,
        })
    };
    let asked = stream::iter(steps.iter().filter(has_former_owner)).map(ask);
    let foreseen: Vec<_> = asked.buffered(CONCURRENCY).collect().await;
    Ok(foreseen.into_iter().flatten().collect())
}

/// What `manifest` has otherwise than what is `live`, where that can never change.
fn immutable(live: &Value, manifest: &Value) -> Vec<ImmutableChange> {
    let mut known = restricted(live, manifest);
    // Items of a list do not say what they are, and the content of a Secret is to be known as such.
    known["kind"] = manifest["kind"].clone();
    immutable_changes(&known, manifest)
}

/// What the API server would leave as it is `live`, and say nothing: no dry run finds that, and
/// a manifest may ask for it by silence.
fn ignored(object: &ObjectRef, live: &Value, manifest: &Value) -> Vec<ImmutableChange> {
    let mut changes = immutable_changes(&named(object, image::essence(live)), manifest);
    changes.retain(|change| change.answer == Answer::Ignored);
    changes
}

/// Says in an object what it is, which items of a list do not; by its kind, the content of a Secret is
/// known to be one.
fn named(object: &ObjectRef, mut value: Value) -> Value {
    value["kind"] = object.kind.as_str().into();
    value
}

/// The part of `live` that `manifest` has something to say about.
fn restricted(live: &Value, manifest: &Value) -> Value {
    match (live, manifest) {
        (Value::Object(live), Value::Object(manifest)) => {
            let known = manifest
                .iter()
                .filter_map(|(name, part)| Some((name.clone(), restricted(live.get(name)?, part))));
            Value::Object(known.collect())
        }
        (Value::Array(live), Value::Array(manifest)) => {
            let one = |(index, item): (usize, &Value)| match manifest.get(index) {
                Some(part) => restricted(item, part),
                None => item.clone(),
            };
            live.iter().enumerate().map(one).collect()
        }
        _ => live.clone(),
    }
}

impl Adoption {
    /// Asks what taking over what is `live` at `path` changes, and whether somebody is in the way.
    pub(crate) async fn foresee(
        &self,
        client: &Client,
        path: &str,
        object: &Object,
        live: &Value,
    ) -> Result<Vec<FieldChange>, StepError> {
        let refused = |error| StepError::write("adopt", object.reference(), error);
        let mut manifest = object.manifest();
        secret::encode(&mut manifest);
        one_way::settle_storage(&mut manifest, live);
        let mut over = manifest.clone();
        over["metadata"]["uid"] = live["metadata"]["uid"].clone();
        let mut applied = client.preview_apply(path, &over, Conflicts::Refuse).await;
        if let Err(error) = &applied
            && !error.field_conflicts().is_empty()
        {
            let conflicts = self.others(error, live, &manifest);
            if !conflicts.is_empty() {
                let object = object.reference().clone();
                return Err(StepError::Conflict { object, conflicts });
            }
            applied = client.preview_apply(path, &over, Conflicts::Force).await;
        }
        let applied = applied.map_err(refused)?;
        let leftover = self.leftover(live, &applied);
        let mut goal = applied;
        owned::remove(&mut goal, &leftover);
        if owned::parts(&leftover).any(|(key, _)| key != "f:metadata")
            && let Some(mut patch) = patch(live, &goal)
        {
            patch["metadata"]["uid"] = live["metadata"]["uid"].clone();
            goal = client.preview_merge(path, &patch).await.map_err(refused)?;
        }
        Ok(changes(object.reference(), live, &goal))
    }

    /// The conflicts with those who are no former owners. A replica count may be taken from an
    /// autoscaler.
    fn others(&self, error: &ApiError, live: &Value, manifest: &Value) -> Vec<Conflict> {
        let may_be_taken = |field: &str, entry: &Value| {
            self.taken(entry).is_some() || replicas::is_autoscaled(field, entry)
        };
        let mut conflicts = conflict::conflicts(error, live, manifest);
        conflicts.retain(|conflict| {
            let owners = conflict::owners(&conflict.field, live);
            owners.is_empty() && !is_ownerless(live)
                || !owners.iter().all(|entry| may_be_taken(&conflict.field, entry))
        });
        conflicts
    }

    /// The fields that nobody owns once `live` is taken over and the release is `applied`.
    fn leftover(&self, live: &Value, applied: &Value) -> Value {
        let mut fields = json!({});
        // Where nobody owned anything, the API server has said by now what there was.
        let known = if is_ownerless(live) { applied } else { live };
        for entry in image::entries(known) {
            if let Some(taken) = self.taken(entry) {
                owned::unite(&mut fields, &taken);
            } else if is_ours(entry) {
                owned::unite(&mut fields, &entry["fieldsV1"]);
            }
        }
        let kept = image::entries(applied).filter(|entry| is_ours(entry)).cloned();
        let others = image::entries(known).filter(|entry| !is_ours(entry));
        let others = others.filter_map(|entry| match self.taken(entry) {
            Some(_) => left(entry),
            None => Some(entry.clone()),
        });
        for entry in kept.chain(others) {
            owned::subtract(&mut fields, &entry["fieldsV1"]);
        }
        // A count that the release leaves to an autoscaler is handed over.
        owned::subtract(&mut fields, &json!({ "f:spec": { "f:replicas": {} } }));
        fields
    }
}

fn is_ownerless(live: &Value) -> bool {
    image::entries(live).next().is_none()
}

fn patch(live: &Value, goal: &Value) -> Option<Value> {
    image::merge_patch(&image::essence(live), &image::essence(goal))
}

fn changes(object: &ObjectRef, live: &Value, goal: &Value) -> Vec<FieldChange> {
    let comparable = |value: &Value| named(object, image::essence(value));
    let mut changes = field_changes(&comparable(live), &comparable(goal));
    for change in &mut changes {
        let is_annotation = change.path.starts_with("metadata.annotations");
        for value in [&mut change.old, &mut change.new].into_iter().flatten() {
            if is_annotation && change.path.contains(LAST_APPLIED) {
                *value = "(what kubectl applied last)".into();
            }
            if is_annotation && let Some(copy) = value.get_mut(LAST_APPLIED) {
                *copy = "(what kubectl applied last)".into();
            }
        }
    }
    changes
}

impl Step {
    /// Returns whether it replaces the pods of a workload.
    #[must_use]
    pub fn restarts_pods(&self) -> bool {
        // The pods of a StatefulSet outlive it.
        let is_replaced =
            matches!(self.change, Change::Recreate(_)) && self.object.kind != "StatefulSet";
        let changes_template = self.change.fields().iter().any(is_of_template);
        self.is_of_workload() && (is_replaced || changes_template)
    }

    /// Returns whether it may replace the pods of a workload: what others had changed there, and is
    /// set right, is not known.
    #[must_use]
    pub fn may_restart_pods(&self) -> bool {
        self.is_of_workload() && self.change == Change::Restore
    }

    fn is_of_workload(&self) -> bool {
        self.object.group() == "apps"
            && ["DaemonSet", "Deployment", "StatefulSet"].contains(&self.object.kind.as_str())
    }
}

fn is_of_template(change: &FieldChange) -> bool {
    let template = "spec.template";
    let below = change.path.strip_prefix(template);
    below.is_some_and(|below| below.is_empty() || below.starts_with('.')) || change.path == "spec"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str, entries: &[(&str, &str, Value)]) -> Value {
        let entry = |(manager, operation, fields): &(&str, &str, Value)| json!({ "manager": manager, "operation": operation, "fieldsV1": fields });
        let entries: Vec<Value> = entries.iter().map(entry).collect();
        json!({ "kind": kind, "metadata": { "managedFields": entries } })
    }

    #[test]
    fn what_only_former_owners_had_is_left_over() {
        let set = |names: &[&str]| -> Value {
            let fields = names.iter().map(|name| (format!("f:{name}"), json!({})));
            Value::Object(fields.collect())
        };
        for (case, live, ours, expected) in [
            (
                "the release has all of it",
                vec![("helm", "Apply", set(&["a"]))],
                set(&["a"]),
                set(&[]),
            ),
            (
                "the release lacks a field",
                vec![("helm", "Apply", set(&["a", "b"]))],
                set(&["a"]),
                set(&["b"]),
            ),
            (
                "a controller owns it too",
                vec![("helm", "Apply", set(&["a", "b"])), ("c", "Update", set(&["b"]))],
                set(&["a"]),
                set(&[]),
            ),
            (
                "we had it",
                vec![("a4co", "Apply", set(&["a", "b"])), ("kubectl-edit", "Update", set(&["a"]))],
                set(&["a"]),
                set(&["b"]),
            ),
            (
                "a replica count that is handed over",
                vec![("helm", "Apply", json!({ "f:spec": { "f:replicas": {} } }))],
                set(&["a"]),
                set(&[]),
            ),
        ] {
            let applied = object("X", &[("a4co", "Apply", ours)]);
            let found = Adoption::default().leftover(&object("X", &live), &applied);
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn the_copy_that_kubectl_keeps_is_not_shown() {
        let reference = |kind: &str| ObjectRef {
            kind: kind.to_owned(),
            api_version: "v1".to_owned(),
            namespace: None,
            name: "x".to_owned(),
        };
        let copy = "{\"data\":{\"password\":\"hunter2\"}}";
        let with = |annotations: Value| json!({ "metadata": { "annotations": annotations }, "data": { "password": "hunter2" } });
        for (case, live, goal) in [
            ("it goes", with(json!({ LAST_APPLIED: copy, "x": "1" })), with(json!({ "x": "1" }))),
            ("all annotations go", with(json!({ LAST_APPLIED: copy })), json!({ "metadata": {} })),
        ] {
            let changes = changes(&reference("Secret"), &live, &goal);
            let shown: String = changes.iter().map(ToString::to_string).collect();
            assert!(shown.contains("(what kubectl applied last)"), "{case}: {shown}");
            assert!(!shown.contains("hunter2"), "{case}: {shown}");
        }
    }

    #[test]
    fn what_can_never_change_is_told_from_what_the_release_says_nothing_of() {
        let deployment = |selector: Value| json!({ "apiVersion": "apps/v1", "kind": "Deployment", "spec": { "selector": selector } });
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "immutable": true, "data": { "password": "b3Vycw==" },
        });
        for (case, live, manifest, expected) in [
            (
                "another value, and a default",
                json!({ "spec": { "selector": { "app": "theirs" }, "replicas": 1 } }),
                deployment(json!({ "app": "ours" })),
                vec!["spec.selector.app: \"theirs\" → \"ours\""],
            ),
            (
                "the content of a Secret, which is not shown",
                json!({ "immutable": true, "data": { "password": "dGhlaXJz" } }),
                secret,
                vec!["data.password: \"(secret)\" → \"(secret)\""],
            ),
        ] {
            let found = immutable(&live, &manifest).into_iter();
            let found: Vec<_> = found.map(|found| found.change.to_string()).collect();
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn what_is_made_anew_or_set_right_restarts_pods() {
        let template = || FieldChange { path: "spec.template".to_owned(), old: None, new: None };
        let recreate = || Change::Recreate(Vec::new());
        for (kind, change, restarts, may_restart) in [
            ("Deployment", recreate(), true, false),
            ("DaemonSet", recreate(), true, false),
            ("StatefulSet", recreate(), false, false),
            ("StatefulSet", Change::Recreate(vec![template()]), true, false),
            ("Service", recreate(), false, false),
            ("Deployment", Change::Update(vec![template()]), true, false),
            ("Deployment", Change::Restore, false, true),
            ("ConfigMap", Change::Restore, false, false),
        ] {
            let object = ObjectRef {
                kind: kind.to_owned(),
                api_version: "apps/v1".to_owned(),
                namespace: None,
                name: "x".to_owned(),
            };
            let step = Step::new(object, 1, change, None);
            let found = (step.restarts_pods(), step.may_restart_pods());
            assert_eq!(found, (restarts, may_restart), "{step:?}");
        }
    }

    #[test]
    fn a_service_that_stays_headless_without_a_word_is_found() {
        let service = |spec: Value| json!({ "apiVersion": "v1", "kind": "Service", "spec": spec });
        let object = ObjectRef {
            kind: "Service".to_owned(),
            api_version: "v1".to_owned(),
            namespace: None,
            name: "x".to_owned(),
        };
        let headless = || service(json!({ "clusterIP": "None", "ports": [{ "port": 80 }] }));
        for (case, live, manifest, expected) in [
            ("the release is not", headless(), service(json!({ "ports": [{ "port": 80 }] })), 1),
            ("the release is, too", headless(), headless(), 0),
            ("the release has none", headless(), service(json!({ "type": "ExternalName" })), 0),
            ("it was not", service(json!({ "clusterIP": "10.0.0.1" })), service(json!({})), 0),
        ] {
            assert_eq!(ignored(&object, &live, &manifest).len(), expected, "{case}");
        }
    }

    #[test]
    fn where_nobody_owned_anything_all_that_the_release_lacks_is_left_over() {
        let set = json!({ "f:data": { "f:a": {}, "f:b": {} } });
        let ours = json!({ "f:data": { "f:a": {} } });
        let applied =
            object("X", &[("a4co", "Apply", ours), ("before-first-apply", "Update", set)]);
        let found = Adoption::default().leftover(&object("X", &[]), &applied);
        assert_eq!(found, json!({ "f:data": { "f:b": {} } }));
    }

    #[test]
    fn a_change_of_the_pod_template_restarts_pods() {
        for (path, expected) in [
            ("spec.template.metadata.labels.x", true),
            ("spec.template", true),
            ("spec", true),
            ("spec.templates", false),
            ("spec.replicas", false),
            ("metadata.labels", false),
        ] {
            let change = FieldChange { path: path.to_owned(), old: None, new: None };
            assert_eq!(is_of_template(&change), expected, "{path}");
        }
    }
}
