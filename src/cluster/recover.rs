//! Finishes or undoes what an earlier command left in the middle. No bundle is needed: both
//! releases are stored in the cluster.

use std::collections::BTreeSet;

use a4co_bundle::{Object, ReleaseId};

use crate::{
    adopt::Adoption,
    apply::Options,
    change::Change,
    client::Client,
    delete,
    event::{Event, Observer},
    failure::{Done, Failure},
    head::State,
    head_object::HeadObject,
    helm,
    history::{Action, Entry},
    interrupt::Interrupt,
    lease, live,
    mutant::{self, Mutant},
    place::Place,
    plan::{self, Inputs, Plan},
    refusal::Refusal,
    resource::Resources,
    site_release::SiteRelease,
    step::StepError,
    survey::{load, load_inventory},
    transaction::{Transaction, close},
    undo::Line,
    way_back::Late,
    work::{Work, undo_release},
};

/// What there was to recover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovered {
    /// Nothing was in the middle.
    Nothing,
    /// A release was committed already; what it dropped is deleted now.
    Finished(ReleaseId),
    /// A release was not committed; the cluster has this one again, or none as before.
    Undone(Option<ReleaseId>),
    /// A release was being deleted; it is gone now.
    Deleted(Option<ReleaseId>),
}

impl Recovered {
    /// Returns the word for it, as programs see it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Finished(_) => "finished",
            Self::Undone(_) => "undone",
            Self::Deleted(_) => "deleted",
        }
    }

    /// Tells in a refusal that came after it that something was done before.
    pub(crate) fn before(self, failure: Failure) -> Failure {
        match self {
            Self::Nothing => failure,
            _ => failure.after(Done::Recovered),
        }
    }
}

/// Finishes or undoes what an interrupted command left, and does only that. It heeds an interrupt
/// as long as it waits for another command; what it has begun it brings to its end.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn recover(
    client: &Client,
    place: &Place,
    options: &Options,
    observer: &dyn Observer,
    interrupt: Interrupt,
) -> Result<Recovered, Failure> {
    let work = Work { client, place, options, observer, interrupt };
    if place.head(client).await?.state == State::Idle {
        Box::pin(work.tidy_up()).await;
        return Ok(Recovered::Nothing);
    }
    let lease = work.acquire().await?;
    let client = lease.guard(client);
    let work = Work { client: &client, ..work };
    let recovery = async { finish_or_undo(&work, place.head_object(&client).await?).await };
    let recovered = Box::pin(work.under(lease, recovery)).await?;
    if let Recovered::Deleted(_) = recovered {
        // Without it everything is deleted too, but for this trace.
        drop(lease::forget(&client, place).await);
    }
    Ok(recovered)
}

/// Brings `head` to `idle`, under the lease.
pub(crate) async fn finish_or_undo(
    work: &Work<'_>,
    head: HeadObject,
) -> Result<Recovered, Failure> {
    let Work { client, place, observer, .. } = *work;
    let state = head.head.state;
    if state == State::Idle {
        return Ok(Recovered::Nothing);
    }
    observer.observe(&Event::Recovering { state });
    if mutant::is(Mutant::RecoveryOnlyCloses) {
        let mut head = head;
        let mut idle = head.head.clone();
        close(&mut idle);
        let release = idle.committed.map(|stored| stored.release);
        head.write(client, idle).await.map_err(Refusal::from)?;
        return Ok(Recovered::Undone(release));
    }
    let Some(to) = head.head.to else {
        let release = head.head.from.map(|stored| stored.release);
        delete::go_on(work, head).await?;
        return Ok(Recovered::Deleted(release));
    };
    let new = load(client, place, to).await?;
    let old = match head.head.from {
        Some(from) => Some(load(client, place, from).await?),
        None => None,
    };
    let objects = || new.objects().iter().chain(old.iter().flat_map(SiteRelease::objects));
    let inventory = load_inventory(client, place, &head).await?;
    let leftover = &head.head.leftover;
    let resources = Resources::of_kinds(client, objects(), leftover).await.map_err(Refusal::Api)?;
    let adoption = head.head.adopts.clone().map(|managers| Adoption { managers });
    let mut transaction =
        Transaction { adoption: adoption.as_ref(), ..work.transaction(head, resources, inventory) };
    if mutant::is(Mutant::RecoveryCommits) {
        let entry = work.entry(&new, to, Action::Apply);
        let committed = transaction.commit(&new, entry).await;
        committed.map_err(|cause| Failure::Unfinished { cause })?;
    }
    if transaction.head.head.state == State::Committed {
        let unfinished = |cause| Failure::Unfinished { cause };
        let mut plan = remaining(&transaction, &new, old.as_ref()).await.map_err(unfinished)?;
        if mutant::is(Mutant::RecoveryDoesNotPrune) {
            plan.steps.clear();
        }
        // The command that took them over has not lived to say it.
        remind_of_helm(&transaction).await.map_err(unfinished)?;
        let refused = transaction.finish(&plan, &new).await.map_err(unfinished)?;
        warn(observer, &refused);
        return Ok(Recovered::Finished(new.id()));
    }
    let action = transaction.head.head.action.unwrap_or(Action::Apply);
    let entry = work.entry(&new, to, action);
    if transaction.head.head.no_return {
        return go_on(transaction, &new, old.as_ref(), entry).await;
    }
    let (old, late) = (old.as_ref(), Late::Possible);
    match undo_release(&mut transaction, &new, old, late, entry, StepError::Abandoned).await {
        Failure::RolledBack { restored, not_ready: None, .. } => Ok(Recovered::Undone(restored)),
        // The journal is closed, so the release that comes next may well mend it.
        Failure::RolledBack { restored, not_ready: Some(why), .. } => {
            observer.observe(&Event::Warning(&format!("the old release is restored, but {why}")));
            Ok(Recovered::Undone(restored))
        }
        failure => Err(failure),
    }
}

/// Says how Helm learns that objects were taken over from it.
async fn remind_of_helm(transaction: &Transaction<'_>) -> Result<(), StepError> {
    if transaction.head.head.action != Some(Action::Adopt) {
        return Ok(());
    }
    // What is damaged here only costs the reminder.
    let log = match transaction.undo_log().await {
        Err(error) if error.is_unanswered() => return Err(error),
        log => log.unwrap_or_default(),
    };
    let images = log.iter().filter_map(|line| Some((&line.object, line.image()?)));
    let releases: BTreeSet<_> =
        images.filter_map(|(object, image)| helm::of_image(object, &image)).collect();
    for release in releases {
        transaction.observer.observe(&Event::Warning(&format!(
            "Helm does not know yet that it does not own the objects of its release {} any more; \
             never use `helm uninstall`, but: {}",
            release.name,
            release.forget_command()
        )));
    }
    Ok(())
}

/// Goes on to a release that cannot be undone any more.
async fn go_on(
    mut transaction: Transaction<'_>,
    new: &SiteRelease,
    old: Option<&SiteRelease>,
    entry: Entry,
) -> Result<Recovered, Failure> {
    let unfinished = |cause| Failure::Unfinished { cause };
    let mut plan = remaining(&transaction, new, old).await.map_err(unfinished)?;
    let log = transaction.undo_log().await.map_err(unfinished)?;
    resume(&mut plan, &log, transaction.head.head.wave);
    transaction
        .write_head(|head| {
            head.state = State::Applying;
            head.epoch += 1;
        })
        .await
        .map_err(unfinished)?;
    let mut done = match plan.obstacles.pop() {
        Some(obstacle) => Err(StepError::Blocked(obstacle)),
        None => transaction.go_forward(&plan, new).await,
    };
    if done.is_ok() {
        done = transaction.commit(new, entry.clone()).await;
    }
    if let Err(cause) = done {
        return Err(undo_release(&mut transaction, new, old, Late::Possible, entry, cause).await);
    }
    let refused = transaction.finish(&plan, new).await.map_err(unfinished)?;
    warn(transaction.observer, &refused);
    Ok(Recovered::Finished(new.id()))
}

/// Tells of deletions that were refused.
pub(crate) fn warn(observer: &dyn Observer, refused: &[StepError]) {
    for error in refused {
        observer.observe(&Event::Warning(&error.to_string()));
    }
}

/// What is left to do to have `new`.
async fn remaining(
    transaction: &Transaction<'_>,
    new: &SiteRelease,
    old: Option<&SiteRelease>,
) -> Result<Plan, StepError> {
    let current = old.map_or(&[][..], SiteRelease::objects);
    let leftover = &transaction.head.head.leftover;
    let references = new.objects().iter().chain(current).map(Object::reference).chain(leftover);
    let live = live::read(transaction.client, &transaction.resources, references).await?;
    let inputs = Inputs {
        target: new.objects(),
        current,
        leftover,
        inventory: &transaction.inventory,
        live: &live,
        applyset: &new.applyset(),
        keep: &new.config().keep,
        adopts: transaction.adoption.is_some(),
    };
    Ok(plan::draw(old.map(SiteRelease::edition), Some(new.edition()), &inputs))
}

/// Makes of `plan` what the interrupted command had left to do, of whose waves `done` were done.
fn resume(plan: &mut Plan, log: &[Line], done: u8) {
    // A job of such a wave that is gone has run.
    plan.steps.retain(|step| {
        step.change != Change::Create || !plan::is_job(&step.object) || step.wave >= done
    });
    for step in &mut plan.steps {
        let line = log.iter().find(|line| line.object == step.object);
        if let (Some(line), Some(live), Change::Update(fields)) = (line, &step.live, &step.change)
            && line.recreates
            && line.uid().as_ref() == Some(&live.uid)
        {
            step.change = Change::Recreate(fields.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use a4co_bundle::{ObjectRef, PART_OF_LABEL};
    use serde_json::{json, value::to_raw_value};

    use super::*;
    use crate::{change::Step, live::Live};

    fn step(kind: &str, wave: u8, change: Change, uid: Option<&str>) -> Step {
        let object = ObjectRef {
            kind: kind.to_owned(),
            api_version: "batch/v1".to_owned(),
            namespace: Some("shop".to_owned()),
            name: "x".to_owned(),
        };
        let live = uid.map(|uid| Live {
            uid: uid.to_owned(),
            resource_version: "1".to_owned(),
            part_of: Some(PART_OF_LABEL.to_owned()),
            deleting: false,
            finalizers: Vec::new(),
            owned: None,
            owns_replicas: false,
            epoch: None,
        });
        Step::new(object, wave, change, live)
    }

    #[test]
    fn what_an_interrupted_command_had_done_is_not_done_again() {
        let update = || Change::Update(Vec::new());
        for (case, step, expected) in [
            ("a job of a wave that is done", step("Job", 3, Change::Create, None), None),
            ("a job of a later wave", step("Job", 4, Change::Create, None), Some("create")),
            ("another object", step("Other", 3, Change::Create, None), Some("create")),
            (
                "what is yet to be created anew",
                step("Other", 4, update(), Some("old")),
                Some("recreate"),
            ),
            ("what was created anew", step("Other", 4, update(), Some("new")), Some("update")),
        ] {
            let image = to_raw_value(&json!({ "metadata": { "uid": "old" } })).unwrap();
            let object = step.object.clone();
            let log = [Line { object, wave: step.wave, recreates: true, image: Some(image) }];
            let mut plan = Plan::empty(None, None);
            plan.steps.push(step);
            resume(&mut plan, &log, 4);
            let found = plan.steps.first().map(|step| step.change.name());
            assert_eq!(found, expected, "{case}");
        }
    }
}
