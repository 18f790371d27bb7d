//! Waits until objects are ready, says what it waits for and why, and gives up early on what
//! cannot recover.

use std::{collections::BTreeMap, pin::pin, time::Duration};

use a4co_bundle::{ObjectRef, PART_OF_LABEL, ReadinessRule};
use futures::future::select;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    answers::Answers,
    client::{Client, Form},
    doubt::Doubts,
    event::{Event, Goal, Observer, Pending},
    explain::{Troubles, explain},
    fetch::{Found, fetch_members},
    gone_job,
    interrupt::{self, Interrupt},
    plan,
    pods::Workload,
    ready::{self, Status},
    resource::Resources,
    rollout,
    step::StepError,
    trouble::Trouble,
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// When the person is told first what is awaited. Most waves are done by then.
const FIRST_NEWS: Duration = Duration::from_secs(3);

/// How often the person is told after that.
const NEWS: Duration = Duration::from_secs(5);

/// When what is awaited counts as late, so that events are asked for too.
const LATE: Duration = Duration::from_secs(8);

/// How long a failure has to stand before it is believed: right after a change, a controller may
/// still report the failure of the generation before (seen with `ProgressDeadlineExceeded`).
const CREDIBLE: Duration = Duration::from_secs(2);

/// Last lines of a container's log that are told when it is given up.
const LAST_LINES: u64 = 10;

/// Containers whose last lines are told when time is over.
const SPEAKERS: usize = 3;

/// What waiting needs to know.
pub(crate) struct Waiter<'a> {
    pub(crate) client: &'a Client,
    pub(crate) resources: &'a Resources,
    pub(crate) rules: &'a [ReadinessRule],
    pub(crate) timeout: Duration,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) interrupt: Option<&'a Interrupt>,
}

/// Waiting for one set of objects.
struct Wait<'a> {
    waiter: &'a Waiter<'a>,
    start: Instant,
    /// Id of the set that the objects belong to, as soon as one has told it.
    set: Option<String>,
    /// Objects that say that they failed, and since when.
    failing: BTreeMap<ObjectRef, Duration>,
    doubts: Doubts,
    answers: Answers,
    /// Uids of the Jobs that were seen.
    jobs: BTreeMap<ObjectRef, String>,
}

/// An object that is not ready, as it was read; `null` when it does not exist.
struct NotReady {
    reference: ObjectRef,
    object: Value,
    why: String,
    has_failed: bool,
}

impl Waiter<'_> {
    /// Waits until all of `objects` are ready.
    pub(crate) async fn until_ready(&self, objects: &[ObjectRef]) -> Result<(), StepError> {
        let awaited = |object: &&ObjectRef| ready::is_awaited(object, self.rules);
        let mut waiting: Vec<ObjectRef> = objects.iter().filter(awaited).cloned().collect();
        let awaited = waiting.len();
        let mut wait = Wait::new(self);
        let mut pause = FIRST_PAUSE;
        let mut next_news = FIRST_NEWS;
        loop {
            let not_ready = wait.look(&waiting).await?;
            if not_ready.is_empty() {
                return Ok(());
            }
            wait.believe_failures(&not_ready).await?;
            let elapsed = wait.start.elapsed();
            let is_over = elapsed >= self.timeout;
            if is_over || elapsed >= next_news {
                let troubles = wait.explain(&not_ready).await;
                wait.believe_troubles(&not_ready, &troubles).await?;
                let told = by_rank(&not_ready, &troubles);
                if is_over {
                    return Err(wait.not_ready(&told).await);
                }
                let pending: Vec<_> = told.iter().map(|(it, why)| it.pending(*why)).collect();
                self.observer.observe(&Event::Waiting {
                    goal: Goal::Ready,
                    elapsed,
                    awaited,
                    pending: &pending,
                });
                next_news = elapsed + NEWS;
            }
            waiting = not_ready.into_iter().map(|not_ready| not_ready.reference).collect();
            self.rest(pause.min(self.timeout.saturating_sub(elapsed))).await?;
            pause = LONGEST_PAUSE.min(pause * 3 / 2);
        }
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

impl<'a> Wait<'a> {
    fn new(waiter: &'a Waiter<'a>) -> Self {
        Self {
            waiter,
            start: Instant::now(),
            set: None,
            failing: BTreeMap::new(),
            doubts: Doubts::default(),
            answers: Answers::default(),
            jobs: BTreeMap::new(),
        }
    }

    /// Reads the objects and returns those that are not ready.
    async fn look(&mut self, waiting: &[ObjectRef]) -> Result<Vec<NotReady>, StepError> {
        let Waiter { client, resources, rules, .. } = *self.waiter;
        let set = self.set.as_deref();
        let mut found: Found<Value> =
            fetch_members(client, resources, waiting, Form::Whole, set).await?;
        if self.set.is_none() {
            let label = found.values().find_map(|object| set_of(object));
            self.set = label.map(str::to_owned);
        }
        let mut not_ready = Vec::new();
        for reference in waiting {
            let object = found.remove(reference).unwrap_or(Value::Null);
            let status = match object {
                Value::Null if plan::is_job(reference) => {
                    let uid = self.jobs.get(reference).map(String::as_str);
                    gone_job::status(client, reference, uid).await
                }
                Value::Null => Status::Progressing("does not exist any more".to_owned()),
                _ => ready::status(reference, &object, rules),
            };
            if let (true, Some(uid)) = (plan::is_job(reference), object["metadata"]["uid"].as_str())
            {
                self.jobs.insert(reference.clone(), uid.to_owned());
            }
            let (why, has_failed) = match status {
                Status::Ready => continue,
                Status::Progressing(why) => (why, false),
                Status::Failed(why) => (why, true),
            };
            not_ready.push(NotReady { reference: reference.clone(), object, why, has_failed });
        }
        if not_ready.len() < waiting.len() {
            self.doubts.forgive();
        }
        Ok(not_ready)
    }

    /// Gives up when an object says itself that it failed, and stays with that.
    async fn believe_failures(&mut self, not_ready: &[NotReady]) -> Result<(), StepError> {
        let now = self.start.elapsed();
        let fails = |object: &ObjectRef| {
            not_ready.iter().any(|it| it.has_failed && it.reference == *object)
        };
        self.failing.retain(|object, _| fails(object));
        for failure in not_ready.iter().filter(|it| it.has_failed) {
            let since = *self.failing.entry(failure.reference.clone()).or_insert(now);
            if now.saturating_sub(since) >= CREDIBLE {
                let troubles =
                    explain(self.waiter.client, &[failure.workload()], Some(&mut self.answers))
                        .await;
                return Err(self.failed(failure, troubles.get(&failure.reference), "").await);
            }
        }
        Ok(())
    }

    async fn explain(&mut self, not_ready: &[NotReady]) -> Troubles {
        let workloads: Vec<_> = not_ready.iter().map(NotReady::workload).collect();
        let is_late = self.start.elapsed() >= LATE;
        explain(self.waiter.client, &workloads, is_late.then_some(&mut self.answers)).await
    }

    /// Gives up when an object has had trouble for so long that it will not recover.
    async fn believe_troubles(
        &mut self,
        not_ready: &[NotReady],
        troubles: &Troubles,
    ) -> Result<(), StepError> {
        let now = self.start.elapsed();
        for it in not_ready {
            let trouble = troubles.get(&it.reference);
            let progress = rollout::progress(&it.object);
            if let Some(stood) = self.doubts.hear(&it.reference, trouble, progress, now) {
                let how_long = format!(" (for {} s)", stood.as_secs());
                return Err(self.failed(it, trouble, &how_long).await);
            }
        }
        Ok(())
    }

    async fn failed(&self, it: &NotReady, trouble: Option<&Trouble>, how_long: &str) -> StepError {
        let Pending { object, why, remedy } = it.pending(trouble);
        let words = self.last_words(trouble).await;
        StepError::Failed { object, why: format!("{why}{how_long}{words}"), remedy }
    }

    async fn not_ready(&self, told: &[(&NotReady, Option<&Trouble>)]) -> StepError {
        let mut pending = Vec::with_capacity(told.len());
        for (index, (it, trouble)) in told.iter().enumerate() {
            let words =
                if index < SPEAKERS { self.last_words(*trouble).await } else { String::new() };
            let told = it.pending(*trouble);
            pending.push(Pending { why: told.why + &words, ..told });
        }
        StepError::NotReady { after: self.waiter.timeout, pending }
    }

    /// What the container that has `trouble` wrote last. The way back deletes its pod, and what it
    /// wrote with it, so this is the time to read it.
    async fn last_words(&self, trouble: Option<&Trouble>) -> String {
        let Some(source) = trouble.and_then(|trouble| trouble.log.as_ref()) else {
            return String::new();
        };
        let lines = source.last_lines(self.waiter.client, LAST_LINES).await.unwrap_or_default();
        lines.iter().fold(String::new(), |text, line| format!("{text}\n  | {line}"))
    }
}

impl NotReady {
    fn workload(&self) -> Workload<'_> {
        Workload { reference: &self.reference, object: &self.object }
    }

    fn pending(&self, trouble: Option<&Trouble>) -> Pending {
        let text = trouble.map_or_else(String::new, |trouble| format!("; {}", trouble.text));
        Pending {
            object: self.reference.clone(),
            why: format!("{}{text}", self.why),
            remedy: trouble.map(|trouble| trouble.rule.remedy),
        }
    }
}

/// What is not ready, those first whose trouble is surest.
fn by_rank<'a>(
    not_ready: &'a [NotReady],
    troubles: &'a Troubles,
) -> Vec<(&'a NotReady, Option<&'a Trouble>)> {
    let with_trouble = |it: &'a NotReady| (it, troubles.get(&it.reference));
    let mut told: Vec<_> = not_ready.iter().map(with_trouble).collect();
    told.sort_by_key(|(_, trouble)| trouble.map_or(usize::MAX, Trouble::rank));
    told
}

fn set_of(object: &Value) -> Option<&str> {
    object["metadata"]["labels"][PART_OF_LABEL].as_str()
}
