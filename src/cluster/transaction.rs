//! Brings a place from one release to another, or back.
//!
//! ```text
//! idle ──▶ applying ──▶ committed ──▶ idle      writes by wave │ the commit │ prune
//!             │
//!             └──▶ rolling-back ──▶ idle        writes of the old release, then deletes
//!                        └──▶ stuck             blocked by others; a person has to look
//! ```
//!
//! Every arrow is one guarded write of the head. Invariants:
//!
//! - no object is written before the head says `applying`, but for the namespace that holds it;
//! - nothing that existed before is deleted before the commit, but what a release declares to be
//!   created anew;
//! - one write changes what is committed;
//! - both releases, and every object that will be touched as it was, are stored in the cluster
//!   before the first object is written, so that any later command can finish or undo;
//! - every write names what it is over: a creation fails where something is, an update and a
//!   deletion fail unless the object is the very one that was read.
//!
//! So a request that arrives late, from a command that was overtaken, fails: see
//! [`crate::way_back`] for those that could not.

use std::{io::Write as _, time::Duration};

use a4co_bundle::{Digest, Object, ObjectRef};
use jiff::{SignedDuration, Timestamp};

use crate::{
    adopt::Adoption,
    change::{Change, Step},
    client::{Client, Effect},
    collect::collect,
    draft::Draft,
    event::{Event, Observer},
    fencing::Fencing,
    head::{self, Head, State, Stored},
    head_object::HeadObject,
    history::{self, Action, Entry, Outcome},
    interrupt::{self, Interrupt},
    inventory::Inventory,
    live,
    mutant::{self, Mutant},
    one_way,
    place::Place,
    plan::{self, Inputs, Plan},
    remove::Remover,
    resource::Resources,
    site_release::SiteRelease,
    step::StepError,
    store::{Content, StoreError},
    survey::by_reference,
    wait::Waiter,
    waves::Waves,
    write::Writer,
};

/// How late a request that nobody waits for any more may arrive. The API server itself gives up on
/// one after 60 s; the rest is for what is between.
const ARRIVAL: SignedDuration = SignedDuration::from_mins(10);

/// How long objects of one wave that are pruned may take to go. What takes longer is left over, and
/// so are the waves behind it; the next command goes on with them.
const GONE: Duration = Duration::from_mins(1);

/// What every part of a transaction needs.
pub(crate) struct Transaction<'a> {
    pub(crate) client: &'a Client,
    pub(crate) place: &'a Place,
    pub(crate) observer: &'a dyn Observer,
    /// How long to wait for the objects of one wave.
    pub(crate) timeout: Duration,
    /// Heeded on the way forward only: the way back is what an interrupt asks for.
    pub(crate) interrupt: Option<Interrupt>,
    pub(crate) head: HeadObject,
    pub(crate) resources: Resources,
    /// What is known about live objects; kept up to date by every write.
    pub(crate) inventory: Inventory,
    /// What was known before the transaction.
    pub(crate) known: Inventory,
    /// Whose objects are taken over.
    pub(crate) adoption: Option<&'a Adoption>,
}

/// What a journal is opened with.
pub(crate) struct Opening {
    pub(crate) to: Stored,
    /// Version of the trust file in use.
    pub(crate) trust: u64,
    /// The stored undo log.
    pub(crate) undo: Digest,
    pub(crate) action: Action,
    /// Whose objects are taken over.
    pub(crate) adopts: Option<Vec<String>>,
}

impl Transaction<'_> {
    /// Writes the head with `change` made to it.
    pub(crate) async fn write_head(
        &mut self,
        change: impl FnOnce(&mut Head),
    ) -> Result<(), StepError> {
        let mut head = self.head.head.clone();
        change(&mut head);
        self.head
            .write(self.client, head)
            .await
            .map_err(|error| if error.is_conflict() { StepError::Overtaken } else { error.into() })
    }

    /// Opens the journal: from here on there is something to finish or to undo.
    pub(crate) async fn begin(&mut self, opening: Opening) -> Result<(), StepError> {
        self.write_head(|head| {
            head.trust = head.trust.max(opening.trust);
            head.state = State::Applying;
            head.epoch += u64::from(!mutant::is(Mutant::NoNewEpoch));
            head.undo = Some(opening.undo);
            head.action = Some(opening.action);
            head.adopts = opening.adopts;
            head.from = head.committed.filter(|_| !mutant::is(Mutant::NoFrom));
            head.to = Some(opening.to);
            head.wave = 0;
        })
        .await
    }

    /// Brings the objects to `target`, and makes sure that they are as written.
    pub(crate) async fn go_forward(
        &mut self,
        plan: &Plan,
        target: &SiteRelease,
    ) -> Result<(), StepError> {
        self.advance(plan, target).await?;
        if mutant::is(Mutant::NoConfirmation) {
            return Ok(());
        }
        self.confirm(plan, target).await
    }

    /// Writes everything that `plan` creates and updates, and waits for each wave to be ready.
    async fn advance(&mut self, plan: &Plan, target: &SiteRelease) -> Result<(), StepError> {
        let objects = by_reference(target.objects());
        for (wave, steps) in plan.waves() {
            if mutant::is(Mutant::CommitBeforeLastWave) && plan.is_last(wave) {
                return Ok(());
            }
            let is_irreversible = |step: &&Step| {
                let runs = plan::is_job(&step.object)
                    && matches!(step.change, Change::Create | Change::Recreate(_));
                let object = objects.get(&step.object).filter(|_| runs);
                object.is_some_and(|object| {
                    one_way::is_irreversible(&step.object, &object.manifest())
                })
            };
            if !self.head.head.no_return && steps.iter().any(is_irreversible) {
                self.write_head(|head| head.no_return = true).await?;
            }
            self.write_wave(wave, &steps, target).await?;
            let written: Vec<ObjectRef> = steps.iter().map(|step| step.object.clone()).collect();
            self.until_ready(target, &written).await?;
            if written.iter().any(|object| object.kind == "CustomResourceDefinition") {
                self.resources.refresh(self.client).await?;
            }
            if self.head.head.state == State::Applying {
                self.write_head(|head| head.wave = wave.saturating_add(1)).await?;
            }
        }
        Ok(())
    }

    pub(crate) async fn write_wave(
        &mut self,
        wave: u8,
        steps: &[&Step],
        target: &SiteRelease,
    ) -> Result<(), StepError> {
        self.observer.observe(&Event::Wave { wave, objects: steps.len() });
        let objects = by_reference(target.objects());
        let (records, errors) = self.waves().write(steps, &objects).await;
        for (object, record) in records {
            self.inventory.insert(object, record);
        }
        if let Some(error) = errors.into_iter().next() {
            return Err(error);
        }
        match &self.interrupt {
            Some(interrupt) if interrupt::is_raised(interrupt) => Err(StepError::Interrupted),
            _ => Ok(()),
        }
    }

    /// Checks that nobody has changed what was written while we waited: what is committed must be
    /// what is there.
    async fn confirm(&self, plan: &Plan, target: &SiteRelease) -> Result<(), StepError> {
        let written: Vec<&ObjectRef> = plan.touched().map(|step| &step.object).collect();
        let live = live::read(self.client, &self.resources, written.iter().copied()).await?;
        let objects = by_reference(target.objects());
        let may_be_scaled = |object: &ObjectRef| {
            prunes_autoscaler(plan)
                && objects.get(object).is_some_and(|object| sets_replicas(object))
        };
        let is_as_written =
            |object: &&&ObjectRef| match (live.get(**object), self.inventory.get(object)) {
                (Some(live), Some(record)) => record.is_untouched(live) || may_be_scaled(object),
                // A job may end and be gone before the release is committed.
                _ => plan::is_job(object),
            };
        let changed: Vec<_> = written
            .iter()
            .filter(|object| !is_as_written(object))
            .map(|object| (*object).clone())
            .collect();
        if changed.is_empty() { Ok(()) } else { Err(StepError::Changed { objects: changed }) }
    }

    /// The commit point: one write, after which the new release is the one that the cluster has.
    pub(crate) async fn commit(
        &mut self,
        target: &SiteRelease,
        entry: Entry,
    ) -> Result<(), StepError> {
        let mut inventory = self.put_inventory(target.objects()).await?;
        if let (true, Some(old)) = (mutant::is(Mutant::StaleInventory), self.head.head.inventory) {
            inventory = old;
        }
        let version = target.config().version.clone();
        if mutant::is(Mutant::CommitInTwoWrites) {
            self.write_head(|head| head.committed = head.to).await?;
        }
        self.write_head(|head| {
            head.state = State::Committed;
            head.committed = head.to;
            head.inventory = Some(inventory);
            let is_higher =
                head.highest_version.as_ref().is_none_or(|old| version.cmp_precedence(old).is_gt());
            if is_higher || mutant::is(Mutant::ForgetHighestVersion) {
                head.highest_version = Some(version);
            }
            history::push(&mut head.history, entry);
        })
        .await?;
        self.observer.observe(&Event::Committed(target.id()));
        Ok(())
    }

    /// Deletes what the committed release does not have any more, and closes the journal. Returns
    /// what could not be deleted; the head remembers it.
    pub(crate) async fn finish(
        &mut self,
        plan: &Plan,
        target: &SiteRelease,
    ) -> Result<Vec<StepError>, StepError> {
        if mutant::is(Mutant::CommitBeforeLastWave)
            && let Some((wave, steps)) = plan.waves().pop_last()
        {
            self.write_wave(wave, &steps, target).await?;
        }
        let refused = self.waves().prune(plan, self.timeout.min(GONE)).await.answered()?.left()?;
        self.settle(plan, target).await?;
        let inventory = self.put_inventory(target.objects()).await?;
        let refused_objects = refused.iter().filter_map(StepError::object).cloned();
        let leftover = refused_objects.chain(self.awaited(plan, target)).collect();
        let leftover = self.remembered(leftover);
        self.write_head(|head| {
            head.inventory = Some(inventory);
            head.leftover = leftover;
            close(head);
        })
        .await?;
        self.tidy().await;
        Ok(refused)
    }

    /// Lists what an overtaken command may still create: objects that neither `target` has nor `plan`
    /// deletes.
    fn awaited(&self, plan: &Plan, target: &SiteRelease) -> Vec<ObjectRef> {
        let Head { history, leftover, .. } = &self.head.head;
        let undone = history.iter().rfind(|entry| entry.outcome == Outcome::RolledBack);
        if undone.is_none_or(|entry| Timestamp::now().duration_since(entry.at) > ARRIVAL) {
            return Vec::new();
        }
        let known = by_reference(target.objects());
        let is_deleted = |object: &ObjectRef| plan.steps.iter().any(|step| step.object == *object);
        let is_awaited = |object: &&ObjectRef| !known.contains_key(*object) && !is_deleted(object);
        leftover.iter().filter(is_awaited).cloned().collect()
    }

    /// Returns those of `objects` that the head can remember, and says if these are not all.
    pub(crate) fn remembered(&self, objects: Vec<ObjectRef>) -> Vec<ObjectRef> {
        let (known, forgotten) = head::remembered(objects);
        if forgotten > 0 {
            self.observer.observe(&Event::Warning(&format!(
                "{forgotten} objects that are left or may still come are too many to be remembered; \
                 a later command that meets one refuses it, for it carries the label of this \
                 release: delete it then"
            )));
        }
        known
    }

    /// Once autoscalers are gone, sets the replica counts that they may have changed meanwhile.
    async fn settle(&mut self, plan: &Plan, target: &SiteRelease) -> Result<(), StepError> {
        if !prunes_autoscaler(plan) {
            return Ok(());
        }
        let scaled = target.objects().iter().filter(|object| sets_replicas(object));
        let scaled: Vec<Object> = scaled.cloned().collect();
        let references = scaled.iter().map(Object::reference);
        let live = live::read(self.client, &self.resources, references).await?;
        self.fencing().check(self.client).await?;
        let inputs = Inputs {
            target: &scaled,
            current: &scaled,
            leftover: &[],
            inventory: &self.inventory,
            live: &live,
            applyset: &target.applyset(),
            keep: &[],
            adopts: false,
        };
        let plan = plan::draw(Some(target.edition()), Some(target.edition()), &inputs);
        self.advance(&plan, target).await
    }

    /// Deletes stored content that nothing needs any more. What is left costs only space, and the
    /// next command tries again, so a failure is none of this one; but who may not do it has to know.
    pub(crate) async fn tidy(&self) {
        let collected = collect(&self.place.store(self.client), &self.head).await;
        if let Some(StepError::Api(error)) = collected.failure
            && error.is_forbidden()
        {
            self.observer.observe(&Event::Warning(&format!(
                "stored content that nothing needs any more stays, copies of Secrets that were \
                 changed among it, for {error}; whoever may delete Secrets can run `a4co-apply gc`"
            )));
        }
    }

    pub(crate) async fn until_ready(
        &self,
        release: &SiteRelease,
        objects: &[ObjectRef],
    ) -> Result<(), StepError> {
        if mutant::is(Mutant::NoWaitForReady) {
            return Ok(());
        }
        let waiter = Waiter {
            client: self.client,
            resources: &self.resources,
            rules: &release.config().readiness,
            timeout: self.timeout,
            observer: self.observer,
            interrupt: self.interrupt.as_ref(),
        };
        waiter.until_ready(objects).await
    }

    pub(crate) async fn put_inventory(&mut self, objects: &[Object]) -> Result<Digest, StepError> {
        let belongs = by_reference(objects);
        self.inventory.retain(|object| belongs.contains_key(object));
        let bytes = self.inventory.to_bytes();
        let digest = Digest::of(&bytes);
        if self.head.head.inventory == Some(digest) {
            return Ok(digest);
        }
        let mut draft = Draft::new();
        draft.write_all(&bytes).map_err(StoreError::Draft)?;
        Ok(self.place.store(self.client).put(Content::Inventory, draft).await?)
    }

    pub(crate) fn waves(&self) -> Waves<'_> {
        let (observer, interrupt) = (self.observer, self.interrupt.as_ref());
        Waves { writer: self.writer(), observer, interrupt }
    }

    pub(crate) fn fencing(&self) -> Fencing<'_> {
        Fencing::by(&self.head)
    }

    pub(crate) fn remover(&self) -> Remover<'_> {
        self.writer().remover()
    }

    pub(crate) fn writer(&self) -> Writer<'_> {
        Writer {
            client: self.client,
            resources: &self.resources,
            effect: Effect::Real,
            epoch: self.head.head.epoch,
            goes_back: self.head.head.action == Some(Action::Rollback),
            adoption: self.adoption,
            fencing: self.fencing(),
            observer: Some(self.observer),
        }
    }
}

fn prunes_autoscaler(plan: &Plan) -> bool {
    let is_autoscaler = |step: &Step| step.object.kind == "HorizontalPodAutoscaler";
    plan.steps.iter().any(|step| step.change == Change::Prune && is_autoscaler(step))
}

fn sets_replicas(object: &Object) -> bool {
    object.manifest()["spec"]["replicas"].is_number()
}

/// Closes the journal.
pub(crate) fn close(head: &mut Head) {
    head.state = State::Idle;
    head.undo = None;
    head.action = None;
    head.adopts = None;
    head.no_return = false;
    head.from = None;
    head.to = None;
    head.wave = 0;
}
