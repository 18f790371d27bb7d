//! Deletes a release: everything that it owns, and then its state.
//!
//! The commit point is the head write after which nothing is committed any more. Before it nothing
//! is deleted; after it, this command or the next one deletes to the end.

use a4co_bundle::{ObjectRef, Release, ReleaseId, applyset_id};

use crate::{
    apply::Options,
    change::Change,
    client::Client,
    collect::collect,
    event::Event,
    event::Observer,
    failure::{Done, Failure},
    head::{Head, State},
    head_object::HeadObject,
    history::Action,
    interrupt::Interrupt,
    inventory::Inventory,
    lease, live,
    mutant::{self, Mutant},
    place::Place,
    plan::{self, Inputs, Plan},
    preflight,
    recover::{Recovered, finish_or_undo, warn},
    refusal::Refusal,
    resource::Resources,
    step::StepError,
    survey::load,
    transaction::{Transaction, close},
    work::Work,
};

/// What was deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deletion {
    /// Release that the cluster had.
    pub release: Option<ReleaseId>,
    /// What was planned.
    pub plan: Plan,
    /// Objects whose deletion was refused. While there are some, the state stays.
    pub leftover: Vec<ObjectRef>,
}

/// Works out what deleting the release of `place` would do.
///
/// # Errors
/// Refuses when there is none, when the state cannot be read, or when the user may not do it.
pub async fn plan_deletion(client: &Client, place: &Place) -> Result<Plan, Refusal> {
    Ok(Doomed::of(client, place, place.head_object(client).await?).await?.plan)
}

/// Deletes the release of `place`: its objects, but for those whose kind is never pruned, and its
/// state. What an interrupted command left is finished or undone first.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn delete(
    client: &Client,
    place: &Place,
    options: &Options,
    observer: &dyn Observer,
    interrupt: Interrupt,
) -> Result<Deletion, Failure> {
    let work = Work { client, place, options, observer, interrupt };
    let lease = work.acquire().await?;
    let client = lease.guard(client);
    let work = Work { client: &client, ..work };
    let deletion = Box::pin(work.under(lease, delete_under(&work))).await?;
    // Without it everything is deleted too, but for this trace.
    drop(lease::forget(&client, place).await);
    Ok(deletion)
}

async fn delete_under(work: &Work<'_>) -> Result<Deletion, Failure> {
    let Work { client, place, .. } = *work;
    let recovered = finish_or_undo(work, place.head_object(client).await?).await?;
    let head = place.head_object(client).await?;
    if let (Recovered::Deleted(release), false) = (recovered, head.exists()) {
        let (plan, leftover) = (Plan::empty(release, None), Vec::new());
        return Ok(Deletion { release, plan, leftover });
    }
    let doomed = Doomed::of(client, place, head).await;
    let Doomed { head, release, resources, plan } = doomed.map_err(|refusal| match recovered {
        Recovered::Nothing => Failure::from(refusal),
        _ => Failure::from(refusal).after(Done::Recovered),
    })?;
    work.observer.observe(&Event::Planned(&plan));
    work.heed_interrupt()?;
    let mut transaction = work.transaction(head, resources, Inventory::default());
    if mutant::is(Mutant::DeleteBeforeCommit) {
        transaction.waves().prune(&plan).await;
    }
    let opened = transaction.write_head(|head| {
        head.state = State::Committed;
        head.epoch += 1;
        head.action = Some(Action::Delete);
        head.from = head.committed.take();
    });
    // Nothing is deleted yet, so this is still a refusal.
    opened.await.map_err(crate::work::refused)?;
    let (release, keep) = (release.as_ref().map(Release::id), plan.clone());
    match finish_deletion(&mut transaction, &plan).await {
        Ok(refused) => {
            warn(work.observer, &refused);
            let leftover = refused.iter().filter_map(StepError::object).cloned().collect();
            Ok(Deletion { release, plan: keep, leftover })
        }
        Err(cause) => Err(Failure::Unfinished { cause }),
    }
}

/// Goes on with a deletion whose journal is open.
pub(crate) async fn go_on(work: &Work<'_>, head: HeadObject) -> Result<(), Failure> {
    let doomed = Doomed::of(work.client, work.place, head).await?;
    let mut transaction = work.transaction(doomed.head, doomed.resources, Inventory::default());
    let finished = finish_deletion(&mut transaction, &doomed.plan).await;
    warn(work.observer, &finished.map_err(|cause| Failure::Unfinished { cause })?);
    Ok(())
}

/// Deletes what is to go, then the state. Returns what was refused.
async fn finish_deletion(
    transaction: &mut Transaction<'_>,
    plan: &Plan,
) -> Result<Vec<StepError>, StepError> {
    if mutant::is(Mutant::DeleteHeadFirst) {
        transaction.head.clone().delete(transaction.client).await?;
    }
    let mut pruned = transaction.waves().prune(plan).await;
    if let Some(index) = pruned.refused.iter().position(StepError::is_unanswered) {
        return Err(pruned.refused.swap_remove(index));
    }
    transaction.remover().until_gone(&pruned.deleted, transaction.timeout).await?;
    let left = plan.steps.iter().filter(|step| step.change == Change::Leave);
    for namespace in left.filter(|step| step.object.kind == "Namespace") {
        transaction.writer().disown(&namespace.object).await?;
    }
    let leftover = pruned.refused.iter().filter_map(StepError::object).cloned().collect();
    let is_all = pruned.refused.is_empty();
    transaction
        .write_head(|head| {
            head.inventory = None;
            head.history.clear();
            head.leftover = leftover;
            // The journal stays open until the head itself is gone: whoever is killed before that
            // leaves something that the next command finishes.
            if is_all { head.from = None } else { close(head) }
        })
        .await?;
    if is_all {
        let store = transaction.place.store(transaction.client);
        collect(&store, &transaction.head.head).await?;
        transaction.head.clone().delete(transaction.client).await?;
    }
    Ok(pruned.refused)
}

/// A release that is to go.
struct Doomed {
    head: HeadObject,
    release: Option<Release>,
    resources: Resources,
    plan: Plan,
}

impl Doomed {
    async fn of(client: &Client, place: &Place, head: HeadObject) -> Result<Self, Refusal> {
        if !head.exists() {
            return Err(Refusal::NoRelease { place: place.to_string() });
        }
        let Head { committed, from, .. } = head.head;
        let release = match committed.or(from) {
            Some(stored) => Some(load(client, place, stored).await?),
            None => None,
        };
        let current = release.as_ref().map_or(&[][..], Release::objects);
        let leftover = &head.head.leftover;
        let resources = Resources::of_kinds(client, current, leftover).await?;
        let references = current.iter().map(a4co_bundle::Object::reference).chain(leftover);
        let live = live::read(client, &resources, references).await?;
        let inputs = Inputs {
            target: &[],
            current,
            leftover,
            inventory: &Inventory::default(),
            live: &live,
            applyset: &applyset_id(&place.app, &place.namespace),
            keep: release.as_ref().map_or(&[], |release| &release.config().keep),
            adopts: false,
        };
        let plan = plan::draw(release.as_ref().map(Release::id), None, &inputs);
        preflight::check_rights(client, place, &resources, inputs.keep, &plan).await?;
        Ok(Self { head, release, resources, plan })
    }
}
