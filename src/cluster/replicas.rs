//! Keeps an autoscaler's replica count through upgrades and rollbacks.
//!
//! A release that stops setting `spec.replicas` because an autoscaler takes over would reset the
//! workload to one replica: a field that its only owner drops falls back to its default (measured
//! on Kubernetes 1.36). So the live count is first given a second owner. The other way round, a
//! release that sets a count again may take it from the autoscaler, and from nobody else.

use a4co_bundle::ObjectRef;
use serde_json::{Value, json};

use crate::{
    client::{Client, Conflicts, Effect, Form},
    conflict,
    error::ApiError,
    fencing::Fencing,
    live::PartialObject,
    step::StepError,
    write::bare,
};

/// Field manager that holds a replica count for the autoscaler until it first sets one.
pub(crate) const HOLDER: &str = "a4co-replicas";

/// Field manager under which autoscalers scale.
const AUTOSCALER: &str = "kube-controller-manager";

const FIELD: &str = ".spec.replicas";

/// How often a claim is tried again because the count changed meanwhile.
const ATTEMPTS: usize = 5;

/// Returns whether `manifest` sets a replica count.
pub(crate) fn are_set(manifest: &Value) -> bool {
    !manifest["spec"]["replicas"].is_null()
}

/// Gives the live replica count of the object at `path` a second owner.
pub(crate) async fn hand_over(
    client: &Client,
    path: &str,
    object: &ObjectRef,
    fencing: Fencing<'_>,
) -> Result<(), StepError> {
    let mut unclear = None;
    for _ in 0..ATTEMPTS {
        let Some(live) = client.get::<Value>(path, Form::Whole).await? else { return Ok(()) };
        fencing.check(client).await?;
        let count = &live["spec"]["replicas"];
        if count.is_null() {
            return Ok(());
        }
        match claim(client, path, object, &live, count, Conflicts::Refuse).await {
            Ok(()) => return Ok(()),
            // The autoscaler has set another count since.
            Err(error) if error.is_conflict() || !error.field_conflicts().is_empty() => {}
            // Nobody knows whether it was written; claiming it again does no harm.
            Err(error) if error.is_unclear() => unclear = Some(error),
            Err(error) => return Err(StepError::write("update", object, error)),
        }
    }
    Err(given_up(object, unclear))
}

fn given_up(object: &ObjectRef, unclear: Option<ApiError>) -> StepError {
    match unclear {
        Some(error) => StepError::write("update", object, error),
        None => StepError::Interference { object: object.clone() },
    }
}

/// Takes the replica count of the object at `path` from an autoscaler, and nothing else.
pub(crate) async fn take(
    client: &Client,
    path: &str,
    object: &ObjectRef,
    manifest: &Value,
    fencing: Fencing<'_>,
) -> Result<(), StepError> {
    let count = &manifest["spec"]["replicas"];
    let mut unclear = None;
    for _ in 0..ATTEMPTS {
        let Some(live) = client.get::<Value>(path, Form::Whole).await? else { return Ok(()) };
        if !conflict::owners(FIELD, &live).into_iter().all(|entry| is_autoscaled(FIELD, entry)) {
            return Err(StepError::Interference { object: object.clone() });
        }
        fencing.check(client).await?;
        match claim(client, path, object, &live, count, Conflicts::Force).await {
            Ok(()) => return Ok(()),
            Err(error) if error.is_conflict() => {}
            Err(error) if error.is_unclear() => unclear = Some(error),
            Err(error) => return Err(StepError::write("update", object, error)),
        }
    }
    Err(given_up(object, unclear))
}

async fn claim(
    client: &Client,
    path: &str,
    object: &ObjectRef,
    live: &Value,
    count: &Value,
    conflicts: Conflicts,
) -> Result<(), ApiError> {
    let of = |name: &str| live["metadata"][name].as_str().unwrap_or_default();
    let mut claim = bare(object, of("uid"), of("resourceVersion"));
    claim["spec"] = json!({ "replicas": count });
    client.apply(path, HOLDER, &claim, conflicts, Effect::Real).await.map(drop)
}

/// Returns whether `entry` owns the replica count `field` for an autoscaler.
pub(crate) fn is_autoscaled(field: &str, entry: &Value) -> bool {
    let owner = entry["manager"].as_str().unwrap_or_default();
    field == FIELD && matches!(owner, HOLDER | AUTOSCALER)
}

/// Returns whether the only thing in the way is a replica count that an autoscaler set.
pub(crate) async fn may_be_taken(
    client: &Client,
    path: &str,
    error: &ApiError,
) -> Result<bool, ApiError> {
    if error.field_conflicts().iter().any(|cause| cause.field != FIELD) {
        return Ok(false);
    }
    let live: Option<PartialObject> = client.get(path, Form::Metadata).await?;
    Ok(live.is_some_and(|live| {
        live.metadata.owners_of_replicas().all(|owner| matches!(owner, HOLDER | AUTOSCALER))
    }))
}
