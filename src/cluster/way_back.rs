//! The way back: brings a place from a release that failed to the one before it.

use a4co_bundle::{Object, ObjectRef, Release};

use crate::{
    change::Change,
    client::Effect,
    head::State,
    history::{self, Entry},
    live,
    plan::{self, Inputs, Plan},
    step::StepError,
    survey::by_reference,
    transaction::{Transaction, close},
    write::Writer,
};

/// What a way back came to.
pub(crate) struct Restored {
    /// Why the old release is not ready, if it is not.
    pub(crate) not_ready: Option<StepError>,
    /// Objects of the failed release that stay.
    pub(crate) left: Vec<ObjectRef>,
}

impl Transaction<'_> {
    /// Brings the objects back to `from`, the release before the failed one, and closes the journal.
    ///
    /// # Errors
    /// Fails when something blocks the way, or when the API server cannot be asked. That the old
    /// release is restored but does not become ready is no failure of the way back.
    pub(crate) async fn roll_back(
        &mut self,
        failed: &Release,
        from: Option<&Release>,
        entry: Entry,
    ) -> Result<Restored, StepError> {
        self.interrupt = None;
        self.write_head(|head| head.state = State::RollingBack).await?;
        let plan = self.plan_back(failed, from).await?;
        let not_ready = match from {
            Some(release) => self.restore(&plan, release).await?,
            None => None,
        };
        let mut pruned = self.waves().prune(&plan).await;
        if let Some(refused) = pruned.refused.pop() {
            return Err(refused);
        }
        self.waves().until_gone(&pruned.deleted, self.timeout).await?;
        if let Some(release) = from {
            self.settle(&plan, release).await?;
        }
        let left = self.give_up(&plan).await?;
        let inventory = self.put_inventory(from.map_or(&[], Release::objects)).await?;
        self.write_head(|head| {
            head.inventory = head.committed.map(|_| inventory);
            history::push(&mut head.history, entry);
            close(head);
        })
        .await?;
        Ok(Restored { not_ready, left })
    }

    /// Writes the old release; returns why it is not ready, if it is not.
    async fn restore(
        &mut self,
        plan: &Plan,
        release: &Release,
    ) -> Result<Option<StepError>, StepError> {
        let mut not_ready = None;
        for (wave, steps) in plan.waves() {
            self.write_wave(wave, &steps, release).await?;
            let written: Vec<ObjectRef> = steps.iter().map(|step| step.object.clone()).collect();
            match self.until_ready(release, &written).await {
                Err(error @ (StepError::NotReady { .. } | StepError::Failed { .. })) => {
                    not_ready = not_ready.or(Some(error));
                }
                answer => answer?,
            }
        }
        Ok(not_ready)
    }

    /// Leaves what is never deleted, but gives up our part of it where nobody else needs it.
    async fn give_up(&self, plan: &Plan) -> Result<Vec<ObjectRef>, StepError> {
        let (client, resources) = (self.client, &self.resources);
        let writer = Writer { client, resources, effect: Effect::Real };
        let left = plan.steps.iter().filter(|step| step.change == Change::Leave);
        let left: Vec<ObjectRef> = left.map(|step| step.object.clone()).collect();
        for namespace in left.iter().filter(|object| object.kind == "Namespace") {
            writer.disown(namespace).await?;
        }
        Ok(left)
    }

    async fn plan_back(
        &mut self,
        failed: &Release,
        from: Option<&Release>,
    ) -> Result<Plan, StepError> {
        let target = from.map_or(&[][..], Release::objects);
        // What the failed release has otherwise may or may not have been written.
        let (old, new) = (by_reference(target), by_reference(failed.objects()));
        self.inventory.retain(|object| {
            let digest = |object: &&Object| object.digest();
            old.get(object).map(digest) == new.get(object).map(digest)
        });
        self.resources.refresh(self.client).await?;
        let both = target.iter().chain(failed.objects()).map(Object::reference);
        let live = live::read(self.client, &self.resources, both).await?;
        let inputs = Inputs {
            target,
            current: failed.objects(),
            leftover: &[],
            inventory: &self.inventory,
            live: &live,
            applyset: &failed.applyset(),
            keep: &failed.config().keep,
        };
        let mut plan = plan::draw(Some(failed.id()), from.map(Release::id), &inputs);
        // A job that is gone has run. Running it again is no way back.
        plan.steps.retain(|step| step.change != Change::Create || !plan::is_job(&step.object));
        match plan.obstacles.pop() {
            None => Ok(plan),
            Some(obstacle) => Err(StepError::Blocked(obstacle)),
        }
    }
}
