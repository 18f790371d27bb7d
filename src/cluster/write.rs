//! Writes one object, exactly once and only over what the plan saw.

use std::time::Duration;

use a4co_bundle::{Digest, Object, ObjectRef};
use serde_json::{Value, json};

use crate::{
    adopt::Adoption,
    change::{Change, Step},
    client::{Applied, Client, Conflicts, Effect, FIELD_MANAGER, Form},
    conflict,
    error::ApiError,
    event::Observer,
    fencing::Fencing,
    inventory::Record,
    live::{self, Live},
    mutant::{self, Mutant},
    one_way,
    remove::{Remover, when_recreated},
    replicas, residue,
    resource::{Resource, Resources},
    secret,
    step::StepError,
    text::EPOCH_ANNOTATION,
};

/// How often a write is tried again because the object changed meanwhile, by status updates mostly,
/// or because there was no answer.
const ATTEMPTS: usize = 10;

/// How long an object that is created anew may take to go.
const GONE: Duration = Duration::from_mins(1);

/// Writes objects, or asks what would happen.
#[derive(Clone, Copy)]
pub(crate) struct Writer<'a> {
    pub(crate) client: &'a Client,
    pub(crate) resources: &'a Resources,
    pub(crate) effect: Effect,
    /// Transaction that writes.
    pub(crate) epoch: u64,
    /// Whether the release was here before.
    pub(crate) goes_back: bool,
    /// Field managers whose objects are taken over.
    pub(crate) adoption: Option<&'a Adoption>,
    pub(crate) fencing: Fencing<'a>,
    /// Who is told what is waited for.
    pub(crate) observer: Option<&'a dyn Observer>,
}

/// One object on its way.
struct Target<'a> {
    reference: &'a ObjectRef,
    resource: &'a Resource,
    path: String,
    manifest: Value,
    /// Whether the update may leave defaults behind that belong to what was before.
    may_leave_defaults: bool,
}

impl<'a> Writer<'a> {
    /// Who deletes what the writer may write.
    pub(crate) fn remover(&self) -> Remover<'a> {
        let Self { client, resources, fencing, observer, .. } = *self;
        Remover { client, resources, fencing, observer }
    }

    /// Brings one object to what the release has.
    pub(crate) async fn write(&self, object: &Object, step: &Step) -> Result<Record, StepError> {
        let reference = object.reference();
        let resource = self.resources.of(reference).ok_or_else(|| ApiError::NotServed {
            kind: reference.kind.clone(),
            api_version: reference.api_version.clone(),
        })?;
        let path = resource.path(reference.namespace.as_deref(), &reference.name);
        let mut manifest = object.manifest();
        secret::encode(&mut manifest);
        let may_leave_defaults = residue::is_likely(reference, step.change.fields());
        let mut target = Target { reference, resource, path, manifest, may_leave_defaults };
        if let Some(live) = &step.live
            && self.keeps_what_is(&mut target).await?
        {
            let (uid, owned) = (live.uid.clone(), live.owned);
            return Ok(Record { uid, digest: object.digest(), owned });
        }
        let applied = match (&step.live, &step.change) {
            (None, _) => self.create(&target).await?,
            (Some(live), Change::Recreate(_)) => self.recreate(&target, live).await?,
            (Some(live), Change::Adopt(_)) => {
                self.adopt(&target, live.clone(), step.former).await?
            }
            (Some(live), _) => self.update(&target, live.clone()).await?,
        };
        let live = Live::from(applied.metadata);
        Ok(Record { uid: live.uid, digest: object.digest(), owned: live.owned })
    }

    /// Changes the manifest where going back is not possible: no claim can shrink. Returns whether
    /// the object stays as it is altogether, like a definition of a version that may be in use.
    async fn keeps_what_is(&self, target: &mut Target<'_>) -> Result<bool, StepError> {
        let is_claim = target.reference.kind == "PersistentVolumeClaim";
        let is_definition = target.reference.kind == "CustomResourceDefinition";
        if !is_claim && !is_definition {
            return Ok(false);
        }
        let live: Option<Value> = self.client.get(&target.path, Form::Whole).await?;
        let Some(live) = live else { return Ok(false) };
        one_way::settle_storage(&mut target.manifest, &live);
        Ok(is_definition && self.goes_back && one_way::keeps_definition(&live, &target.manifest))
    }

    /// Gives up every field of an object that only we own, and leaves the object.
    pub(crate) async fn disown(&self, object: &ObjectRef) -> Result<(), StepError> {
        let Some(resource) = self.resources.of(object) else { return Ok(()) };
        let path = resource.path(object.namespace.as_deref(), &object.name);
        let mut error = None;
        for _ in 0..ATTEMPTS {
            let Some(live) = live::read_one(self.client, resource, object).await? else { break };
            self.fencing.check(self.client).await?;
            let nothing = bare(object, &live.uid, &live.resource_version);
            let (conflicts, effect) = (Conflicts::Refuse, self.effect);
            match self.client.apply(&path, FIELD_MANAGER, &nothing, conflicts, effect).await {
                Ok(_) => return Ok(()),
                Err(lost) if lost.is_conflict() || lost.is_unclear() => error = Some(lost),
                Err(error) => return Err(StepError::write("update", object, error)),
            }
        }
        error.map_or(Ok(()), |error| Err(StepError::write("update", object, error)))
    }

    /// Creates the object, and fails if it exists.
    ///
    /// Kubernetes has no such verb for server-side apply, but a `resourceVersion` that no object
    /// can have does it: absent objects are created, present ones conflict (measured on 1.36). A
    /// plain POST would leave a second owner beside our `Apply`, and fields that a later release
    /// drops would stay.
    async fn create(&self, target: &Target<'_>) -> Result<Applied, StepError> {
        let mut manifest = with_metadata(&target.manifest, &json!({ "resourceVersion": "1" }));
        if mutant::is(Mutant::CreateOverwrites) {
            manifest = target.manifest.clone();
        }
        // By this the fence tells that an overtaken command is at work.
        if !mutant::is(Mutant::NoEpochOnCreations) {
            manifest["metadata"]["annotations"][EPOCH_ANNOTATION] = self.epoch.to_string().into();
        }
        let mut unclear = None;
        for _ in 0..ATTEMPTS {
            match self.apply(target, &manifest).await {
                Ok(applied) => return Ok(applied),
                // Nobody knows whether it was created.
                Err(error) if error.is_unclear() => {
                    let live =
                        live::read_one(self.client, target.resource, target.reference).await?;
                    self.fencing.check(self.client).await?;
                    if let Some(live) = live.filter(|live| live.owned.is_some()) {
                        return self.update(target, live).await;
                    }
                    unclear = Some(error);
                }
                Err(error) if error.is_conflict() => {
                    return Err(StepError::Exists { object: target.reference.clone() });
                }
                Err(error) => return Err(StepError::write("create", target.reference, error)),
            }
        }
        Err(unclear.map_or_else(
            || StepError::Interference { object: target.reference.clone() },
            |error| StepError::write("create", target.reference, error),
        ))
    }

    /// Takes the object over from those who made it.
    async fn adopt(
        &self,
        target: &Target<'_>,
        seen: Live,
        former: Option<Digest>,
    ) -> Result<Applied, StepError> {
        if let (Some(adoption), Effect::Real) = (self.adoption, self.effect) {
            let (client, Target { path, reference, .. }) = (self.client, target);
            adoption.take_over(client, path, reference, (&seen, former), self.fencing).await?;
            let seen = self.look_again(target, &seen, Owner::Us).await?;
            return self.update(target, seen).await;
        }
        self.update(target, seen).await
    }

    /// Deletes the object, but not the pods of a `StatefulSet`, which the new one adopts; and
    /// creates it anew.
    async fn recreate(&self, target: &Target<'_>, seen: &Live) -> Result<Applied, StepError> {
        let remover = self.remover();
        let deleted =
            remover.delete(target.reference, seen, when_recreated(target.reference)).await?;
        remover.until_gone(&[deleted], GONE).await?;
        self.create(target).await
    }

    async fn update(&self, target: &Target<'_>, mut seen: Live) -> Result<Applied, StepError> {
        if target.may_leave_defaults && self.effect == Effect::Real {
            let Target { reference, path, manifest, .. } = target;
            let (client, fencing) = (self.client, self.fencing);
            seen = residue::claim(client, path, reference, manifest, &seen, fencing).await?;
        }
        let mut unclear = None;
        for _ in 0..ATTEMPTS {
            if self.effect == Effect::Real
                && seen.owns_replicas
                && !replicas::are_set(&target.manifest)
            {
                let Target { reference, path, .. } = target;
                replicas::hand_over(self.client, path, reference, self.fencing).await?;
                seen = self.look_again(target, &seen, Owner::Us).await?;
            }
            let manifest = over(&target.manifest, &seen);
            match self.apply(target, &manifest).await {
                Ok(applied) => return Ok(applied),
                Err(error) if error.is_unclear() => {
                    seen = self.look_again(target, &seen, Owner::Us).await?;
                    unclear = Some(error);
                }
                Err(error) if error.is_conflict() => {
                    seen = self.look_again(target, &seen, Owner::Others).await?;
                }
                Err(error) if !error.field_conflicts().is_empty() => {
                    self.resolve(target, &error).await?;
                    if self.effect == Effect::DryRun {
                        // Without the count in the way, there is nothing to object to.
                        return self.dry_run_without_count(target, manifest).await;
                    }
                    seen = self.look_again(target, &seen, Owner::Us).await?;
                }
                Err(error) if error.is_invalid() && self.effect == Effect::DryRun => {
                    return self.dry_run_without_defaults(target, &manifest, error).await;
                }
                Err(error) => return Err(StepError::write("update", target.reference, error)),
            }
        }
        Err(unclear.map_or_else(
            || StepError::Interference { object: target.reference.clone() },
            |error| StepError::write("update", target.reference, error),
        ))
    }

    /// Asks again without the defaults that are taken out of the way before the update.
    async fn dry_run_without_defaults(
        &self,
        target: &Target<'_>,
        manifest: &Value,
        error: ApiError,
    ) -> Result<Applied, StepError> {
        let Target { reference, path, .. } = target;
        let answer = if target.may_leave_defaults {
            residue::rehearse(self.client, path, reference, manifest).await
        } else {
            Ok(None)
        };
        let answer = answer.and_then(|applied| applied.ok_or(error));
        answer.map_err(|error| StepError::write("update", reference, error))
    }

    /// Takes a replica count from an autoscaler; any other conflict is the person's to resolve.
    async fn resolve(&self, target: &Target<'_>, error: &ApiError) -> Result<(), StepError> {
        if !replicas::may_be_taken(self.client, &target.path, error).await? {
            let Target { reference, path, manifest, .. } = target;
            return Err(conflict::explain(self.client, path, reference, manifest, error).await);
        }
        if self.effect == Effect::Real {
            let Target { reference, path, manifest, .. } = target;
            replicas::take(self.client, path, reference, manifest, self.fencing).await?;
        }
        Ok(())
    }

    async fn dry_run_without_count(
        &self,
        target: &Target<'_>,
        mut manifest: Value,
    ) -> Result<Applied, StepError> {
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
        if self.effect == Effect::Real {
            self.fencing.check(self.client).await?;
        }
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

/// A manifest without any field, for the one object with this uid in this version.
pub(crate) fn bare(object: &ObjectRef, uid: &str, version: &str) -> Value {
    json!({
        "apiVersion": object.api_version,
        "kind": object.kind,
        "metadata": {
            "name": object.name,
            "namespace": object.namespace,
            "uid": uid,
            "resourceVersion": version,
        },
    })
}

/// The manifest as an update of the object that was `seen`, and of no other.
fn over(manifest: &Value, seen: &Live) -> Value {
    let precondition = json!({ "uid": seen.uid, "resourceVersion": seen.resource_version });
    let precondition =
        if mutant::is(Mutant::UpdateWithoutPrecondition) { json!({}) } else { precondition };
    let mut manifest = with_metadata(manifest, &precondition);
    if let Some(epoch) = &seen.epoch {
        manifest["metadata"]["annotations"][EPOCH_ANNOTATION] = epoch.as_str().into();
    }
    manifest
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
