//! Carries out the writes of a plan, one wave after the other.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use a4co_bundle::{Object, ObjectRef};
use futures::{StreamExt as _, stream};

use crate::{
    change::{Change, Step},
    client::{Dependents, Effect},
    event::{Event, Observer},
    fetch::CONCURRENCY,
    interrupt::{self, Interrupt},
    inventory::Record,
    mutant::{self, Mutant},
    plan::Plan,
    remove::Deleted,
    step::StepError,
    write::Writer,
};

/// Carries out the writes of a plan.
pub(crate) struct Waves<'a> {
    pub(crate) writer: Writer<'a>,
    pub(crate) observer: &'a dyn Observer,
    /// Ends the writing between two requests.
    pub(crate) interrupt: Option<&'a Interrupt>,
}

/// What was recorded about objects that were written.
pub(crate) type Records = Vec<(ObjectRef, Record)>;

impl Plan {
    /// Returns the steps that create or update, by wave.
    pub(crate) fn waves(&self) -> BTreeMap<u8, Vec<&Step>> {
        let mut waves: BTreeMap<u8, Vec<&Step>> = BTreeMap::new();
        for step in self.touched().filter(|step| step.change != Change::Made) {
            waves.entry(step.wave).or_default().push(step);
        }
        waves
    }

    /// Returns whether `wave` is the last one that writes.
    pub(crate) fn is_last(&self, wave: u8) -> bool {
        self.waves().last_key_value().is_some_and(|(last, _)| *last == wave)
    }

    /// Returns the steps that delete, in the order in which that happens: last wave first.
    fn deletions(&self) -> Vec<Vec<&Step>> {
        let mut waves: BTreeMap<u8, Vec<&Step>> = BTreeMap::new();
        for step in self.steps.iter().filter(|step| step.change == Change::Prune) {
            waves.entry(step.wave).or_default().push(step);
        }
        waves.into_values().rev().collect()
    }
}

impl Waves<'_> {
    /// Writes the objects of one wave, several at once.
    ///
    /// After a failure or an interrupt nothing new is sent, but what is under way is awaited, so that
    /// the way back starts from a state that stands still.
    pub(crate) async fn write(
        &self,
        steps: &[&Step],
        objects: &BTreeMap<&ObjectRef, &Object>,
    ) -> (Records, Vec<StepError>) {
        let effect = self.writer.effect;
        let has_failed = AtomicBool::new(false);
        let must_stop = || {
            // A dry run wants to know everything that would fail.
            effect == Effect::Real && has_failed.load(Ordering::Relaxed)
                || self.interrupt.is_some_and(interrupt::is_raised)
        };
        let write = async |step: &Step| {
            if must_stop() || self.is_forgotten(step) {
                return None;
            }
            let object = objects.get(&step.object)?;
            let written = self.writer.write(object, step).await;
            match &written {
                Err(_) => has_failed.store(true, Ordering::Relaxed),
                Ok(_) if effect == Effect::Real => {
                    self.observer.observe(&Event::Applied(&step.object));
                }
                Ok(_) => {}
            }
            Some(written.map(|record| (step.object.clone(), record)))
        };
        let mut records = Records::new();
        let mut errors = Vec::new();
        let mut written = stream::iter(steps).map(|step| write(step)).buffer_unordered(CONCURRENCY);
        while let Some(written) = written.next().await {
            match written {
                Some(Ok(record)) => records.push(record),
                Some(Err(error)) => errors.push(error),
                None => {}
            }
        }
        (records, errors)
    }

    fn is_forgotten(&self, step: &Step) -> bool {
        let is_real = self.writer.effect == Effect::Real;
        mutant::is(Mutant::ForgetAnObject) && step.live.is_some() && is_real
    }

    /// Deletes what the plan prunes. A wave begins when the one before is gone, for what it deletes
    /// may be needed for that, like an operator for the objects that it finalizes. A refused deletion
    /// does not keep the others from happening; what does not go for longer than `patience` does.
    pub(crate) async fn prune(&self, plan: &Plan, patience: Duration) -> Pruned {
        let remover = self.writer.remover();
        let delete = async |step: &Step| {
            let Some(live) = &step.live else { return Ok(None) };
            let deleted = remover.delete(&step.object, live, Dependents::Follow).await?;
            self.observer.observe(&Event::Deleted(&step.object));
            Ok(Some(deleted))
        };
        let mut pruned = Pruned::default();
        let mut waves = plan.deletions().into_iter();
        while let Some(wave) = waves.next() {
            if let Err(why) = remover.until_gone(&pruned.deleted, patience).await {
                let waiting = std::iter::once(wave).chain(waves).flatten();
                let waiting = waiting.map(|step| step.object.clone()).collect();
                pruned.stopped = Some(Stopped { why, waiting });
                break;
            }
            pruned.deleted.clear();
            let deletions = stream::iter(wave).map(&delete);
            let mut deletions = deletions.buffer_unordered(CONCURRENCY);
            while let Some(done) = deletions.next().await {
                match done {
                    Ok(deleted) => pruned.deleted.extend(deleted),
                    Err(error) => pruned.refused.push(error),
                }
            }
            if pruned.refused.iter().any(StepError::is_unanswered) {
                break;
            }
        }
        pruned
    }
}

/// What came of a prune.
#[derive(Default)]
pub(crate) struct Pruned {
    /// What was deleted last, and not waited for.
    pub(crate) deleted: Vec<Deleted>,
    pub(crate) refused: Vec<StepError>,
    pub(crate) stopped: Option<Stopped>,
}

/// Why not all waves were deleted.
pub(crate) struct Stopped {
    /// What does not go, or why that cannot be told.
    pub(crate) why: StepError,
    /// Objects whose deletion was not begun.
    pub(crate) waiting: Vec<ObjectRef>,
}

impl Pruned {
    /// Fails when the API server could not be asked, as against: it said no.
    pub(crate) fn answered(mut self) -> Result<Self, StepError> {
        match self.refused.iter().position(StepError::is_unanswered) {
            Some(index) => Err(self.refused.swap_remove(index)),
            None => Ok(self),
        }
    }

    /// Returns why objects are left, each with its object.
    pub(crate) fn left(mut self) -> Result<Vec<StepError>, StepError> {
        let Some(Stopped { why, waiting }) = self.stopped else { return Ok(self.refused) };
        let StepError::NotGone { after, objects } = why else { return Err(why) };
        let not_gone = |object| StepError::NotGone { after, objects: vec![object] };
        self.refused.extend(objects.into_iter().map(not_gone));
        self.refused.extend(waiting.into_iter().map(|object| StepError::Waiting { object }));
        Ok(self.refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_a_prune_is_told_object_by_object() {
        let object = |name: &str| ObjectRef {
            kind: "X".to_owned(),
            api_version: "v1".to_owned(),
            namespace: None,
            name: name.to_owned(),
        };
        let refused = || StepError::Interference { object: object("refused") };
        let objects = vec![object("held"), object("also")];
        let why = StepError::NotGone { after: Duration::ZERO, objects };
        let stopped = Stopped { why, waiting: vec![object("operator")] };
        let pruned =
            Pruned { refused: vec![refused()], stopped: Some(stopped), ..Pruned::default() };
        let left = pruned.left().unwrap();
        let names: Vec<_> = left.iter().map(|why| why.object().unwrap().name.as_str()).collect();
        assert_eq!(names, ["refused", "held", "also", "operator"]);
        let stopped = Stopped { why: StepError::Overtaken, waiting: Vec::new() };
        let pruned = Pruned { stopped: Some(stopped), ..Pruned::default() };
        assert!(matches!(pruned.left(), Err(StepError::Overtaken)));
    }
}
