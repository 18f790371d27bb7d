//! Waits until objects are ready, and says what it waits for.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use a4co_bundle::{ObjectRef, ReadinessRule};
use futures::future::select;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    client::{Client, Form},
    event::{Event, Observer, Pending},
    fetch::{Found, fetch},
    interrupt::{self, Interrupt},
    pods,
    ready::{self, Status},
    resource::Resources,
    step::StepError,
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// How often the person is told what is awaited.
const NEWS: Duration = Duration::from_secs(5);

/// Pods are asked for the reasons of this many objects at a time.
const EXPLAINED: usize = 5;

/// How long a failure has to stand before it is believed: right after a change, a controller may
/// still report the failure of the generation before (seen with `ProgressDeadlineExceeded`).
const CREDIBLE: Duration = Duration::from_secs(2);

/// What waiting needs to know.
pub(crate) struct Waiter<'a> {
    pub(crate) client: &'a Client,
    pub(crate) resources: &'a Resources,
    pub(crate) rules: &'a [ReadinessRule],
    pub(crate) timeout: Duration,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) interrupt: Option<&'a Interrupt>,
}

/// An object that is not ready, as it was read; `null` when it does not exist.
struct NotReady {
    pending: Pending,
    object: Value,
}

impl Waiter<'_> {
    /// Waits until all of `objects` are ready.
    pub(crate) async fn until_ready(&self, objects: &[ObjectRef]) -> Result<(), StepError> {
        let awaited = |object: &&ObjectRef| ready::is_awaited(object, self.rules);
        let mut waiting: Vec<ObjectRef> = objects.iter().filter(awaited).cloned().collect();
        let mut failing = BTreeMap::new();
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        let mut next_news = NEWS;
        loop {
            let not_ready = self.look(&waiting, &mut failing).await?;
            if not_ready.is_empty() {
                return Ok(());
            }
            let elapsed = start.elapsed();
            let is_late = elapsed >= self.timeout;
            if is_late || elapsed >= next_news {
                let pending = self.explain(&not_ready).await;
                if is_late {
                    return Err(StepError::NotReady { after: self.timeout, pending });
                }
                self.observer.observe(&Event::Waiting { elapsed, pending: &pending });
                next_news = elapsed + NEWS;
            }
            waiting = not_ready.into_iter().map(|not_ready| not_ready.pending.object).collect();
            self.rest(pause.min(self.timeout.saturating_sub(elapsed))).await?;
            pause = LONGEST_PAUSE.min(pause * 3 / 2);
        }
    }

    /// Reads the objects and returns those that are not ready. `failing` remembers since when an
    /// object says that it failed.
    async fn look(
        &self,
        waiting: &[ObjectRef],
        failing: &mut BTreeMap<ObjectRef, Instant>,
    ) -> Result<Vec<NotReady>, StepError> {
        let mut found: Found<Value> =
            fetch(self.client, self.resources, waiting, Form::Whole).await?;
        let mut not_ready = Vec::new();
        for reference in waiting {
            let object = found.remove(reference).unwrap_or(Value::Null);
            let status = match object {
                Value::Null => Status::Progressing("does not exist any more".to_owned()),
                _ => ready::status(reference, &object, self.rules),
            };
            let why = match status {
                Status::Ready => continue,
                Status::Progressing(why) => {
                    failing.remove(reference);
                    why
                }
                Status::Failed(why) => {
                    let since = *failing.entry(reference.clone()).or_insert_with(Instant::now);
                    if since.elapsed() >= CREDIBLE {
                        let why = pods::blame(self.client, &object).await.unwrap_or(why);
                        return Err(StepError::Failed { object: reference.clone(), why });
                    }
                    why
                }
            };
            not_ready
                .push(NotReady { pending: Pending { object: reference.clone(), why }, object });
        }
        Ok(not_ready)
    }

    /// Adds what the pods say for themselves.
    async fn explain(&self, not_ready: &[NotReady]) -> Vec<Pending> {
        let mut explained = Vec::new();
        for (index, NotReady { pending, object }) in not_ready.iter().enumerate() {
            let mut pending = pending.clone();
            if index < EXPLAINED
                && let Some(reason) = pods::blame(self.client, object).await
            {
                pending.why = format!("{}: {reason}", pending.why);
            }
            explained.push(pending);
        }
        explained
    }

    /// Pauses, unless the person asks to stop.
    async fn rest(&self, pause: Duration) -> Result<(), StepError> {
        let sleep = tokio::time::sleep(pause);
        let Some(interrupt) = self.interrupt else {
            sleep.await;
            return Ok(());
        };
        select(pin!(sleep), pin!(interrupt::raised(interrupt))).await;
        if interrupt::is_raised(interrupt) { Err(StepError::Interrupted) } else { Ok(()) }
    }
}
