//! Carries out the writes of a plan, one wave after the other.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use a4co_bundle::{Object, ObjectRef};
use futures::{StreamExt as _, stream};
use tokio::time::Instant;

use crate::{
    change::{Change, Step},
    client::{Client, Effect},
    error::ApiError,
    event::{Event, Observer},
    fetch::CONCURRENCY,
    interrupt::{self, Interrupt},
    inventory::Record,
    live,
    plan::Plan,
    resource::Resources,
    step::StepError,
    write::Writer,
};

const PAUSE: Duration = Duration::from_millis(100);

/// How often a deletion without an answer is tried again.
const ATTEMPTS: usize = 20;

/// Carries out the writes of a plan.
pub(crate) struct Waves<'a> {
    pub(crate) client: &'a Client,
    pub(crate) resources: &'a Resources,
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
        for step in self.writes().filter(|step| step.change != Change::Prune) {
            waves.entry(step.wave).or_default().push(step);
        }
        waves
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
        effect: Effect,
    ) -> (Records, Vec<StepError>) {
        let writer = Writer { client: self.client, resources: self.resources, effect };
        let has_failed = AtomicBool::new(false);
        let must_stop = || {
            // A dry run wants to know everything that would fail.
            effect == Effect::Real && has_failed.load(Ordering::Relaxed)
                || self.interrupt.is_some_and(interrupt::is_raised)
        };
        let write = async |step: &Step| {
            if must_stop() {
                return None;
            }
            let object = objects.get(&step.object)?;
            let written = writer.write(object, step).await;
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

    /// Deletes what the plan prunes. A refused deletion does not keep the others from happening.
    pub(crate) async fn prune(&self, plan: &Plan) -> Pruned {
        let mut pruned = Pruned::default();
        for wave in plan.deletions() {
            let deletions = stream::iter(wave).map(|step| self.delete(step));
            let mut deletions = deletions.buffer_unordered(CONCURRENCY);
            while let Some(done) = deletions.next().await {
                match done {
                    Ok(gone) => pruned.deleted.push(gone),
                    Err(refused) => pruned.refused.push(refused),
                }
            }
        }
        pruned
    }

    /// Waits until deleted objects are gone. Another object that has the name by now is none of ours.
    pub(crate) async fn until_gone(
        &self,
        deleted: &[Deleted],
        timeout: Duration,
    ) -> Result<(), StepError> {
        let start = Instant::now();
        loop {
            let references = deleted.iter().map(|deleted| &deleted.object);
            let live = live::read(self.client, self.resources, references).await?;
            let is_left = |deleted: &&Deleted| {
                live.get(&deleted.object).is_some_and(|live| live.uid == deleted.uid)
            };
            let left: Vec<_> = deleted.iter().filter(is_left).collect();
            if left.is_empty() {
                return Ok(());
            }
            if start.elapsed() >= timeout {
                let objects = left.into_iter().map(|deleted| deleted.object.clone()).collect();
                return Err(StepError::NotGone { after: timeout, objects });
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn delete(&self, step: &Step) -> Result<Deleted, StepError> {
        let object = step.object.clone();
        let uid = step.live.as_ref().map_or_else(String::new, |live| live.uid.clone());
        let Some(resource) = self.resources.readable(&object) else {
            return Ok(Deleted { object, uid });
        };
        let path = resource.path(object.namespace.as_deref(), &object.name);
        let mut answer = self.client.delete(&path, &uid).await;
        // Nobody knows whether it was deleted, but deleting it again does no harm.
        for _ in 0..ATTEMPTS {
            if !answer.as_ref().is_err_and(ApiError::is_unanswered) {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            answer = self.client.delete(&path, &uid).await;
        }
        match answer {
            Err(error) if !error.is_conflict() => {
                return Err(StepError::write("delete", &object, error));
            }
            // A conflict means that another object has the name by now.
            _ => self.observer.observe(&Event::Deleted(&object)),
        }
        Ok(Deleted { object, uid })
    }
}

/// An object that was deleted, or is being.
pub(crate) struct Deleted {
    object: ObjectRef,
    uid: String,
}

/// What came of a prune.
#[derive(Default)]
pub(crate) struct Pruned {
    pub(crate) deleted: Vec<Deleted>,
    pub(crate) refused: Vec<StepError>,
}
