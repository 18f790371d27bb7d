//! Brings a place from one release to another, or back.
//!
//! ```text
//! idle ──▶ applying ──▶ committed ──▶ idle      writes by wave │ the commit │ prune
//!             │
//!             └──▶ rolling-back ──▶ idle        writes of the old release, then deletes
//!                        └──▶ stuck             blocked by others; a person has to look
//! ```
//!
//! Every arrow is one guarded write of the head. Invariants: no object is written before the head
//! says `applying`, but for the namespace that holds the head; nothing that existed before is
//! deleted before the commit; one write changes what is committed; both releases are stored in the
//! cluster before the first object is written, so that any later command can finish or undo.
//! Known hole: a request whose sender died may still arrive after the way back has begun.

use std::time::Duration;

use a4co_bundle::{Digest, Object, ObjectRef, Release};

use crate::{
    change::{Change, Step},
    client::{Client, Effect},
    event::{Event, Observer},
    head::{Head, State, Stored},
    head_object::HeadObject,
    history::{self, Entry},
    interrupt::{self, Interrupt},
    inventory::Inventory,
    live,
    place::Place,
    plan::{self, Inputs, Plan},
    resource::Resources,
    step::StepError,
    store::Content,
    survey::by_reference,
    wait::Waiter,
    waves::Waves,
};

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
    pub(crate) async fn begin(&mut self, to: Stored, trust: u64) -> Result<(), StepError> {
        self.write_head(|head| {
            head.trust = head.trust.max(trust);
            head.state = State::Applying;
            head.epoch += 1;
            head.from = head.committed;
            head.to = Some(to);
            head.wave = 0;
        })
        .await
    }

    /// Brings the objects to `target`, and makes sure that they are as written.
    pub(crate) async fn go_forward(
        &mut self,
        plan: &Plan,
        target: &Release,
    ) -> Result<(), StepError> {
        self.advance(plan, target).await?;
        self.confirm(plan, target).await
    }

    /// Writes everything that `plan` creates and updates, and waits for each wave to be ready.
    async fn advance(&mut self, plan: &Plan, target: &Release) -> Result<(), StepError> {
        for (wave, steps) in plan.waves() {
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
        target: &Release,
    ) -> Result<(), StepError> {
        self.observer.observe(&Event::Wave { wave, objects: steps.len() });
        let objects = by_reference(target.objects());
        let (records, errors) = self.waves().write(steps, &objects, Effect::Real).await;
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
    async fn confirm(&self, plan: &Plan, target: &Release) -> Result<(), StepError> {
        let written = plan.writes().filter(|step| step.change != Change::Prune);
        let written: Vec<&ObjectRef> = written.map(|step| &step.object).collect();
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
    pub(crate) async fn commit(&mut self, target: &Release, entry: Entry) -> Result<(), StepError> {
        let inventory = self.put_inventory(target.objects()).await?;
        let version = target.config().version.clone();
        self.write_head(|head| {
            head.state = State::Committed;
            head.committed = head.to;
            head.inventory = Some(inventory);
            let is_higher =
                head.highest_version.as_ref().is_none_or(|old| version.cmp_precedence(old).is_gt());
            if is_higher {
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
        target: &Release,
    ) -> Result<Vec<StepError>, StepError> {
        let pruned = self.waves().prune(plan).await;
        if let Some(index) = pruned.refused.iter().position(StepError::is_unanswered) {
            let mut refused = pruned.refused;
            return Err(refused.swap_remove(index));
        }
        self.settle(plan, target).await?;
        let inventory = self.put_inventory(target.objects()).await?;
        let leftover = pruned.refused.iter().filter_map(StepError::object).cloned().collect();
        self.write_head(|head| {
            head.inventory = Some(inventory);
            head.leftover = leftover;
            close(head);
        })
        .await?;
        Ok(pruned.refused)
    }

    /// Once autoscalers are gone, sets the replica counts that they may have changed meanwhile.
    pub(crate) async fn settle(&mut self, plan: &Plan, target: &Release) -> Result<(), StepError> {
        if !prunes_autoscaler(plan) {
            return Ok(());
        }
        let scaled = target.objects().iter().filter(|object| sets_replicas(object));
        let scaled: Vec<Object> = scaled.cloned().collect();
        let references = scaled.iter().map(Object::reference);
        let live = live::read(self.client, &self.resources, references).await?;
        let inputs = Inputs {
            target: &scaled,
            current: &scaled,
            leftover: &[],
            inventory: &self.inventory,
            live: &live,
            applyset: &target.applyset(),
            keep: &[],
        };
        let plan = plan::draw(Some(target.id()), Some(target.id()), &inputs);
        self.advance(&plan, target).await
    }

    pub(crate) async fn until_ready(
        &self,
        release: &Release,
        objects: &[ObjectRef],
    ) -> Result<(), StepError> {
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
        Ok(self.place.store(self.client).put(Content::Inventory, &bytes).await?)
    }

    pub(crate) fn waves(&self) -> Waves<'_> {
        let (client, resources, observer) = (self.client, &self.resources, self.observer);
        Waves { client, resources, observer, interrupt: self.interrupt.as_ref() }
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
    head.from = None;
    head.to = None;
    head.wave = 0;
}
