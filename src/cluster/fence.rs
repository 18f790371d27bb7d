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

use a4co_bundle::{PART_OF_LABEL, applyset_id, head_name};
use serde_json::{Value, json};

use crate::{
    client::{Client, Conflicts, Dependents, Effect, FIELD_MANAGER, Form},
    error::ApiError,
    list::List,
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

/// What is there of the fence of a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fence {
    /// All of it.
    Installed,
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
/// Refuses when the cluster does not serve admission policies, or the user may not write them. Then
/// nothing was changed.
pub async fn install_fence(client: &Client, place: &Place) -> Result<(), Refusal> {
    check_rights(client, place).await?;
    let [policy, binding] = parts(place);
    let is_there = policy.is_there(client).await?;
    policy.try_out(client).await?;
    if is_there {
        // For a binding of a policy that is not there, the API server wants to see more rights.
        binding.try_out(client).await?;
    }
    policy.write(client).await?;
    let bound = binding.write(client).await;
    if bound.is_err() && !is_there {
        // Without a binding it does nothing, so it is no harm if this fails too.
        drop(policy.delete(client).await);
    }
    Ok(bound?)
}

/// Refuses when the user may not write the fence. Reading all `ConfigMaps` is what the API server
/// demands of whoever makes a policy that reads one.
async fn check_rights(client: &Client, place: &Place) -> Result<(), Refusal> {
    let mut needed = Needed::new();
    let head = ("get", "", "configmaps", None);
    let writes = ["create", "patch"].into_iter().flat_map(|verb| {
        [(POLICY_PLURAL, POLICY.to_owned()), (BINDING_PLURAL, binding_name(place))]
            .map(|(resource, name)| (verb, GROUP, resource, Some(name)))
    });
    for (verb, group, resource, name) in writes.chain([head]) {
        let (group, resource) = (group.to_owned(), resource.to_owned());
        let permission = Permission { verb, group, resource, namespace: None };
        needed.entry(permission).or_default().extend(name);
    }
    let permissions = permission::missing(client, needed).await?;
    if permissions.is_empty() { Ok(()) } else { Err(Refusal::Forbidden { permissions }) }
}

/// Removes the fence of `place`, and the policy with the last one. Returns whether there was
/// anything to remove.
///
/// # Errors
/// Refuses when the user may not delete it.
pub async fn remove_fence(client: &Client, place: &Place) -> Result<bool, Refusal> {
    let [policy, binding] = parts(place);
    let was_there = binding.delete(client).await?;
    let bindings: Option<List<Value>> =
        client.list(&collection(BINDING_PLURAL), Form::Whole).await?;
    let bindings = bindings.map_or_else(Vec::new, |bindings| bindings.items);
    if bindings.iter().any(|binding| binding["spec"]["policyName"] == POLICY) {
        return Ok(was_there);
    }
    Ok(policy.delete(client).await? || was_there)
}

/// Looks what is there of the fence of `place`.
///
/// # Errors
/// Fails when it cannot be read.
pub(crate) async fn look(client: &Client, place: &Place) -> Result<Fence, ApiError> {
    let mut states = Vec::new();
    for Part { path, manifest } in parts(place) {
        let found: Option<Value> = client.get(&path, Form::Whole).await?;
        states.push(found.map(|found| is_within(&manifest["spec"], &found["spec"])));
    }
    Ok(match states.as_slice() {
        [Some(true), Some(true)] => Fence::Installed,
        // The policy alone may be that of another place.
        [_, None] => Fence::Absent,
        _ => Fence::Outdated,
    })
}

impl Part {
    async fn is_there(&self, client: &Client) -> Result<bool, ApiError> {
        Ok(client.get::<Value>(&self.path, Form::Metadata).await?.is_some())
    }

    /// Asks whether it could be written.
    async fn try_out(&self, client: &Client) -> Result<(), ApiError> {
        let mut manifest = self.manifest.clone();
        if !self.is_there(client).await? {
            // No object has this version, so it is a creation; and the answer has one, which
            // otherwise it lacks.
            manifest["metadata"]["resourceVersion"] = json!("1");
        }
        self.apply(client, &manifest, Effect::DryRun).await
    }

    async fn write(&self, client: &Client) -> Result<(), ApiError> {
        self.apply(client, &self.manifest, Effect::Real).await
    }

    async fn apply(
        &self,
        client: &Client,
        manifest: &Value,
        effect: Effect,
    ) -> Result<(), ApiError> {
        let applied =
            client.apply(&self.path, FIELD_MANAGER, manifest, Conflicts::Force, effect).await;
        applied.map(drop).map_err(unserved)
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

/// Whether `live` has all that `wanted` has; the API server adds defaults.
fn is_within(wanted: &Value, live: &Value) -> bool {
    match (wanted, live) {
        (Value::Object(wanted), Value::Object(live)) => wanted
            .iter()
            .all(|(key, value)| live.get(key).is_some_and(|live| is_within(value, live))),
        (Value::Array(wanted), Value::Array(live)) => {
            wanted.len() == live.len() && wanted.iter().zip(live).all(|(a, b)| is_within(a, b))
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
            "matchConstraints": {
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
            "matchResources": { "objectSelector": { "matchLabels": { PART_OF_LABEL: set } } },
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
    fn what_the_api_server_adds_is_no_difference() {
        for (case, live, expected) in [
            ("as it was written", json!({ "a": [{ "b": 1 }] }), true),
            ("with a default", json!({ "a": [{ "b": 1, "c": 2 }], "d": 3 }), true),
            ("with another value", json!({ "a": [{ "b": 2 }] }), false),
            ("with one more rule", json!({ "a": [{ "b": 1 }, { "b": 1 }] }), false),
            ("without anything", json!({}), false),
        ] {
            assert_eq!(is_within(&json!({ "a": [{ "b": 1 }] }), &live), expected, "{case}");
        }
    }
}
