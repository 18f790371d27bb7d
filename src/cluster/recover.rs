//! Finishes or undoes what an earlier command left in the middle. No bundle is needed: both
//! releases are stored in the cluster.

use a4co_bundle::{Object, Release, ReleaseId};
use tokio::sync::watch;

use crate::{
    apply::Options,
    client::Client,
    event::{Event, Observer},
    failure::Failure,
    head::State,
    head_object::HeadObject,
    history::{Action, Outcome},
    live,
    place::Place,
    plan::{self, Inputs, Plan},
    refusal::Refusal,
    resource::Resources,
    step::StepError,
    survey::{load, load_inventory},
    transaction::Transaction,
    work::{Work, undo},
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
}

/// Finishes or undoes what an interrupted command left, and does only that.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn recover(
    client: &Client,
    place: &Place,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Recovered, Failure> {
    if place.head(client).await?.state == State::Idle {
        return Ok(Recovered::Nothing);
    }
    let (_sender, interrupt) = watch::channel(false);
    let work = Work { client, place, options, observer, interrupt };
    let lease = work.acquire().await?;
    let recovery = async { finish_or_undo(&work, place.head_object(client).await?).await };
    Box::pin(work.under(lease, recovery)).await
}

/// Brings `head` to `idle`, under the lease.
pub(crate) async fn finish_or_undo(
    work: &Work<'_>,
    head: HeadObject,
) -> Result<Recovered, Failure> {
    let Work { client, place, observer, .. } = *work;
    let state = head.head.state;
    let Some(to) = head.head.to.filter(|_| state != State::Idle) else {
        return Ok(Recovered::Nothing);
    };
    observer.observe(&Event::Recovering { state });
    let new = load(client, place, to).await?;
    let old = match head.head.from {
        Some(from) => Some(load(client, place, from).await?),
        None => None,
    };
    let objects = || new.objects().iter().chain(old.iter().flat_map(Release::objects));
    let mut transaction = Transaction {
        client,
        place,
        observer,
        timeout: work.options.timeout,
        interrupt: None,
        resources: Resources::discover(client, objects()).await.map_err(Refusal::Api)?,
        inventory: load_inventory(client, place, &head).await?,
        head,
    };
    if state == State::Committed {
        let unfinished = |cause| Failure::Unfinished { cause };
        let plan = remaining(&transaction, &new, old.as_ref()).await.map_err(unfinished)?;
        let refused = transaction.finish(&plan, &new).await.map_err(unfinished)?;
        warn(observer, &refused);
        return Ok(Recovered::Finished(new.id()));
    }
    let mut entry = work.entry(&new, to, Action::Apply);
    entry.outcome = Outcome::RolledBack;
    match undo(&mut transaction, &new, old.as_ref(), entry, StepError::Abandoned).await {
        Failure::RolledBack { restored, not_ready: None, .. } => Ok(Recovered::Undone(restored)),
        // The journal is closed, so the release that comes next may well mend it.
        Failure::RolledBack { restored, not_ready: Some(why), .. } => {
            observer.observe(&Event::Warning(&format!("the old release is restored, but {why}")));
            Ok(Recovered::Undone(restored))
        }
        failure => Err(failure),
    }
}

/// Tells of deletions that were refused.
pub(crate) fn warn(observer: &dyn Observer, refused: &[StepError]) {
    for error in refused {
        observer.observe(&Event::Warning(&error.to_string()));
    }
}

/// What is left to prune after a commit.
async fn remaining(
    transaction: &Transaction<'_>,
    new: &Release,
    old: Option<&Release>,
) -> Result<Plan, StepError> {
    let current = old.map_or(&[][..], Release::objects);
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
    };
    Ok(plan::draw(old.map(Release::id), Some(new.id()), &inputs))
}
