//! One command at work: look, check, take the lease, carry out, and tell how it ended.

use std::pin::pin;

use a4co_bundle::{Bundle, Object, ObjectRef, Release};
use futures::future::{Either, select};
use jiff::Timestamp;

use crate::{
    apply::{Options, Report},
    change::{Change, Step},
    client::{Client, Effect},
    event::{Event, Observer},
    failure::{Done, Failure},
    head::{State, Stored},
    history::{Action, Entry, Outcome},
    interrupt::{self, Interrupt},
    lease::Lease,
    live,
    place::Place,
    plan::Plan,
    preflight,
    recover::{finish_or_undo, warn},
    refusal::Refusal,
    step::StepError,
    store::Content,
    survey::Survey,
    transaction::Transaction,
    write::Writer,
};

/// One command at work.
pub(crate) struct Work<'a> {
    pub(crate) client: &'a Client,
    pub(crate) place: &'a Place,
    pub(crate) options: &'a Options,
    pub(crate) observer: &'a dyn Observer,
    pub(crate) interrupt: Interrupt,
}

impl Work<'_> {
    /// Brings the place to the release of `bundle`.
    pub(crate) async fn run(&self, bundle: &Bundle, action: Action) -> Result<Report, Failure> {
        let release = bundle.release();
        let mut survey = Survey::take(self.client, self.place, release).await?;
        preflight::guard(&survey.head.head, self.place, bundle, action)?;
        let plan = survey.plan(release);
        if survey.is_settled(self.client, self.place, release, &plan).await? {
            return Ok(settled(release, plan));
        }
        if survey.head.head.state == State::Idle {
            self.check(&survey, release, &plan).await?;
        }
        self.heed_interrupt()?;
        let made = self.make_namespace(&mut survey, release).await?;
        let after =
            |failure: Failure| if made { failure.after(Done::NamespaceMade) } else { failure };
        let lease = self.acquire().await.map_err(|refusal| after(refusal.into()))?;
        let work = Box::pin(self.carry_out(bundle, action, survey));
        self.under(lease, work).await.map_err(after)
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
        let Options { holder, patience, .. } = self.options;
        let waiting = || self.observer.observe(&Event::WaitingForLease);
        let acquired = Lease::acquire(self.client, self.place, holder, *patience, waiting);
        match select(pin!(acquired), pin!(interrupt::raised(&self.interrupt))).await {
            Either::Left((lease, _)) => Ok(lease?),
            Either::Right(_) => Err(Refusal::Interrupted),
        }
    }

    fn heed_interrupt(&self) -> Result<(), Refusal> {
        if interrupt::is_raised(&self.interrupt) { Err(Refusal::Interrupted) } else { Ok(()) }
    }

    async fn check(&self, survey: &Survey, release: &Release, plan: &Plan) -> Result<(), Refusal> {
        preflight::check(self.client, self.place, survey, release, plan, self.observer).await
    }

    /// Creates the namespace that holds the release's state, which has to exist before anything
    /// else can, and returns whether it had to. It is the one object that is written before the
    /// journal is open.
    async fn make_namespace(
        &self,
        survey: &mut Survey,
        release: &Release,
    ) -> Result<bool, Refusal> {
        let is_it = |object: &&Object| {
            let reference = object.reference();
            reference.kind == "Namespace" && reference.name == self.place.namespace
        };
        let Some(object) = release.objects().iter().find(is_it) else { return Ok(false) };
        let reference: &ObjectRef = object.reference();
        if survey.live.contains_key(reference) {
            return Ok(false);
        }
        let step = Step { object: reference.clone(), wave: 0, change: Change::Create, live: None };
        let (client, resources) = (self.client, &survey.resources);
        let writer = Writer { client, resources, effect: Effect::Real };
        let record = match writer.write(object, &step).await {
            Ok(record) => record,
            // Somebody else was faster. It is joined like any namespace that was there before.
            Err(StepError::Exists { .. }) => return Ok(false),
            Err(error) => return Err(Refusal::DryRun { errors: vec![error] }),
        };
        if let Some(resource) = resources.of(reference)
            && let Some(live) = live::read_one(client, resource, reference).await?
        {
            survey.note(reference, record, live);
        }
        Ok(true)
    }

    async fn carry_out(
        &self,
        bundle: &Bundle,
        action: Action,
        mut survey: Survey,
    ) -> Result<Report, Failure> {
        let release = bundle.release();
        let head = self.place.head_object(self.client).await?;
        if head.head.state != State::Idle || !head.is_same_version(&survey.head) {
            let was_open = head.head.state != State::Idle;
            finish_or_undo(self, head).await?;
            let looked = self.look_again(bundle, action).await;
            let after =
                |failure: Failure| if was_open { failure.after(Done::Recovered) } else { failure };
            match looked.map_err(|refusal| after(refusal.into()))? {
                Either::Left(report) => return Ok(report),
                Either::Right(again) => survey = again,
            }
        }
        self.heed_interrupt()?;
        let plan = survey.plan(release);
        self.observer.observe(&Event::Planned(&plan));
        self.transact(bundle, action, survey, plan).await
    }

    /// Looks at the place again under the lease, after it changed since the first look.
    async fn look_again(
        &self,
        bundle: &Bundle,
        action: Action,
    ) -> Result<Either<Report, Survey>, Refusal> {
        let release = bundle.release();
        let survey = Survey::take(self.client, self.place, release).await?;
        preflight::guard(&survey.head.head, self.place, bundle, action)?;
        let plan = survey.plan(release);
        if survey.is_settled(self.client, self.place, release, &plan).await? {
            return Ok(Either::Left(settled(release, plan)));
        }
        self.check(&survey, release, &plan).await?;
        Ok(Either::Right(survey))
    }

    async fn transact(
        &self,
        bundle: &Bundle,
        action: Action,
        survey: Survey,
        plan: Plan,
    ) -> Result<Report, Failure> {
        let release = bundle.release();
        let stored = self.store(bundle).await?;
        let entry = self.entry(bundle.release(), stored, action);
        let before = survey.current.as_ref().map(Release::id);
        let mut transaction = Transaction {
            client: self.client,
            place: self.place,
            observer: self.observer,
            timeout: self.options.timeout,
            interrupt: Some(self.interrupt.clone()),
            head: survey.head,
            resources: survey.resources,
            inventory: survey.inventory,
        };
        // Nothing is written yet: if the journal cannot be opened, this is still a refusal.
        transaction.begin(stored, bundle.trust().file().version).await.map_err(refused)?;
        let mut done = transaction.go_forward(&plan, release).await;
        if done.is_ok() {
            done = transaction.commit(release, entry.clone()).await;
        }
        if let Err(cause) = done {
            return Err(
                undo(&mut transaction, release, survey.current.as_ref(), entry, cause).await
            );
        }
        let (leftover, unfinished) = match transaction.finish(&plan, release).await {
            Ok(refused) => {
                warn(self.observer, &refused);
                (refused.iter().filter_map(StepError::object).cloned().collect(), None)
            }
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        Ok(Report { release: release.id(), before, undone: false, plan, unfinished, leftover })
    }

    async fn store(&self, bundle: &Bundle) -> Result<Stored, Refusal> {
        let release = bundle.release().id();
        let bytes = bundle.to_thin_bytes().map_err(|source| Refusal::Stored { release, source })?;
        let bundle = self.place.store(self.client).put(Content::Release, &bytes).await?;
        Ok(Stored { release, bundle })
    }

    /// A line for the history; it is dated when it is written.
    pub(crate) fn entry(&self, release: &Release, stored: Stored, action: Action) -> Entry {
        Entry {
            revision: 0,
            release: stored.release,
            bundle: stored.bundle,
            version: release.config().version.clone(),
            action,
            outcome: Outcome::Committed,
            at: Timestamp::now(),
            by: self.options.holder.clone(),
        }
    }
}

/// Undoes a release that failed because of `cause`, and tells how that ended.
pub(crate) async fn undo(
    transaction: &mut Transaction<'_>,
    failed: &Release,
    from: Option<&Release>,
    entry: Entry,
    cause: StepError,
) -> Failure {
    if matches!(cause, StepError::Overtaken) {
        return Failure::Unfinished { cause };
    }
    transaction.observer.observe(&Event::RollingBack { why: &cause.to_string() });
    let entry = Entry { outcome: Outcome::RolledBack, ..entry };
    let undo = match transaction.roll_back(failed, from, entry).await {
        Ok(restored) => {
            let (not_ready, left) = (restored.not_ready, restored.left);
            return Failure::RolledBack { cause, restored: from.map(Release::id), not_ready, left };
        }
        Err(undo) => undo,
    };
    if undo.is_unanswered() || matches!(undo, StepError::Overtaken) {
        return Failure::Unfinished { cause: undo };
    }
    match transaction.write_head(|head| head.state = State::Stuck).await {
        Ok(()) => Failure::Stuck { cause, undo },
        Err(cause) => Failure::Unfinished { cause },
    }
}

fn settled(release: &Release, plan: Plan) -> Report {
    let before = Some(release.id());
    let (unfinished, leftover) = (None, Vec::new());
    Report { release: release.id(), before, undone: false, plan, unfinished, leftover }
}

fn refused(error: StepError) -> Failure {
    match error {
        StepError::Api(error) => Refusal::Api(error).into(),
        _ => Refusal::Overtaken.into(),
    }
}
