//! Carries out the writes of a plan, one wave after the other.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
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
    remove::{Deleted, Remover},
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

    /// Deletes what the plan prunes. A refused deletion does not keep the others from happening.
    pub(crate) async fn prune(&self, plan: &Plan) -> Pruned {
        let Writer { client, resources, fencing, .. } = self.writer;
        let remover = Remover { client, resources, fencing };
        let delete = async |step: &Step| {
            let Some(live) = &step.live else { return Ok(None) };
            let deleted = remover.delete(&step.object, live, Dependents::Follow).await?;
            self.observer.observe(&Event::Deleted(&step.object));
            Ok(Some(deleted))
        };
        let mut pruned = Pruned::default();
        for wave in plan.deletions() {
            let deletions = stream::iter(wave).map(&delete);
            let mut deletions = deletions.buffer_unordered(CONCURRENCY);
            while let Some(done) = deletions.next().await {
                match done {
                    Ok(deleted) => pruned.deleted.extend(deleted),
                    Err(error) => pruned.refused.push(error),
                }
            }
        }
        pruned
    }
}

/// What came of a prune.
#[derive(Default)]
pub(crate) struct Pruned {
    pub(crate) deleted: Vec<Deleted>,
    pub(crate) refused: Vec<StepError>,
}
