//! Takes over objects that Helm, kubectl or somebody else has made, without touching what runs.
//!
//! Whoever shares the ownership of a field keeps it from ever going away: fields that a later
//! release drops would stay. So the fields of the former owners are booked to us first, in one
//! write that changes nothing else. The update that follows then takes away what the release does
//! not have, such as Helm's labels and kubectl's annotation, and a pod template that is equal
//! restarts nothing.

use a4co_bundle::{Digest, ObjectRef, PART_OF_LABEL};
use serde_json::{Value, json};

use crate::{
    client::{Client, Conflicts, Effect, FIELD_MANAGER, Form},
    fencing::Fencing,
    image,
    live::Live,
    owned,
    step::StepError,
    write::bare,
};

/// How often it is tried again because the object changed meanwhile, by status updates mostly.
const ATTEMPTS: usize = 10;

/// Annotation of a pod template by which `kubectl rollout restart` restarts pods. No release has it,
/// and taking it away would restart them once more.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Owner to whom the API server books what was there before anybody owned anything.
pub(crate) const FIRST: &str = "before-first-apply";

/// Whose objects are taken over: those of Helm and kubectl, and of these field managers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// Names of more field managers.
    pub managers: Vec<String>,
}

impl Adoption {
    /// Books the fields of the former owners of the object at `path` to us.
    ///
    /// `seen` is the object that the plan saw, and `former` what its former owners had when it was
    /// stored for the way back. Whoever has changed that since keeps the object from being taken over.
    pub(crate) async fn take_over(
        &self,
        client: &Client,
        path: &str,
        object: &ObjectRef,
        (seen, former): (&Live, Option<Digest>),
        fencing: Fencing<'_>,
    ) -> Result<(), StepError> {
        let interference = || StepError::Interference { object: object.clone() };
        let mut is_unclear = false;
        for _ in 0..ATTEMPTS {
            let live: Value = client.get(path, Form::Whole).await?.ok_or_else(interference)?;
            let owners = self.owners(&live, &object.api_version);
            // What was booked without an answer leaves no former owner.
            let is_booked = is_unclear && owners.is_none();
            let has_moved = former.is_some_and(|former| former != self.former(&live));
            if !is_same(&live, seen) || has_moved && !is_booked {
                return Err(interference());
            }
            let has_owners = image::entries(&live).next().is_some();
            if owners.is_none() && has_owners {
                return Ok(());
            }
            fencing.check(client).await?;
            let written = if let Some(owners) = owners {
                let change = json!({ "metadata": {
                    "uid": live["metadata"]["uid"],
                    "resourceVersion": live["metadata"]["resourceVersion"],
                    "managedFields": owners,
                }});
                client.merge(path, FIELD_MANAGER, &change).await
            } else {
                // Where nobody owns anything, the API server books all that is there to
                // `before-first-apply` as soon as somebody applies.
                let version = live["metadata"]["resourceVersion"].as_str().unwrap_or_default();
                let nothing = bare(object, &seen.uid, version);
                let (refuse, real) = (Conflicts::Refuse, Effect::Real);
                client.apply(path, FIELD_MANAGER, &nothing, refuse, real).await
            };
            match written {
                Ok(_) if has_owners => return Ok(()),
                Ok(_) => {}
                // Nobody knows whether it was written; looking again tells.
                Err(error) if error.is_unclear() => is_unclear = true,
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(StepError::write("adopt", object, error)),
            }
        }
        Err(interference())
    }

    /// Digest of what the former owners of an object have, and since when.
    pub(crate) fn former(&self, live: &Value) -> Digest {
        let is_known = |entry: &&Value| self.is_former(entry) && entry["manager"] != FIRST;
        let former: Value = image::entries(live).filter(is_known).cloned().collect();
        Digest::of(former.to_string().as_bytes())
    }

    /// Tells whether the object has a former owner.
    pub(crate) fn concerns(&self, live: &Value) -> bool {
        image::entries(live).any(|entry| self.taken(entry).is_some())
    }

    /// The owners that `object` shall have; `None` when it has no former owner.
    fn owners(&self, object: &Value, api_version: &str) -> Option<Vec<Value>> {
        let (mut time, mut has_former) = (None, false);
        let (mut fields, mut others) = (json!({}), Vec::new());
        for entry in image::entries(object) {
            if let Some(taken) = self.taken(entry) {
                owned::unite(&mut fields, &taken);
                others.extend(left(entry));
                (time, has_former) = (time.or(entry.get("time")), true);
            } else if is_ours(entry) {
                owned::unite(&mut fields, &entry["fieldsV1"]);
            } else {
                others.push(entry.clone());
            }
        }
        if !has_former {
            return None;
        }
        let mut ours = json!({
            "manager": FIELD_MANAGER,
            "operation": "Apply",
            "apiVersion": api_version,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        });
        if let Some(time) = time {
            ours["time"] = time.clone();
        }
        others.push(ours);
        Some(others)
    }

    /// The fields of an entry of `managedFields` that are taken over; `None` when none are.
    pub(crate) fn taken(&self, entry: &Value) -> Option<Value> {
        if !self.is_former(entry) {
            return None;
        }
        let mut fields = entry["fieldsV1"].clone();
        owned::subtract(&mut fields, &restart());
        names_fields(&fields).then_some(fields)
    }

    fn is_former(&self, entry: &Value) -> bool {
        let manager = entry["manager"].as_str().unwrap_or_default();
        let is_tool =
            ["helm", "kubectl", FIRST].contains(&manager) || manager.starts_with("kubectl-");
        let is_named = self.managers.iter().any(|known| known == manager);
        // People scale by way of a subresource; other subresources are a controller's business.
        let subresource = &entry["subresource"];
        (subresource.is_null() || subresource == "scale") && (is_tool || is_named)
    }
}

/// Returns whether what is `live` is the object that was `seen`, in the same release if in any.
fn is_same(live: &Value, seen: &Live) -> bool {
    let metadata = &live["metadata"];
    metadata["uid"] == seen.uid.as_str()
        && metadata["labels"][PART_OF_LABEL].as_str() == seen.part_of.as_deref()
        && metadata["deletionTimestamp"].is_null()
}

/// What a former owner keeps.
pub(crate) fn left(entry: &Value) -> Option<Value> {
    let restart = restart();
    owned::overlap(&entry["fieldsV1"], &restart).then(|| {
        let mut entry = entry.clone();
        entry["fieldsV1"] = restart;
        entry
    })
}

pub(crate) fn is_ours(entry: &Value) -> bool {
    entry["manager"] == FIELD_MANAGER
        && entry["operation"] == "Apply"
        && entry["subresource"].is_null()
}

fn restart() -> Value {
    let field = format!("f:{RESTARTED_AT}");
    json!({ "f:spec": { "f:template": { "f:metadata": { "f:annotations": { field: {} } } } } })
}

/// Tells whether a set has fields, not only marks of what once held some.
fn names_fields(set: &Value) -> bool {
    let is_leaf = |set: &Value| set.as_object().is_none_or(serde_json::Map::is_empty);
    owned::parts(set).any(|(_, inner)| is_leaf(inner) || names_fields(inner))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({
            "manager": manager,
            "operation": operation,
            "apiVersion": "v1",
            "time": "2026-01-01T00:00:00Z",
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        })
    }

    fn through(subresource: &str, mut entry: Value) -> Value {
        entry["subresource"] = subresource.into();
        entry
    }

    #[test]
    fn former_owners_lose_their_fields_to_us() {
        let ours = |fields: Value| entry(FIELD_MANAGER, "Apply", &fields);
        let (a, b) = (json!({ "f:a": {} }), json!({ "f:b": {} }));
        let both = json!({ "f:a": {}, "f:b": {} });
        let mut restarted = restart();
        owned::unite(&mut restarted, &a);
        let adoption = Adoption { managers: vec!["argo".to_owned()] };
        for (case, before, after) in [
            (
                "helm and kubectl",
                vec![entry("helm", "Apply", &a), entry("kubectl-edit", "Update", &b)],
                Some(vec![ours(both.clone())]),
            ),
            (
                "a manager that was named, beside a controller",
                vec![entry("argo", "Apply", &a), entry("controller", "Update", &b)],
                Some(vec![entry("controller", "Update", &b), ours(a.clone())]),
            ),
            (
                "a person who scaled, and the status",
                vec![
                    through("scale", entry("kubectl", "Update", &a)),
                    through("status", entry("kubectl-edit", "Update", &b)),
                ],
                Some(vec![through("status", entry("kubectl-edit", "Update", &b)), ours(a.clone())]),
            ),
            (
                "what was there before anybody owned anything",
                vec![entry(FIRST, "Update", &a)],
                Some(vec![ours(a.clone())]),
            ),
            (
                "what we have already",
                vec![entry(FIELD_MANAGER, "Apply", &a), entry("helm", "Apply", &b)],
                Some(vec![ours(both)]),
            ),
            (
                "who restarted pods keeps that, and nothing else",
                vec![entry("kubectl-rollout", "Update", &restarted)],
                Some(vec![entry("kubectl-rollout", "Update", &restart()), ours(a)]),
            ),
            ("who only restarted pods", vec![entry("kubectl-rollout", "Update", &restart())], None),
            ("nobody", vec![entry("controller", "Update", &b)], None),
        ] {
            let object = json!({ "metadata": { "managedFields": before } });
            assert_eq!(adoption.owners(&object, "v1"), after, "{case}");
            assert_eq!(adoption.concerns(&object), after.is_some(), "{case}");
        }
    }

    #[test]
    fn a_former_owner_without_a_time_is_one() {
        let mut entry = entry("helm", "Update", &json!({ "f:a": {} }));
        entry.as_object_mut().unwrap().remove("time");
        let object = json!({ "metadata": { "managedFields": [entry] } });
        let owners = Adoption::default().owners(&object, "v1").unwrap();
        assert_eq!(owners[0]["manager"], FIELD_MANAGER);
        assert!(owners[0].get("time").is_none(), "{owners:?}");
    }

    #[test]
    fn what_former_owners_have_is_told_from_what_others_do() {
        let adoption = Adoption::default();
        let a = json!({ "f:a": {} });
        let object = |entries: &[Value]| json!({ "metadata": { "managedFields": entries } });
        let seen = object(&[entry("helm", "Apply", &a)]);
        let mut later = entry("helm", "Apply", &a);
        later["time"] = "2026-01-01T00:00:01Z".into();
        let controller = entry("controller", "Update", &a);
        for (case, live, is_same) in [
            ("nothing", vec![entry("helm", "Apply", &a)], true),
            ("a controller wrote", vec![entry("helm", "Apply", &a), controller], true),
            ("it wrote again", vec![later], false),
            ("it has another field", vec![entry("helm", "Apply", &json!({ "f:b": {} }))], false),
            (
                "another one wrote",
                vec![entry("helm", "Apply", &a), entry("kubectl-edit", "Update", &a)],
                false,
            ),
        ] {
            let found = adoption.former(&object(&live)) == adoption.former(&seen);
            assert_eq!(found, is_same, "{case}");
        }
    }

    #[test]
    fn only_what_the_plan_saw_is_taken_over() {
        let seen = Live {
            uid: "u".to_owned(),
            resource_version: "1".to_owned(),
            part_of: None,
            deleting: false,
            finalizers: Vec::new(),
            owned: None,
            owns_replicas: false,
            epoch: None,
        };
        for (case, metadata, expected) in [
            ("the same", json!({ "uid": "u", "resourceVersion": "2" }), true),
            ("another object of the name", json!({ "uid": "v" }), false),
            ("another release's", json!({ "uid": "u", "labels": { PART_OF_LABEL: "x" } }), false),
            ("it is being deleted", json!({ "uid": "u", "deletionTimestamp": "now" }), false),
        ] {
            assert_eq!(is_same(&json!({ "metadata": metadata }), &seen), expected, "{case}");
        }
    }
}
