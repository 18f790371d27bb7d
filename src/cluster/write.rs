//! Writes one object, exactly once and only over what the plan saw.

use a4co_bundle::{Object, ObjectRef};
use serde_json::{Value, json};

use crate::{
    change::Step,
    client::{Applied, Client, Conflicts, Effect, FIELD_MANAGER},
    error::ApiError,
    inventory::Record,
    live::{self, Live},
    replicas,
    resource::{Resource, Resources},
    step::StepError,
};

/// How often a write is tried again because the object changed meanwhile, by status updates mostly,
/// or because there was no answer.
const ATTEMPTS: usize = 10;

/// Writes objects, or asks what would happen.
pub(crate) struct Writer<'a> {
    pub(crate) client: &'a Client,
    pub(crate) resources: &'a Resources,
    pub(crate) effect: Effect,
}

/// One object on its way.
struct Target<'a> {
    reference: &'a ObjectRef,
    resource: &'a Resource,
    path: String,
    manifest: Value,
}

impl Writer<'_> {
    /// Brings one object to what the release has.
    pub(crate) async fn write(&self, object: &Object, step: &Step) -> Result<Record, StepError> {
        let reference = object.reference();
        let resource = self.resources.of(reference).ok_or_else(|| ApiError::NotServed {
            kind: reference.kind.clone(),
            api_version: reference.api_version.clone(),
        })?;
        let path = resource.path(reference.namespace.as_deref(), &reference.name);
        let target = Target { reference, resource, path, manifest: object.manifest() };
        let applied = match &step.live {
            None => self.create(&target).await?,
            Some(live) => self.update(&target, live.clone()).await?,
        };
        let live = Live::from(applied.metadata);
        Ok(Record { uid: live.uid, digest: object.digest(), owned: live.owned })
    }

    /// Gives up every field of an object that only we own, and leaves the object.
    pub(crate) async fn disown(&self, object: &ObjectRef) -> Result<(), StepError> {
        let Some(resource) = self.resources.of(object) else { return Ok(()) };
        let path = resource.path(object.namespace.as_deref(), &object.name);
        let nothing = json!({
            "apiVersion": object.api_version,
            "kind": object.kind,
            "metadata": { "name": object.name, "namespace": object.namespace },
        });
        let answer =
            self.client.apply(&path, FIELD_MANAGER, &nothing, Conflicts::Refuse, self.effect).await;
        answer.map(drop).map_err(|error| StepError::write("update", object, error))
    }

    /// Creates the object, and fails if it exists.
    ///
    /// Kubernetes has no such verb for server-side apply, but a `resourceVersion` that no object
    /// can have does it: absent objects are created, present ones conflict (measured on 1.36). A
    /// plain POST would leave a second owner beside our `Apply`, and fields that a later release
    /// drops would stay.
    async fn create(&self, target: &Target<'_>) -> Result<Applied, StepError> {
        let manifest = with_metadata(&target.manifest, &json!({ "resourceVersion": "1" }));
        for _ in 0..ATTEMPTS {
            match self.apply(target, &manifest).await {
                Ok(applied) => return Ok(applied),
                // Nobody knows whether it was created.
                Err(error) if error.is_unanswered() => {
                    let live =
                        live::read_one(self.client, target.resource, target.reference).await?;
                    if let Some(live) = live.filter(|live| live.owned.is_some()) {
                        return self.update(target, live).await;
                    }
                }
                Err(error) if error.is_conflict() => {
                    return Err(StepError::Exists { object: target.reference.clone() });
                }
                Err(error) => return Err(StepError::write("create", target.reference, error)),
            }
        }
        Err(StepError::Interference { object: target.reference.clone() })
    }

    async fn update(&self, target: &Target<'_>, mut seen: Live) -> Result<Applied, StepError> {
        for _ in 0..ATTEMPTS {
            if self.effect == Effect::Real
                && seen.owns_replicas
                && !replicas::are_set(&target.manifest)
            {
                replicas::hand_over(self.client, &target.path, target.reference).await?;
                seen = self.look_again(target, &seen, Owner::Us).await?;
            }
            let precondition = json!({ "uid": seen.uid, "resourceVersion": seen.resource_version });
            match self.apply(target, &with_metadata(&target.manifest, &precondition)).await {
                Ok(applied) => return Ok(applied),
                Err(error) if error.is_unanswered() => {
                    seen = self.look_again(target, &seen, Owner::Us).await?;
                }
                Err(error) if error.is_conflict() => {
                    seen = self.look_again(target, &seen, Owner::Others).await?;
                }
                Err(error) if !error.field_conflicts().is_empty() => {
                    self.resolve(target, &error).await?;
                    if self.effect == Effect::DryRun {
                        // Without the count in the way, there is nothing to object to.
                        return self.dry_run_without_count(target, &precondition).await;
                    }
                    seen = self.look_again(target, &seen, Owner::Us).await?;
                }
                Err(error) => return Err(StepError::write("update", target.reference, error)),
            }
        }
        Err(StepError::Interference { object: target.reference.clone() })
    }

    /// Takes a replica count from an autoscaler; any other conflict is the person's to resolve.
    async fn resolve(&self, target: &Target<'_>, error: &ApiError) -> Result<(), StepError> {
        if !replicas::may_be_taken(self.client, &target.path, error).await? {
            return Err(StepError::conflict(target.reference, error));
        }
        if self.effect == Effect::Real {
            replicas::take(self.client, &target.path, target.reference, &target.manifest).await?;
        }
        Ok(())
    }

    async fn dry_run_without_count(
        &self,
        target: &Target<'_>,
        precondition: &Value,
    ) -> Result<Applied, StepError> {
        let mut manifest = with_metadata(&target.manifest, precondition);
        if let Some(spec) = manifest["spec"].as_object_mut() {
            spec.remove("replicas");
        }
        let answer = self.apply(target, &manifest).await;
        answer.map_err(|error| StepError::write("update", target.reference, error))
    }

    async fn apply(&self, target: &Target<'_>, manifest: &Value) -> Result<Applied, ApiError> {
        self.client
            .apply(&target.path, FIELD_MANAGER, manifest, Conflicts::Refuse, self.effect)
            .await
    }

    /// Reads the object again after it changed. It may have changed by `owner`; if it did so by
    /// anybody else where it is ours, the write fails.
    async fn look_again(
        &self,
        target: &Target<'_>,
        seen: &Live,
        owner: Owner,
    ) -> Result<Live, StepError> {
        let now = live::read_one(self.client, target.resource, target.reference).await?;
        let is_expected = |now: &Live| owner == Owner::Us || now.owned == seen.owned;
        now.filter(|now| now.uid == seen.uid && is_expected(now) && !now.deleting)
            .ok_or_else(|| StepError::Interference { object: target.reference.clone() })
    }
}

/// Who changed an object since it was read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    /// We did, or may have.
    Us,
    /// Somebody else did, where the object is not ours.
    Others,
}

/// Adds `members` to the metadata of `manifest`.
fn with_metadata(manifest: &Value, members: &Value) -> Value {
    let mut manifest = manifest.clone();
    if let (Some(metadata), Some(members)) =
        (manifest["metadata"].as_object_mut(), members.as_object())
    {
        metadata.extend(members.clone());
    }
    manifest
}
