//! One command at work: look, check, take the lease, carry out, and tell how it ended.

use std::{io::Write as _, pin::pin, time::Duration};

use a4co_bundle::{Bundle, Digest, ObjectRef, Overlay};
use futures::future::{Either, join, select};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    apply::{Options, Report},
    change::Change,
    client::{Client, Effect, Form},
    collect::{collect, has_undo_log},
    draft::Draft,
    event::{Event, Observer},
    failure::{Done, Failure},
    fetch::{Found, fetch},
    head::{Head, State, Stored},
    head_object::HeadObject,
    history::{Action, Entry, Outcome},
    image::Image,
    interrupt::{self, Interrupt},
    inventory::Inventory,
    lease::Lease,
    live,
    mutant::{self, Mutant},
    one_way::{self, OneWay, Reason},
    place::Place,
    plan::Plan,
    preflight,
    recover::{Recovered, finish_or_undo, warn},
    refusal::Refusal,
    rehearse::Extent,
    resource::Resources,
    site_release::SiteRelease,
    step::StepError,
    store::{Content, StoreError},
    survey::Survey,
    transaction::{Opening, Transaction},
    undo,
    way_back::Late,
};

/// Most characters of a name that the history keeps.
const MAX_NAME: usize = 128;

/// One command at work.
pub(crate) struct Work<'a> {
    pub(crate) client: &'a Client,
    pub(crate) place: &'a Place,
    pub(crate) options: &'a Options,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) interrupt: Interrupt,
}

impl<'w> Work<'w> {
    /// A transaction that goes on from `head`, and does not heed interrupts.
    pub(crate) fn transaction(
        &self,
        head: HeadObject,
        resources: Resources,
        inventory: Inventory,
    ) -> Transaction<'w> {
        Transaction {
            client: self.client,
            place: self.place,
            observer: self.observer,
            timeout: self.options.timeout,
            interrupt: None,
            head,
            resources,
            known: inventory.clone(),
            inventory,
            adoption: None,
        }
    }

    /// Brings the place to the release of `bundle`.
    pub(crate) async fn run(&self, bundle: &Bundle, action: Action) -> Result<Report, Failure> {
        let mut survey = self.survey(bundle, action).await?;
        preflight::guard(&survey.head.head, self.place, bundle, action)?;
        self.observer.observe(&survey.registries());
        let mut plan = survey.plan();
        if survey.is_settled(self.client, self.place, &plan).await? {
            Box::pin(self.tidy_up()).await;
            return Ok(settled(&survey.target, plan));
        }
        if survey.head.head.state == State::Idle {
            plan = self.check(&survey, plan, action).await?;
        }
        self.heed_interrupt()?;
        let made = self.make_namespace(&mut survey, bundle, &mut plan, action).await?;
        let after =
            |failure: Failure| if made { failure.after(Done::NamespaceMade) } else { failure };
        let lease = self.acquire().await.map_err(|refusal| after(refusal.into()))?;
        let client = lease.guard(self.client);
        let work = Work { client: &client, interrupt: self.interrupt.clone(), ..*self };
        let work = Box::pin(work.carry_out(bundle, action, survey, plan));
        self.under(lease, work).await.map_err(after)
    }

    /// Deletes an undo log that a command has left which ended too early: it has copies of Secrets.
    /// Whoever is at work now does it without us.
    pub(crate) async fn tidy_up(&self) {
        if !has_undo_log(&self.place.store(self.client)).await {
            return;
        }
        let acquired = self.acquire_within(Some(Duration::ZERO), |_, _| ()).await;
        let Ok(lease) = acquired else { return };
        let client = lease.guard(self.client);
        let tidying = async {
            let mut head = self.place.head_object(&client).await?;
            if head.head.state == State::Idle && head.exists() {
                // Whoever has stored one and not yet opened the journal is overtaken by this.
                let next = Head { epoch: head.head.epoch + 1, ..head.head.clone() };
                head.write(&client, next).await.map_err(Refusal::from)?;
                collect(&self.place.store(&client), &head).await;
            }
            Ok(())
        };
        // The next command tries again.
        drop(Box::pin(self.under(lease, tidying)).await);
    }

    /// Does `work` while the lease is kept, then gives it back.
    pub(crate) async fn under<T>(
        &self,
        mut lease: Lease,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let result = match select(pin!(work), pin!(lease.keep())).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => Err(Failure::Unfinished { cause: StepError::Overtaken }),
        };
        // Whoever comes next waits a while at worst; that is no reason to call the result another.
        drop(lease.release().await);
        result
    }

    /// Takes the lease.
    pub(crate) async fn acquire(&self) -> Result<Lease, Refusal> {
        let waiting = |holder: &str, age_seconds| {
            self.observer.observe(&Event::WaitingForLease { holder, age_seconds });
        };
        self.acquire_within(self.options.patience, waiting).await
    }

    /// Takes the lease, if it can be had within `patience` and before an interrupt.
    async fn acquire_within(
        &self,
        patience: Option<Duration>,
        waiting: impl Fn(&str, i64),
    ) -> Result<Lease, Refusal> {
        let holder = &self.options.holder;
        let acquired = Lease::acquire(self.client, self.place, holder, patience, waiting);
        match select(pin!(acquired), pin!(interrupt::raised(&self.interrupt))).await {
            Either::Left((lease, _)) => Ok(lease?),
            Either::Right(_) => Err(Refusal::Interrupted),
        }
    }

    pub(crate) fn heed_interrupt(&self) -> Result<(), Refusal> {
        if interrupt::is_raised(&self.interrupt) { Err(Refusal::Interrupted) } else { Ok(()) }
    }

    async fn survey(&self, bundle: &Bundle, action: Action) -> Result<Survey<'_>, Refusal> {
        let Options { adoption, overlay, .. } = self.options;
        let (goes_back, adoption) = (action == Action::Rollback, adoption.as_ref());
        let release = bundle.release();
        Survey::take(self.client, self.place, release, overlay, goes_back, adoption).await
    }

    async fn check(
        &self,
        survey: &Survey<'_>,
        mut plan: Plan,
        action: Action,
    ) -> Result<Plan, Refusal> {
        if let (Action::Rollback, Some(current)) = (action, &survey.current) {
            plan.one_way.extend(one_way::left_behind(current.objects(), survey.target.objects()));
        }
        self.ask_consent(&plan, action)?;
        let (client, place, observer) = (self.client, self.place, self.observer);
        let extent = Extent::Sample;
        let plan = preflight::check(client, place, survey, plan, extent, observer).await?;
        // What taking an object over does is known only now.
        self.ask_consent(&plan, action)?;
        Ok(plan)
    }

    /// Refuses what cannot be taken back and was not agreed to.
    fn ask_consent(&self, plan: &Plan, action: Action) -> Result<(), Refusal> {
        let needs_consent = |step: &OneWay| match step.why {
            // Who goes back has given up what was allocated to the newer release already.
            Reason::Allocation { .. } => action != Action::Rollback,
            Reason::Kept { .. } => false,
            _ => true,
        };
        if self.options.accepts_one_way || !plan.one_way.iter().any(needs_consent) {
            return Ok(());
        }
        Err(Refusal::OneWay { steps: plan.one_way.clone() })
    }

    /// Creates the namespace that holds the release's state, which has to exist before anything
    /// else can, and returns whether it had to. It is the one object that is written before the
    /// journal is open.
    async fn make_namespace(
        &self,
        survey: &mut Survey<'_>,
        bundle: &Bundle,
        plan: &mut Plan,
        action: Action,
    ) -> Result<bool, Refusal> {
        let name = &self.place.namespace;
        let release = survey.target.clone();
        let is_it = |object: &ObjectRef| object.kind == "Namespace" && object.name == *name;
        let found = release.objects().iter().find(|object| is_it(object.reference()));
        let step = plan.steps.iter_mut().find(|step| is_it(&step.object));
        let Some((object, step)) = found.zip(step) else { return Ok(false) };
        if step.change != Change::Create {
            return Ok(false);
        }
        let reference = object.reference();
        let record = match survey.writer(self.client, Effect::Real).write(object, step).await {
            Ok(record) => record,
            // Somebody else was faster. It is joined like any namespace that was there before.
            Err(StepError::Exists { .. }) => {
                *plan = self.survey(bundle, action).await?.plan();
                return Ok(false);
            }
            Err(error) => return Err(Refusal::DryRun { errors: vec![error] }),
        };
        step.change = Change::Made;
        if let Some(resource) = survey.resources.of(reference)
            && let Some(live) = live::read_one(self.client, resource, reference).await?
        {
            survey.note(reference, record, live);
        }
        Ok(true)
    }

    async fn carry_out(
        &self,
        bundle: &Bundle,
        action: Action,
        survey: Survey<'_>,
        plan: Plan,
    ) -> Result<Report, Failure> {
        let head = self.place.head_object(self.client).await?;
        if head.head.state == State::Idle && head.is_same_version(&survey.head) {
            return self.transact(bundle, action, survey, plan).await;
        }
        self.replace_lost(bundle, survey.target.overlay(), &head.head).await?;
        let recovered = finish_or_undo(self, head).await?;
        let done = self.carry_out_again(bundle, action).await;
        let report = done.map_err(|failure| recovered.before(failure))?;
        Ok(Report { recovered, ..report })
    }

    /// Stores the release of `bundle` and the overlay again where the way out of what is under way
    /// needs them: whoever deleted them there can be helped by applying them.
    async fn replace_lost(
        &self,
        bundle: &Bundle,
        overlay: Option<&Overlay>,
        head: &Head,
    ) -> Result<(), Refusal> {
        let release = bundle.release().id();
        let under_way = || [head.to, head.from].into_iter().flatten();
        if head.state == State::Idle {
            return Ok(());
        }
        if under_way().any(|stored| stored.release == release) {
            self.store_release(bundle).await?;
        }
        let digest = overlay.map(Overlay::digest);
        if let Some(overlay) = overlay
            && under_way().any(|stored| stored.overlay == digest)
        {
            self.store_overlay(overlay).await?;
        }
        Ok(())
    }

    async fn carry_out_again(&self, bundle: &Bundle, action: Action) -> Result<Report, Failure> {
        match self.look_again(bundle, action).await? {
            Either::Left(report) => Ok(report),
            Either::Right((survey, plan)) => self.transact(bundle, action, survey, plan).await,
        }
    }

    /// Looks at the place again under the lease, after it changed since the first look.
    async fn look_again(
        &self,
        bundle: &Bundle,
        action: Action,
    ) -> Result<Either<Report, (Survey<'_>, Plan)>, Refusal> {
        let survey = self.survey(bundle, action).await?;
        preflight::guard(&survey.head.head, self.place, bundle, action)?;
        self.observer.observe(&survey.registries());
        let plan = survey.plan();
        if survey.is_settled(self.client, self.place, &plan).await? {
            return Ok(Either::Left(settled(&survey.target, plan)));
        }
        let plan = self.check(&survey, plan, action).await?;
        Ok(Either::Right((survey, plan)))
    }

    async fn transact(
        &self,
        bundle: &Bundle,
        action: Action,
        survey: Survey<'_>,
        mut plan: Plan,
    ) -> Result<Report, Failure> {
        self.heed_interrupt()?;
        self.observer.observe(&Event::Planned(&plan));
        let release = &survey.target.clone();
        // Side by side, and both are waited for, so that no request is left behind. The undo log, with
        // its copies of Secrets, is stored only when nothing else can refuse any more.
        let (stored, undo) =
            join(self.store(bundle, release.overlay()), self.draft_undo_log(&survey, &mut plan))
                .await;
        let (stored, undo) = (stored?, undo?);
        let store = self.place.store(self.client);
        let mut undo = store.put(Content::Undo, undo).await.map_err(Refusal::from)?;
        if mutant::is(Mutant::NoStoredUndoLog) {
            undo = Digest::of(b"not stored");
        }
        let entry = self.entry(release, stored, action);
        let before = survey.current.as_ref().map(SiteRelease::edition);
        let mut transaction = Transaction {
            interrupt: Some(self.interrupt.clone()),
            adoption: self.options.adoption.as_ref(),
            ..self.transaction(survey.head, survey.resources, survey.inventory)
        };
        let trust = bundle.trust().file().version;
        let adopts = self.options.adoption.as_ref().map(|adoption| adoption.managers.clone());
        let opening = Opening { to: stored, trust, undo, action, adopts };
        if mutant::is(Mutant::JournalAfterEffect)
            && let Some((wave, steps)) = plan.waves().pop_first()
        {
            drop(transaction.write_wave(wave, &steps, release).await);
        }
        // Nothing is written yet: if the journal cannot be opened, this is still a refusal.
        transaction.begin(opening).await.map_err(refused)?;
        let mut done = transaction.go_forward(&plan, release).await;
        if mutant::is(Mutant::PruneBeforeCommit) {
            transaction.waves().prune(&plan, self.options.timeout).await;
        }
        if done.is_ok() {
            done = transaction.commit(release, entry.clone()).await;
        }
        if let Err(cause) = done {
            let late = if self.client.has_lost_writes() { Late::Possible } else { Late::None };
            let from = survey.current.as_ref();
            return Err(undo_release(&mut transaction, release, from, late, entry, cause).await);
        }
        let (leftover, unfinished) = match transaction.finish(&plan, release).await {
            Ok(refused) => {
                warn(self.observer, &refused);
                (refused.iter().filter_map(StepError::object).cloned().collect(), None)
            }
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Ok(Report { before, unfinished, leftover, ..report(release, plan) })
    }

    /// Writes down every object that `plan` touches as it is now, and makes the plan one for these
    /// versions of them.
    async fn draft_undo_log(&self, survey: &Survey<'_>, plan: &mut Plan) -> Result<Draft, Refusal> {
        let existing = plan.touched().filter(|step| step.live.is_some());
        let existing = existing.map(|step| &step.object);
        let mut images: Found<Image> =
            fetch(self.client, &survey.resources, existing, Form::Whole).await?;
        let mut moved = Vec::new();
        for step in plan.steps.iter_mut().filter(|step| step.change.is_touching()) {
            let Some(live) = &mut step.live else { continue };
            match images.get(&step.object).filter(|image| image.uid == live.uid) {
                Some(image) => {
                    live.resource_version.clone_from(&image.resource_version);
                    if let (Change::Adopt(_), Some(adoption)) = (&step.change, survey.adoption) {
                        // It was JSON when it was read.
                        let image: Value =
                            serde_json::from_str(image.text.get()).unwrap_or_default();
                        step.former = Some(adoption.former(&image));
                    }
                }
                None => moved.push(step.object.clone()),
            }
        }
        if !moved.is_empty() {
            return Err(Refusal::Moved { objects: moved });
        }
        // A late creation of an overtaken command is none of what the old release has.
        for stray in survey.strays() {
            images.remove(stray);
        }
        let log = undo::log(plan, |object| images.remove(object).map(|image| image.text));
        Ok(undo::draft(&log).map_err(StoreError::Draft)?)
    }

    async fn store(&self, bundle: &Bundle, overlay: Option<&Overlay>) -> Result<Stored, Refusal> {
        let release = bundle.release().id();
        let bundle = self.store_release(bundle).await?;
        let overlay = match overlay {
            Some(overlay) => Some(self.store_overlay(overlay).await?),
            None => None,
        };
        Ok(Stored { release, bundle, overlay })
    }

    async fn store_release(&self, bundle: &Bundle) -> Result<Digest, Refusal> {
        let release = bundle.release().id();
        let draft = bundle.write_thin(Draft::new());
        let draft = draft.map_err(|source| Refusal::Stored { release, source })?;
        if mutant::is(Mutant::NoStoredRelease) {
            let (bundle, _) = draft.finish().map_err(StoreError::Draft)?;
            return Ok(bundle);
        }
        Ok(self.place.store(self.client).put(Content::Release, draft).await?)
    }

    async fn store_overlay(&self, overlay: &Overlay) -> Result<Digest, Refusal> {
        let mut draft = Draft::new();
        draft.write_all(&overlay.to_bytes()).map_err(StoreError::Draft)?;
        Ok(self.place.store(self.client).put(Content::Overlay, draft).await?)
    }

    /// A line for the history; it is dated when it is written.
    pub(crate) fn entry(&self, release: &SiteRelease, stored: Stored, action: Action) -> Entry {
        Entry {
            revision: 0,
            release: stored.release,
            bundle: stored.bundle,
            overlay: stored.overlay,
            version: release.config().version.clone(),
            action,
            outcome: Outcome::Committed,
            at: Timestamp::now(),
            by: self.options.holder.chars().take(MAX_NAME).collect(),
        }
    }
}

/// Undoes a release that failed because of `cause`, and tells how that ended.
pub(crate) async fn undo_release(
    transaction: &mut Transaction<'_>,
    failed: &SiteRelease,
    from: Option<&SiteRelease>,
    late: Late,
    entry: Entry,
    cause: StepError,
) -> Failure {
    if matches!(cause, StepError::Overtaken) {
        return Failure::Unfinished { cause };
    }
    if transaction.head.head.no_return {
        return stuck(transaction, cause, StepError::NoReturn).await;
    }
    transaction.observer.observe(&Event::RollingBack { why: &cause.to_string() });
    let entry = Entry { outcome: Outcome::RolledBack, ..entry };
    let undo = match transaction.roll_back(failed, from, late, entry).await {
        Ok(restored) => {
            let (not_ready, left) = (restored.not_ready, restored.left);
            return Failure::RolledBack {
                cause,
                restored: from.map(SiteRelease::id),
                not_ready,
                left,
            };
        }
        Err(undo) => undo,
    };
    if undo.is_unanswered() || matches!(undo, StepError::Overtaken) {
        return Failure::Unfinished { cause: undo };
    }
    stuck(transaction, cause, undo).await
}

/// Says in the head that a person has to look.
async fn stuck(transaction: &mut Transaction<'_>, cause: StepError, undo: StepError) -> Failure {
    match transaction.write_head(|head| head.state = State::Stuck).await {
        Ok(()) => Failure::Stuck { cause, undo },
        Err(cause) => Failure::Unfinished { cause },
    }
}

fn settled(release: &SiteRelease, plan: Plan) -> Report {
    Report { before: Some(release.edition()), ..report(release, plan) }
}

fn report(release: &SiteRelease, plan: Plan) -> Report {
    Report {
        release: release.edition(),
        before: None,
        recovered: Recovered::Nothing,
        undone: false,
        plan,
        unfinished: None,
        leftover: Vec::new(),
    }
}

pub(crate) fn refused(error: StepError) -> Failure {
    match error {
        StepError::Api(error) => Refusal::Api(error).into(),
        _ => Refusal::Overtaken.into(),
    }
}
