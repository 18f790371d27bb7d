//! The fence: an admission policy by which the API server itself refuses what an overtaken command
//! creates late.
//!
//! Updates and deletes name the uid and the version of the object that they are about, so a late
//! one conflicts. A creation has nothing to name: one that was sent before its command died, and
//! arrives after the next command has cleaned up, succeeds. With the fence it does not. Every
//! object that we create carries the epoch of its transaction in an annotation, and the head has
//! the newest epoch; the policy compares the two.
//!
//! Invariant: the policy concerns creations by our field manager of objects with our annotation
//! only. Whatever it does not understand it lets pass, and so it does when something about the
//! policy itself is wrong (`failurePolicy: Ignore`): it is a second line, behind the lease, and
//! must never be what keeps a site from working.
//!
//! There is one policy for the cluster, and one binding for each place.

use std::time::Duration;

use a4co_bundle::{PART_OF_LABEL, applyset_id, head_name};
use serde_json::{Value, json};

use crate::{
    client::{Client, Conflicts, Dependents, Effect, FIELD_MANAGER, Form},
    error::ApiError,
    failure::{Done, Failure},
    list,
    live::PartialObject,
    permission::{self, Needed, Permission},
    place::Place,
    refusal::Refusal,
    text,
};

const GROUP: &str = "admissionregistration.k8s.io";
const API: &str = "admissionregistration.k8s.io/v1";
const POLICY_KIND: &str = "ValidatingAdmissionPolicy";
const BINDING_KIND: &str = "ValidatingAdmissionPolicyBinding";
const POLICY_PLURAL: &str = "validatingadmissionpolicies";
const BINDING_PLURAL: &str = "validatingadmissionpolicybindings";

/// Name of the policy.
const POLICY: &str = "a4co-fence";

/// How long the API server may take to notice a policy.
const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(300);

/// What is there of the fence of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fence {
    /// All of it, and it denies what it should, as far as that can be tried.
    Installed,
    /// All of it, but it lets pass what it should deny.
    Asleep,
    /// Some of it, or another version of it.
    Outdated,
    /// Nothing.
    Absent,
}

/// One object of the fence.
struct Part {
    path: String,
    manifest: Value,
}

/// Installs the fence of `place`, or brings it up to date. It need not have a release yet.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster. It is refused when the cluster does not
/// serve admission policies, or the user may not write them.
pub async fn install_fence(client: &Client, place: &Place) -> Result<(), Failure> {
    check_rights(client, place, &["create", "patch"], &[("get", "", "configmaps")]).await?;
    let [policy, binding] = parts(place);
    let before = policy.version(client).await.map_err(Refusal::from)?;
    policy.try_out(client).await.map_err(Refusal::from)?;
    if before.is_some() {
        // For a binding of a policy that is not there, the API server wants to see more rights.
        binding.try_out(client).await.map_err(Refusal::from)?;
    }
    let after = policy.write(client).await.map_err(Refusal::from)?;
    let Err(error) = binding.write(client).await else { return Ok(()) };
    let failure = Failure::from(Refusal::from(error));
    let is_as_before = match &before {
        Some(before) => *before == after,
        None => drop_policy(client, &policy).await.is_ok_and(|dropped| dropped),
    };
    Err(if is_as_before { failure } else { failure.after(Done::PolicyWritten) })
}

/// Deletes `policy` unless something binds it, and returns whether it was there and is gone.
async fn drop_policy(client: &Client, policy: &Part) -> Result<bool, ApiError> {
    if is_bound(client).await? || !policy.delete(client).await? {
        return Ok(false);
    }
    if is_bound(client).await? {
        // Somebody has bound it meanwhile, and relies on it.
        policy.write(client).await?;
        return Ok(false);
    }
    Ok(true)
}

async fn is_bound(client: &Client) -> Result<bool, ApiError> {
    let bindings = collection(BINDING_PLURAL);
    let bindings: Vec<Value> = list::read_all(client, &bindings, "", Form::Whole).await?;
    Ok(bindings.iter().any(|binding| binding["spec"]["policyName"] == POLICY))
}

/// Refuses when the user may not do `verbs` to the fence, and `others` in the whole cluster.
/// Reading all `ConfigMaps` is what the API server demands of whoever makes a policy that reads one.
async fn check_rights(
    client: &Client,
    place: &Place,
    verbs: &[&'static str],
    others: &[(&'static str, &str, &str)],
) -> Result<(), Refusal> {
    let mut needed = Needed::new();
    let writes = verbs.iter().flat_map(|verb| {
        [(POLICY_PLURAL, POLICY.to_owned()), (BINDING_PLURAL, binding_name(place))]
            .map(|(resource, name)| (*verb, GROUP, resource, Some(name)))
    });
    let others = others.iter().map(|(verb, group, resource)| (*verb, *group, *resource, None));
    for (verb, group, resource, name) in writes.chain(others) {
        let (group, resource) = (group.to_owned(), resource.to_owned());
        let permission = Permission { verb, group, resource, namespace: None };
        needed.entry(permission).or_default().extend(name);
    }
    permission::require(client, needed).await
}

/// Removes the fence of `place`, and the policy with the last one. Returns whether there was
/// anything to remove.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster. It is refused when the user may not
/// delete it.
pub async fn remove_fence(client: &Client, place: &Place) -> Result<bool, Failure> {
    check_rights(client, place, &["get", "delete"], &[("list", GROUP, BINDING_PLURAL)]).await?;
    let [policy, binding] = parts(place);
    let was_there = binding.delete(client).await.map_err(Refusal::from)?;
    match drop_policy(client, &policy).await {
        Ok(dropped) => Ok(dropped || was_there),
        Err(error) => {
            let failure = Failure::from(Refusal::from(error));
            Err(if was_there { failure.after(Done::BindingDeleted) } else { failure })
        }
    }
}

/// Looks what is there of the fence of `place`.
///
/// # Errors
/// Fails when it cannot be read.
pub(crate) async fn look(client: &Client, place: &Place) -> Result<Fence, ApiError> {
    let mut states = Vec::new();
    for Part { path, manifest } in parts(place) {
        let found: Option<Value> = client.get(&path, Form::Whole).await?;
        states.push(found.map(|found| is_same(&manifest["spec"], &found["spec"])));
    }
    Ok(match states.as_slice() {
        [Some(true), Some(true)] if lets_pass(client, place).await? => Fence::Asleep,
        [Some(true), Some(true)] => Fence::Installed,
        // The policy alone may be that of another place.
        [_, None] => Fence::Absent,
        _ => Fence::Outdated,
    })
}

/// Tries whether a creation of an epoch that is over passes. Where there is no head there is none.
async fn lets_pass(client: &Client, place: &Place) -> Result<bool, ApiError> {
    let configs = format!("/api/v1/namespaces/{}/configmaps", place.namespace);
    let head: Option<PartialObject> =
        client.get(&format!("{configs}/{}", head_name(&place.app)), Form::Metadata).await?;
    if head.is_none() {
        return Ok(false);
    }
    let late = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": format!("{}.late", head_name(&place.app)),
            "labels": { PART_OF_LABEL: applyset_id(&place.app, &place.namespace) },
            "annotations": { text::EPOCH_ANNOTATION: "0" },
        },
    });
    for _ in 0..ATTEMPTS {
        match client.preview_create(&configs, &late).await {
            Ok(()) => tokio::time::sleep(PAUSE).await,
            Err(error) if error.is_unanswered() => return Err(error),
            // Whoever may not create one cannot try.
            Err(_) => return Ok(false),
        }
    }
    Ok(true)
}

impl Part {
    /// Its version, if it is there.
    async fn version(&self, client: &Client) -> Result<Option<String>, ApiError> {
        let found: Option<PartialObject> = client.get(&self.path, Form::Metadata).await?;
        Ok(found.map(|found| found.metadata.resource_version))
    }

    /// Asks whether it could be written.
    async fn try_out(&self, client: &Client) -> Result<(), ApiError> {
        let mut manifest = self.manifest.clone();
        if self.version(client).await?.is_none() {
            // No object has this version, so it is a creation; and the answer has one, which
            // otherwise it lacks.
            manifest["metadata"]["resourceVersion"] = json!("1");
        }
        self.apply(client, &manifest, Effect::DryRun).await.map(drop)
    }

    /// Writes it, and returns its version.
    async fn write(&self, client: &Client) -> Result<String, ApiError> {
        self.apply(client, &self.manifest, Effect::Real).await
    }

    async fn apply(
        &self,
        client: &Client,
        manifest: &Value,
        effect: Effect,
    ) -> Result<String, ApiError> {
        let applied =
            client.apply(&self.path, FIELD_MANAGER, manifest, Conflicts::Force, effect).await;
        applied.map(|applied| applied.metadata.resource_version).map_err(unserved)
    }

    /// Deletes it, and returns whether it was there.
    async fn delete(&self, client: &Client) -> Result<bool, ApiError> {
        let found: Option<Value> = client.get(&self.path, Form::Metadata).await?;
        let Some(found) = found else { return Ok(false) };
        let text = |field: &str| found["metadata"][field].as_str().unwrap_or_default();
        let (uid, version) = (text("uid"), text("resourceVersion"));
        client.delete(&self.path, uid, version, Dependents::Follow).await
    }
}

/// A path that does not exist is a kind that is not served.
fn unserved(error: ApiError) -> ApiError {
    if error.is_not_found() {
        return ApiError::NotServed { kind: POLICY_KIND.to_owned(), api_version: API.to_owned() };
    }
    error
}

/// Whether `live` is what `wanted` says, and no more than that. The API server leaves out lists that
/// are empty.
fn is_same(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => {
            live.keys().all(|key| wanted.contains_key(key))
                && wanted.iter().all(|(key, value)| match live.get(key) {
                    Some(live) => is_same(value, live),
                    None => value.as_array().is_some_and(Vec::is_empty),
                })
        }
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(a, b)| is_same(a, b))
        }
        _ => wanted == live,
    }
}

/// The policy and the binding of `place`.
fn parts(place: &Place) -> [Part; 2] {
    let binding = binding_name(place);
    [
        Part { path: path(POLICY_PLURAL, POLICY), manifest: policy() },
        Part { path: path(BINDING_PLURAL, &binding), manifest: self::binding(place, &binding) },
    ]
}

fn collection(plural: &str) -> String {
    format!("/apis/{API}/{plural}")
}

fn path(plural: &str, name: &str) -> String {
    format!("{}/{name}", collection(plural))
}

/// A namespace and an application are DNS labels, so dots keep any two places apart, and the name
/// is shorter than the 253 characters that it may have.
fn binding_name(place: &Place) -> String {
    format!("{POLICY}.{}.{}", place.namespace, place.app)
}

fn policy() -> Value {
    let annotation = text::EPOCH_ANNOTATION;
    let epoch = format!("object.metadata.annotations['{annotation}']");
    json!({
        "apiVersion": API,
        "kind": POLICY_KIND,
        "metadata": { "name": POLICY, "labels": labels() },
        "spec": {
            "failurePolicy": "Ignore",
            "paramKind": { "apiVersion": "v1", "kind": "ConfigMap" },
            // What is a default is written, too: otherwise nobody would notice another value.
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "excludeResourceRules": [],
                "objectSelector": {
                    "matchExpressions": [{ "key": PART_OF_LABEL, "operator": "Exists" }],
                },
                "resourceRules": [{
                    "apiGroups": ["*"],
                    "apiVersions": ["*"],
                    "resources": ["*"],
                    "operations": ["CREATE"],
                    "scope": "*",
                }],
            },
            "auditAnnotations": [],
            "variables": [],
            "matchConditions": [
                {
                    "name": "by-a4co",
                    "expression": format!(
                        "has(request.options) && has(request.options.fieldManager) && \
                         request.options.fieldManager == '{FIELD_MANAGER}'"
                    ),
                },
                {
                    "name": "with-epoch",
                    "expression": format!(
                        "has(object.metadata.annotations) && \
                         '{annotation}' in object.metadata.annotations && \
                         {epoch}.matches('^[0-9]{{1,18}}$')"
                    ),
                },
            ],
            "validations": [{
                // A head without an epoch that is a number fences nobody.
                "expression": format!(
                    "params == null || !has(params.data) || !('epoch' in params.data) || \
                     !params.data['epoch'].matches('^[0-9]{{1,18}}$') || \
                     int({epoch}) >= int(params.data['epoch'])"
                ),
                "messageExpression": format!(
                    "'a command that was overtaken may not create this any more: it is of epoch ' + \
                     {epoch} + ', and the release is at epoch ' + params.data['epoch']"
                ),
                "message": "a command that was overtaken may not create this any more",
                "reason": "Forbidden",
            }],
        },
    })
}

fn binding(place: &Place, name: &str) -> Value {
    let set = applyset_id(&place.app, &place.namespace);
    json!({
        "apiVersion": API,
        "kind": BINDING_KIND,
        "metadata": { "name": name, "labels": labels() },
        "spec": {
            "policyName": POLICY,
            "validationActions": ["Deny"],
            "paramRef": {
                "name": head_name(&place.app),
                "namespace": place.namespace,
                // There is no head before the first release, and none after the last.
                "parameterNotFoundAction": "Allow",
            },
            "matchResources": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "resourceRules": [],
                "excludeResourceRules": [],
                "objectSelector": { "matchLabels": { PART_OF_LABEL: set } },
            },
        },
    })
}

fn labels() -> Value {
    json!({ text::MANAGED_BY_LABEL: text::MANAGED_BY })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(namespace: &str, app: &str) -> Place {
        let text = |text: &str| text.to_owned();
        Place { app: text(app), namespace: text(namespace), environment: text("test") }
    }

    #[test]
    fn no_two_places_share_a_binding() {
        let names = [("a-b", "c"), ("a", "b-c"), ("a", "b"), ("b", "a")]
            .map(|(namespace, app)| binding_name(&place(namespace, app)));
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
        let longest = "x".repeat(63);
        assert!(binding_name(&place(&longest, &longest)).len() <= 253);
    }

    #[test]
    fn whatever_is_otherwise_is_a_difference() {
        let wanted = json!({ "a": [{ "b": 1 }], "none": [] });
        for (case, live, expected) in [
            ("as it was written", json!({ "a": [{ "b": 1 }], "none": [] }), true),
            ("without an empty list", json!({ "a": [{ "b": 1 }] }), true),
            ("with something in it", json!({ "a": [{ "b": 1 }], "none": [1] }), false),
            ("with another field", json!({ "a": [{ "b": 1, "c": 2 }] }), false),
            ("with another value", json!({ "a": [{ "b": 2 }] }), false),
            ("with one more rule", json!({ "a": [{ "b": 1 }, { "b": 1 }] }), false),
            ("without anything", json!({}), false),
        ] {
            assert_eq!(is_same(&wanted, &live), expected, "{case}");
        }
    }
}
