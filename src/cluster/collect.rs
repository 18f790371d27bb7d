//! Deletes stored content that nothing needs: neither the head nor any line of the history.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt as _, stream};

use crate::{
    apply::Options,
    client::{Client, Dependents, Form},
    error::ApiError,
    event::Observer,
    failure::Failure,
    fencing::Fencing,
    fetch::CONCURRENCY,
    head::{Head, Stored},
    head_object::HeadObject,
    history,
    history::Entry,
    interrupt::Interrupt,
    list::{self, List},
    live::{Metadata, PartialObject},
    mutant::{self, Mutant},
    permission::{self, Permission},
    place::Place,
    recover::{Recovered, finish_or_undo},
    refusal::Refusal,
    step::StepError,
    store::{Content, Store},
    text,
    work::Work,
};

/// How often a deletion without an answer is tried again.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// What was collected.
#[derive(Debug)]
pub struct Collected {
    /// What an interrupted command had left, and what became of it first.
    pub recovered: Recovered,
    /// Secrets that were deleted.
    pub secrets: usize,
    /// Lines of the history that were forgotten.
    pub forgotten: usize,
    /// Lines of the history that are left.
    pub kept: usize,
    /// Why not everything could be deleted, if that is so; doing it again goes on.
    pub unfinished: Option<StepError>,
}

/// Forgets all but the newest `keep` releases of the history, which are at least one, and deletes
/// stored content that nothing needs. It heeds an interrupt as long as it waits for another command.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn gc(
    client: &Client,
    place: &Place,
    keep: usize,
    options: &Options,
    observer: &dyn Observer,
    interrupt: Interrupt,
) -> Result<Collected, Failure> {
    let work = Work { client, place, options, observer, interrupt };
    let lease = work.acquire().await?;
    let client = lease.guard(client);
    let work = Work { client: &client, ..work };
    let collecting = async {
        let recovered = finish_or_undo(&work, place.head_object(&client).await?).await?;
        let collected = trim(&client, place, keep, recovered).await;
        collected.map_err(|refusal| recovered.before(refusal.into()))
    };
    Box::pin(work.under(lease, collecting)).await
}

async fn trim(
    client: &Client,
    place: &Place,
    keep: usize,
    recovered: Recovered,
) -> Result<Collected, Refusal> {
    let mut object = place.head_object(client).await?;
    if !object.exists() {
        return match recovered {
            Recovered::Deleted(_) => {
                let unfinished = None;
                Ok(Collected { recovered, secrets: 0, forgotten: 0, kept: 0, unfinished })
            }
            _ => Err(Refusal::NoRelease { place: place.to_string() }),
        };
    }
    check_rights(client, place).await?;
    let mut head = object.head.clone();
    history::trim(&mut head.history, keep.max(1));
    // Whoever has stored content that no head names yet is overtaken by this.
    head.epoch += 1;
    let (before, kept) = (object.head.history.len(), head.history.len());
    object.write(client, head).await?;
    let Swept { deleted, failure } = collect(&place.store(client), &object).await;
    let forgotten = before - kept;
    Ok(Collected { recovered, secrets: deleted, forgotten, kept, unfinished: failure })
}

/// Checks that the user may delete stored content, before the history forgets what needs it.
async fn check_rights(client: &Client, place: &Place) -> Result<(), Refusal> {
    let needed = ["list", "delete"].map(|verb| {
        let (group, resource) = (String::new(), "secrets".to_owned());
        let namespace = Some(place.namespace.clone());
        (Permission { verb, group, resource, namespace }, BTreeSet::new())
    });
    permission::require(client, needed.into()).await
}

/// Returns whether an undo log is stored. If nothing is under way, nobody needs it.
pub(crate) async fn has_undo_log(store: &Store<'_>) -> bool {
    let terms = [(text::APP_LABEL, store.app), (text::CONTENT_LABEL, Content::Undo.name())];
    let selector = terms.map(|(label, value)| format!("{label}={value}")).join(",");
    let selector = text::in_query(&selector);
    let path = format!("{}?limit=1&labelSelector={selector}", store.collection());
    let found: Result<Option<List<PartialObject>>, _> =
        store.client.list(&path, Form::Metadata).await;
    matches!(found, Ok(Some(found)) if !found.items.is_empty())
}

/// What became of content that nothing needs.
pub(crate) struct Swept {
    /// Secrets that were deleted.
    pub(crate) deleted: usize,
    /// Why not all were, if that is so.
    pub(crate) failure: Option<StepError>,
}

/// Deletes content that `head` does not need. The caller holds the lease and has written the head.
pub(crate) async fn collect(store: &Store<'_>, head: &HeadObject) -> Swept {
    let unneeded = match unneeded(store, head).await {
        Ok(unneeded) => unneeded,
        Err(error) => return Swept { deleted: 0, failure: Some(error) },
    };
    let deletions = stream::iter(&unneeded).map(|secret| delete(store, secret));
    let mut deletions = deletions.buffer_unordered(CONCURRENCY);
    let mut swept = Swept { deleted: 0, failure: None };
    while let Some(done) = deletions.next().await {
        match done {
            Ok(was_there) => swept.deleted += usize::from(was_there),
            Err(error) => swept.failure = swept.failure.or(Some(error.into())),
        }
    }
    swept
}

/// Lists the Secrets of content that `head` does not need.
async fn unneeded(store: &Store<'_>, head: &HeadObject) -> Result<Vec<Metadata>, StepError> {
    let needed = needed(store, &head.head);
    let is_needed = |name: &str| needed.iter().any(|prefix| name.starts_with(prefix));
    let collection = store.collection();
    let selector = format!("{}={},{}", text::APP_LABEL, store.app, text::CONTENT_LABEL);
    let selector = text::in_query(&selector);
    let query = format!("labelSelector={selector}");
    let found: Vec<PartialObject> =
        list::read_all(store.client, &collection, &query, Form::Metadata).await?;
    // What was stored since by whoever took over is none of ours.
    Fencing::by(head).check(store.client).await?;
    let found = found.into_iter().map(|item| item.metadata);
    Ok(found.filter(|metadata| !is_needed(&metadata.name)).collect())
}

/// Deletes a Secret, and returns whether it is gone by that.
async fn delete(store: &Store<'_>, secret: &Metadata) -> Result<bool, ApiError> {
    let path = format!("{}/{}", store.collection(), secret.name);
    let (uid, version) = (&secret.uid, &secret.resource_version);
    let mut attempts = 0;
    loop {
        match store.client.delete(&path, uid, version, Dependents::Follow).await {
            // Somebody has come to need it, or wrote it anew.
            Err(error) if error.is_conflict() => return Ok(false),
            // Deleting it again does no harm.
            Err(error) if error.is_unclear() && attempts < ATTEMPTS => attempts += 1,
            done => return done.map(|was_there| was_there || attempts > 0),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// What the names of needed content begin with.
fn needed(store: &Store<'_>, head: &Head) -> BTreeSet<String> {
    let releases = [head.committed, head.to, head.from].into_iter().flatten();
    let history = head.history.iter().filter(|_| !mutant::is(Mutant::CollectHistory));
    let releases = releases.chain(history.map(Entry::stored));
    let releases = releases.flat_map(|Stored { bundle, overlay, .. }| {
        let overlay = overlay.map(|overlay| store.prefix(Content::Overlay, overlay));
        overlay.into_iter().chain([store.prefix(Content::Release, bundle)])
    });
    let inventory = head
        .inventory
        .filter(|_| !mutant::is(Mutant::CollectInventory))
        .map(|digest| store.prefix(Content::Inventory, digest));
    let undo = head.undo.map(|digest| store.prefix(Content::Undo, digest));
    releases.chain(inventory).chain(undo).collect()
}
