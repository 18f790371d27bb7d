//! The way back: brings every object that a transaction touched to what it was.
//!
//! It goes in rounds: look at everything that the undo log names, do the next step for each object
//! that is not yet as it was, look again. What changes in between, or whose answer is lost, is seen
//! by the next round; so there is nothing to remember, and a way back that was killed is simply
//! walked again.
//!
//! When a request of an overtaken command may still be under way, each object that needs nothing
//! gets a new version first, for which such a request is not good. Late creations have no version.
//! The fence denies them where it is installed (see [`crate::fence`]); elsewhere the head remembers
//! what they would bring, and the next command deletes it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use a4co_bundle::{Object, ObjectRef};
use futures::{StreamExt as _, stream};
use serde_json::Value;

use crate::{
    client::{Dependents, FIELD_MANAGER, Form},
    error::ApiError,
    event::Event,
    fetch::{CONCURRENCY, Found, fetch},
    head::State,
    history::{self, Entry},
    image,
    inventory::{Inventory, Record},
    live::{self, Live, Metadata},
    mark::Marked,
    mutant::{self, Mutant},
    plan::{self, Inputs},
    remove::{Deleted, when_recreated},
    resource::Resource,
    site_release::SiteRelease,
    step::StepError,
    store::{Content, StoreError},
    survey::by_reference,
    text::{self, EPOCH_ANNOTATION},
    transaction::{Transaction, close},
    undo::{self, Line, Return},
};

/// Rounds after which somebody else keeps undoing what we do.
const ROUNDS: usize = 10;

/// Pause after a round that met somebody, or got no answer.
const PAUSE: Duration = Duration::from_millis(200);

/// Whether requests of this transaction may still be under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Late {
    /// Every request was answered.
    None,
    /// A command died or was overtaken, or got no answer.
    Possible,
}

/// What a way back came to.
pub(crate) struct Restored {
    /// Why the old release is not ready, if it is not.
    pub(crate) not_ready: Option<StepError>,
    /// Objects of the failed release that stay.
    pub(crate) left: Vec<ObjectRef>,
}

/// Between what a way back leads.
#[derive(Clone, Copy)]
struct Ends<'a> {
    failed: &'a SiteRelease,
    old: Option<&'a SiteRelease>,
}

/// One round.
struct Round {
    /// What is still to be done, in the order of the log.
    steps: Vec<(usize, Return)>,
    /// What was there.
    live: Found<Value>,
}

impl Transaction<'_> {
    /// Brings the objects back to what they were with `from`, the release before the failed one, and
    /// closes the journal.
    ///
    /// # Errors
    /// Fails when something blocks the way, or when the API server cannot be asked. That the old
    /// release is restored but does not become ready is no failure of the way back.
    pub(crate) async fn roll_back(
        &mut self,
        failed: &SiteRelease,
        from: Option<&SiteRelease>,
        late: Late,
        entry: Entry,
    ) -> Result<Restored, StepError> {
        self.interrupt = None;
        self.write_head(|head| {
            head.state = State::RollingBack;
            // Whoever held the epoch before is overtaken.
            head.epoch += u64::from(late == Late::Possible);
        })
        .await?;
        let ends = Ends { failed, old: from };
        let log = self.undo_log().await?;
        let defines = log.iter().any(|item| item.object.kind == "CustomResourceDefinition");
        let mut not_ready = None;
        let mut unawaited = Vec::new();
        let mut number = 0;
        let end = loop {
            if number == 0 || defines {
                self.resources.refresh(self.client).await?;
            }
            let round = self.look(ends, &log, 0..log.len()).await?;
            if number == 0 {
                self.warn_of_usurpers(&log, &round);
            }
            if number == 0 && late == Late::Possible {
                self.renew(&log, &round).await?;
            } else if round.is_done() || number == 1 && mutant::is(Mutant::OneRoundOnWayBack) {
                break round;
            } else if number >= ROUNDS {
                let objects = round.steps.iter().map(|(index, _)| log[*index].object.clone());
                return Err(StepError::Changed { objects: objects.collect() });
            }
            self.fencing().check(self.client).await?;
            let awaited = (number == 0).then_some(ends);
            let met = self.walk(&log, round, awaited, &mut not_ready).await?;
            if !met.is_empty() {
                tokio::time::sleep(PAUSE).await;
            }
            if number == 0 {
                unawaited = met.into_iter().map(|index| log[index].object.clone()).collect();
            }
            number += 1;
        };
        self.await_old(from, unawaited, &mut not_ready).await?;
        self.remember(&log, &end);
        if let Some(release) = from {
            self.put_lost(&log, release, &mut not_ready).await?;
        }
        let left = self.give_up(&log, &end).await?;
        let inventory = self.put_inventory(from.map_or(&[], SiteRelease::objects)).await?;
        let lost = lost(&log, from);
        let is_awaited = |item: &&Line| {
            item.image.is_none()
                && !end.live.contains_key(&item.object)
                && !lost.contains_key(&item.object)
        };
        let late_creations: Vec<ObjectRef> = match late {
            Late::Possible if !mutant::is(Mutant::NoLateCreations) => {
                log.iter().filter(is_awaited).map(|item| item.object.clone()).collect()
            }
            _ => Vec::new(),
        };
        let known: BTreeSet<&ObjectRef> = self.head.head.leftover.iter().collect();
        let new = late_creations.into_iter().filter(|object| !known.contains(object));
        let leftover: Vec<_> = self.head.head.leftover.iter().cloned().chain(new).collect();
        let leftover = self.remembered(leftover);
        self.write_head(|head| {
            head.inventory = head.committed.map(|_| inventory);
            head.leftover = leftover;
            history::push(&mut head.history, entry);
            close(head);
        })
        .await?;
        self.tidy().await;
        Ok(Restored { not_ready, left })
    }

    /// Reads what the transaction touches, as it was before.
    pub(crate) async fn undo_log(&self) -> Result<Vec<Line>, StepError> {
        let Some(digest) = self.head.head.undo else { return Ok(Vec::new()) };
        let bytes = self.place.store(self.client).get(Content::Undo, digest).await?;
        Ok(undo::from_bytes(&bytes).ok_or(StoreError::Content { digest })?)
    }

    /// Looks at `lines` of the log, and decides what each object needs.
    async fn look(
        &self,
        Ends { failed, old }: Ends<'_>,
        log: &[Line],
        lines: impl Iterator<Item = usize> + Clone,
    ) -> Result<Round, StepError> {
        let lost = lost(log, old);
        let objects = lines.clone().map(|index| &log[index].object);
        let live: Found<Value> = fetch(self.client, &self.resources, objects, Form::Whole).await?;
        let applyset = failed.applyset();
        let mut steps = Vec::new();
        for index in lines {
            let item = &log[index];
            if lost.contains_key(&item.object) {
                continue;
            }
            let step = item.way_back(live.get(&item.object), &applyset, &failed.config().keep);
            match step.map_err(StepError::Blocked)? {
                Return::Nothing => {}
                step => steps.push((index, step)),
            }
        }
        Ok(Round { steps, live })
    }

    /// Says whose changes are about to be set back.
    fn warn_of_usurpers(&self, log: &[Line], round: &Round) {
        for (index, _) in &round.steps {
            let item = &log[*index];
            let Some((image, live)) = item.image().zip(round.live.get(&item.object)) else {
                continue;
            };
            for manager in image::usurpers(&image, live) {
                let (object, manager) = (&item.object, text::clean(manager));
                self.observer.observe(&Event::Warning(&format!(
                    "{object}: what `{manager}` changed meanwhile is set back"
                )));
            }
        }
    }

    /// Gives each object that needs nothing a new version.
    async fn renew(&self, log: &[Line], round: &Round) -> Result<(), StepError> {
        let written: Vec<usize> = round.steps.iter().map(|(index, _)| *index).collect();
        let renew = async |item: &Line| {
            if mutant::is(Mutant::NoRenewal) {
                return Ok(());
            }
            let (Some(resource), Some(live)) =
                (self.resources.readable(&item.object), round.live.get(&item.object))
            else {
                return Ok(());
            };
            let path = resource.path(item.object.namespace.as_deref(), &item.object.name);
            let object =
                ObjectRef { api_version: resource.api_version.clone(), ..item.object.clone() };
            let of = |name: &str| live["metadata"][name].as_str().unwrap_or_default().to_owned();
            let (uid, version) = (of("uid"), of("resourceVersion"));
            let marked = Marked { path: &path, object: &object, uid, version };
            let check = async || self.fencing().check(self.client).await;
            // If another object has the name by now, the next round sees.
            marked.renew(self.client, self.head.head.epoch, check).await.map(drop)
        };
        let untouched = log
            .iter()
            .enumerate()
            .filter(|(index, item)| item.image.is_some() && !written.contains(index));
        let renewed = stream::iter(untouched).map(|(_, item)| renew(item));
        let mut renewed = renewed.buffer_unordered(CONCURRENCY);
        while let Some(done) = renewed.next().await {
            done?;
        }
        Ok(())
    }

    /// Takes the steps of one round: first what was there before, by wave, then what was not. If the
    /// old release is `awaited`, a wave begins when the one before is as ready as it was. Returns the
    /// lines of the log at which somebody was met.
    async fn walk(
        &self,
        log: &[Line],
        round: Round,
        awaited: Option<Ends<'_>>,
        not_ready: &mut Option<StepError>,
    ) -> Result<Vec<usize>, StepError> {
        let Round { steps, live } = round;
        let mut waves: BTreeMap<u8, Vec<(usize, Return)>> = BTreeMap::new();
        let mut deletions: BTreeMap<u8, Vec<(usize, Return)>> = BTreeMap::new();
        for step in steps {
            let waves = if step.1 == Return::Delete { &mut deletions } else { &mut waves };
            waves.entry(log[step.0].wave).or_default().push(step);
        }
        let mut all_met = Vec::new();
        for (wave, steps) in waves {
            self.observer.observe(&Event::Wave { wave, objects: steps.len() });
            let mut met = self.take(log, &live, &steps).await?;
            if let Some(ends) = awaited {
                met = self.insist(log, met, ends).await?;
                // Nothing is awaited of what is not restored yet.
                let written = steps.iter().filter(|(index, _)| !met.contains(index));
                let written = written.map(|(index, _)| log[*index].object.clone());
                self.await_old(ends.old, written.collect(), not_ready).await?;
            }
            all_met.append(&mut met);
        }
        for steps in deletions.into_values().rev() {
            all_met.append(&mut self.take(log, &live, &steps).await?);
        }
        Ok(all_met)
    }

    /// Goes on with the lines of the log at which somebody was met, mostly a controller that wrote a
    /// status. Returns those that are left.
    async fn insist(
        &self,
        log: &[Line],
        mut met: Vec<usize>,
        ends: Ends<'_>,
    ) -> Result<Vec<usize>, StepError> {
        for _ in 1..ROUNDS {
            if met.is_empty() {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            let round = match self.look(ends, log, met.iter().copied()).await {
                // It blocks no other object; the next round tells it.
                Err(StepError::Blocked(_)) => break,
                round => round?,
            };
            self.fencing().check(self.client).await?;
            met = self.take(log, &round.live, &round.steps).await?;
        }
        Ok(met)
    }

    async fn await_old(
        &self,
        old: Option<&SiteRelease>,
        mut written: Vec<ObjectRef>,
        not_ready: &mut Option<StepError>,
    ) -> Result<(), StepError> {
        let Some(release) = old else { return Ok(()) };
        let objects = by_reference(release.objects());
        written.retain(|object| objects.contains_key(object));
        match self.until_ready(release, &written).await {
            Err(error @ (StepError::NotReady { .. } | StepError::Failed { .. })) => {
                not_ready.get_or_insert(error);
                Ok(())
            }
            answer => answer,
        }
    }

    /// Takes some steps at once. Returns the lines of the log at which somebody was met.
    async fn take(
        &self,
        log: &[Line],
        live: &Found<Value>,
        steps: &[(usize, Return)],
    ) -> Result<Vec<usize>, StepError> {
        let taken = stream::iter(steps)
            .map(async |(index, step)| (*index, self.take_one(&log[*index], step, live).await));
        let mut taken = taken.buffer_unordered(CONCURRENCY);
        let mut met = Vec::new();
        let mut deleted = Vec::new();
        let mut failed = None;
        while let Some((index, done)) = taken.next().await {
            match done {
                Ok(Taken::Deleted(object)) => deleted.push(object),
                Ok(Taken::Written) => {}
                Ok(Taken::Met) => met.push(index),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error);
        }
        self.remover().until_gone(&deleted, self.timeout).await?;
        Ok(met)
    }

    async fn take_one(
        &self,
        item: &Line,
        step: &Return,
        live: &Found<Value>,
    ) -> Result<Taken, StepError> {
        let object = &item.object;
        let Some(resource) = self.resources.readable(object) else { return Ok(Taken::Met) };
        let path = resource.path(object.namespace.as_deref(), &object.name);
        let live = live.get(object);
        match step {
            Return::Nothing | Return::Leave => Ok(Taken::Written),
            Return::Patch(change) => {
                let mut change = change.clone();
                for name in ["uid", "resourceVersion"] {
                    change["metadata"][name] =
                        live.map_or(Value::Null, |l| l["metadata"][name].clone());
                }
                let answer = self.client.merge(&path, FIELD_MANAGER, &change).await;
                self.taken("restore", object, answer.map(drop))
            }
            Return::Create => self.put_back(resource, item).await,
            Return::Delete => match live.and_then(to_live) {
                Some(live) => self.delete(object, &live, Dependents::Follow).await,
                None => Ok(Taken::Met),
            },
            Return::Replace => match live.and_then(to_live) {
                Some(live) => {
                    let deleted =
                        self.remover().delete(object, &live, when_recreated(object)).await?;
                    self.remover().until_gone(&[deleted], self.timeout).await?;
                    self.put_back(resource, item).await
                }
                None => Ok(Taken::Met),
            },
        }
    }

    /// Creates an object again as it was.
    async fn put_back(&self, resource: &Resource, item: &Line) -> Result<Taken, StepError> {
        let Some(image) = item.image() else { return Ok(Taken::Met) };
        let mut body = image::to_create(&image, &resource.api_version, &item.object.kind);
        // The fence asks for today's; the next round puts the old one back.
        body["metadata"]["annotations"][EPOCH_ANNOTATION] = self.head.head.epoch.to_string().into();
        let collection = resource.collection(item.object.namespace.as_deref());
        let answer = self.client.create::<Value>(&collection, &body).await;
        self.taken("create", &item.object, answer.map(drop))
    }

    async fn delete(
        &self,
        object: &ObjectRef,
        live: &Live,
        dependents: Dependents,
    ) -> Result<Taken, StepError> {
        let deleted = self.remover().delete(object, live, dependents).await?;
        self.observer.observe(&Event::Deleted(object));
        Ok(Taken::Deleted(deleted))
    }

    fn taken(
        &self,
        verb: &'static str,
        object: &ObjectRef,
        answer: Result<(), ApiError>,
    ) -> Result<Taken, StepError> {
        match answer {
            Ok(()) => {
                self.observer.observe(&Event::Applied(object));
                Ok(Taken::Written)
            }
            // The next round sees what became of it.
            Err(error) if error.is_conflict() || error.is_not_found() || error.is_unclear() => {
                Ok(Taken::Met)
            }
            Err(error) => Err(StepError::write(verb, object, error)),
        }
    }

    /// Writes objects of the old release that were missing before the transaction began: exactly
    /// the old release has them.
    async fn put_lost(
        &mut self,
        log: &[Line],
        release: &SiteRelease,
        not_ready: &mut Option<StepError>,
    ) -> Result<(), StepError> {
        let lost: Vec<Object> = lost(log, Some(release)).into_values().cloned().collect();
        if lost.is_empty() {
            return Ok(());
        }
        let references = lost.iter().map(Object::reference);
        let live = live::read(self.client, &self.resources, references).await?;
        self.fencing().check(self.client).await?;
        let inputs = Inputs {
            target: &lost,
            current: &lost,
            leftover: &[],
            inventory: &Inventory::default(),
            live: &live,
            applyset: &release.applyset(),
            keep: &[],
            adopts: false,
        };
        let mut plan = plan::draw(Some(release.edition()), Some(release.edition()), &inputs);
        if let Some(obstacle) = plan.obstacles.pop() {
            return Err(StepError::Blocked(obstacle));
        }
        for (wave, steps) in plan.waves() {
            self.write_wave(wave, &steps, release).await?;
            let written = steps.iter().map(|step| step.object.clone()).collect();
            self.await_old(Some(release), written, not_ready).await?;
        }
        Ok(())
    }

    /// Brings the inventory to what it was, but for objects that had to be created again.
    fn remember(&mut self, log: &[Line], end: &Round) {
        self.inventory = self.known.clone();
        for item in log.iter().filter(|item| item.image.is_some()) {
            let live = end.live.get(&item.object).and_then(to_live);
            let known = self.known.get(&item.object);
            if let (Some(live), Some(known)) = (live, known)
                && live.uid != known.uid
            {
                let record = Record { uid: live.uid, owned: live.owned, ..known.clone() };
                self.inventory.insert(item.object.clone(), record);
            }
        }
    }

    /// Leaves what is never deleted, but gives up our part of it where nobody else needs it.
    async fn give_up(&self, log: &[Line], end: &Round) -> Result<Vec<ObjectRef>, StepError> {
        let left = end.steps.iter().filter(|(_, step)| *step == Return::Leave);
        let mut left: Vec<ObjectRef> = left.map(|(index, _)| log[*index].object.clone()).collect();
        for namespace in left.iter().filter(|object| object.kind == "Namespace") {
            self.writer().disown(namespace).await?;
        }
        let is_kept = |item: &&Line| {
            end.live.get(&item.object).is_some_and(|live| item.is_kept(live))
                && !left.contains(&item.object)
        };
        let kept: Vec<ObjectRef> =
            log.iter().filter(is_kept).map(|item| item.object.clone()).collect();
        left.extend(kept);
        Ok(left)
    }
}

/// What came of one step.
enum Taken {
    Written,
    Deleted(Deleted),
    /// Somebody was faster, or there was no answer.
    Met,
}

impl Round {
    fn is_done(&self) -> bool {
        self.steps.iter().all(|(_, step)| *step == Return::Leave)
    }
}

/// Objects of the old release that were missing before the transaction began.
fn lost<'a>(log: &[Line], from: Option<&'a SiteRelease>) -> BTreeMap<&'a ObjectRef, &'a Object> {
    let mut objects = by_reference(from.map_or(&[], SiteRelease::objects));
    let missing: BTreeSet<_> =
        log.iter().filter(|item| item.image.is_none()).map(|item| &item.object).collect();
    objects.retain(|object, _| missing.contains(object));
    objects
}

fn to_live(object: &Value) -> Option<Live> {
    let metadata: Metadata = serde_json::from_value(object["metadata"].clone()).ok()?;
    Some(metadata.into())
}
