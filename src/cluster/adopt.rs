//! Takes over objects that Helm, kubectl or somebody else has made, without touching what runs.
//!
//! Whoever shares the ownership of a field keeps it from ever going away: fields that a later
//! release drops would stay. So the fields of the former owners are booked to us first, in one
//! write that changes nothing else. The update that follows then takes away what the release does
//! not have, such as Helm's labels and kubectl's annotation, and a pod template that is equal
//! restarts nothing.

use a4co_bundle::ObjectRef;
use serde_json::{Value, json};

use crate::{
    client::{Client, FIELD_MANAGER, Form},
    fencing::Fencing,
    image, owned,
    step::StepError,
};

/// How often it is tried again because the object changed meanwhile, by status updates mostly.
const ATTEMPTS: usize = 10;

/// Annotation of a pod template by which `kubectl rollout restart` restarts pods. No release has it,
/// and taking it away would restart them once more.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Whose objects are taken over: those of Helm and kubectl, and of these field managers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// Names of more field managers.
    pub managers: Vec<String>,
}

impl Adoption {
    /// Books the fields of the former owners of the object at `path` to us.
    pub(crate) async fn take_over(
        &self,
        client: &Client,
        path: &str,
        object: &ObjectRef,
        fencing: Fencing<'_>,
    ) -> Result<(), StepError> {
        for _ in 0..ATTEMPTS {
            let interference = || StepError::Interference { object: object.clone() };
            let live: Value = client.get(path, Form::Whole).await?.ok_or_else(interference)?;
            let Some(owners) = self.owners(&live, &object.api_version) else { return Ok(()) };
            fencing.check(client).await?;
            let owners = json!({ "metadata": {
                "uid": live["metadata"]["uid"],
                "resourceVersion": live["metadata"]["resourceVersion"],
                "managedFields": owners,
            }});
            match client.merge(path, FIELD_MANAGER, &owners).await {
                Ok(_) => return Ok(()),
                // Nobody knows whether it was written; looking again tells.
                Err(error) if error.is_conflict() || error.is_unclear() => {}
                Err(error) => return Err(StepError::write("adopt", object, error)),
            }
        }
        Err(StepError::Interference { object: object.clone() })
    }

    /// Tells whether the object has a former owner.
    pub(crate) fn concerns(&self, live: &Value) -> bool {
        image::entries(live).any(|entry| self.taken(entry).is_some())
    }

    /// The owners that `object` shall have; `None` when it has no former owner.
    fn owners(&self, object: &Value, api_version: &str) -> Option<Vec<Value>> {
        let mut time = None;
        let (mut fields, mut others) = (json!({}), Vec::new());
        for entry in image::entries(object) {
            if let Some(taken) = self.taken(entry) {
                owned::unite(&mut fields, &taken);
                others.extend(left(entry));
                time = time.or(entry.get("time"));
            } else if is_ours(entry) {
                owned::unite(&mut fields, &entry["fieldsV1"]);
            } else {
                others.push(entry.clone());
            }
        }
        let ours = json!({
            "manager": FIELD_MANAGER,
            "operation": "Apply",
            "apiVersion": api_version,
            "time": time?,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        });
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
        let is_tool = manager == "helm" || manager == "kubectl" || manager.starts_with("kubectl-");
        let is_named = self.managers.iter().any(|known| known == manager);
        // People scale by way of a subresource; other subresources are a controller's business.
        let subresource = &entry["subresource"];
        (subresource.is_null() || subresource == "scale") && (is_tool || is_named)
    }
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
}
