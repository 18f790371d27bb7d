//! Deletes objects, each only as the one that was seen.

use std::time::Duration;

use a4co_bundle::ObjectRef;
use tokio::time::Instant;

use crate::{
    client::{Client, Dependents},
    event::{Event, Goal, Observer, Pending},
    fencing::Fencing,
    live::{self, Live, LiveObjects},
    resource::Resources,
    step::StepError,
    text,
};

const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often it is told what is waited for.
const NEWS: Duration = Duration::from_secs(5);

/// How often a deletion is tried again because the object changed meanwhile, by status updates
/// mostly, or because there was no answer.
const ATTEMPTS: usize = 20;

/// Deletes objects.
#[derive(Clone, Copy)]
pub(crate) struct Remover<'a> {
    pub(crate) client: &'a Client,
    pub(crate) resources: &'a Resources,
    pub(crate) fencing: Fencing<'a>,
    /// Who is told what is waited for.
    pub(crate) observer: Option<&'a dyn Observer>,
}

/// An object that was deleted, or is being.
pub(crate) struct Deleted {
    object: ObjectRef,
    uid: String,
}

impl Deleted {
    /// Why it is not gone.
    fn pending(&self, live: &LiveObjects) -> Pending {
        let finalizers = live.get(&self.object).map_or(&[][..], |live| &live.finalizers);
        let why = match finalizers {
            [] => "is being deleted".to_owned(),
            names => format!("is being deleted, and has finalizers: {}", names.join(", ")),
        };
        Pending { object: self.object.clone(), why: text::clean(&why), remedy: None }
    }
}

impl Remover<'_> {
    /// Deletes an object that was `seen`. That it is gone already is no error.
    pub(crate) async fn delete(
        &self,
        object: &ObjectRef,
        seen: &Live,
        dependents: Dependents,
    ) -> Result<Deleted, StepError> {
        let deleted = Deleted { object: object.clone(), uid: seen.uid.clone() };
        let Some(resource) = self.resources.readable(object) else { return Ok(deleted) };
        let path = resource.path(object.namespace.as_deref(), &object.name);
        let mut version = seen.resource_version.clone();
        let mut unclear = None;
        for _ in 0..ATTEMPTS {
            match self.client.delete(&path, &seen.uid, &version, dependents).await {
                Ok(_) => return Ok(deleted),
                Err(error) if error.is_conflict() => {}
                // Nobody knows whether it was deleted, but deleting it again does no harm.
                Err(error) if error.is_unclear() => {
                    unclear = Some(error);
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(StepError::write("delete", object, error)),
            }
            let live = live::read_one(self.client, resource, object).await?;
            match live.filter(|live| live.uid == seen.uid) {
                Some(live) if live.part_of != seen.part_of => {
                    return Err(StepError::NotOurs { object: object.clone() });
                }
                Some(live) => {
                    self.fencing.check(self.client).await?;
                    version = live.resource_version;
                }
                // Another object may have the name by now.
                None => return Ok(deleted),
            }
        }
        Err(match unclear {
            Some(error) => StepError::write("delete", object, error),
            None => StepError::Interference { object: object.clone() },
        })
    }

    /// Waits until deleted objects are gone. Another object that has the name by now is none of ours.
    pub(crate) async fn until_gone(
        &self,
        deleted: &[Deleted],
        timeout: Duration,
    ) -> Result<(), StepError> {
        let start = Instant::now();
        let mut left: Vec<&Deleted> = deleted.iter().collect();
        let mut pause = PAUSE;
        let mut next_news = NEWS;
        while !left.is_empty() {
            let references = left.iter().map(|deleted| &deleted.object);
            let live = live::read(self.client, self.resources, references).await?;
            let is_left = |deleted: &&Deleted| {
                live.get(&deleted.object).is_some_and(|live| live.uid == deleted.uid)
            };
            left.retain(is_left);
            let remaining = timeout.saturating_sub(start.elapsed());
            if !left.is_empty() && remaining.is_zero() {
                let objects = left.into_iter().map(|deleted| deleted.object.clone()).collect();
                return Err(StepError::NotGone { after: timeout, objects });
            }
            if !left.is_empty() {
                if let Some(observer) = self.observer.filter(|_| start.elapsed() >= next_news) {
                    let (goal, elapsed, awaited) = (Goal::Gone, start.elapsed(), deleted.len());
                    let pending: Vec<_> = left.iter().map(|it| it.pending(&live)).collect();
                    observer.observe(&Event::Waiting { goal, elapsed, awaited, pending: &pending });
                    next_news = start.elapsed() + NEWS;
                }
                tokio::time::sleep(pause.min(remaining)).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        Ok(())
    }
}

/// What becomes of the dependents of an object that is created anew: a `StatefulSet` leaves its
/// pods, which keep running until its successor adopts them.
pub(crate) fn when_recreated(object: &ObjectRef) -> Dependents {
    match (object.group(), object.kind.as_str()) {
        ("apps", "StatefulSet") => Dependents::Stay,
        _ => Dependents::Follow,
    }
}
