//! Deletes stored content that nothing needs: neither the head nor any line of the history.

use std::{collections::BTreeSet, time::Duration};

use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    apply::Options,
    client::{Client, Dependents, Form},
    error::ApiError,
    event::Observer,
    failure::Failure,
    fetch::CONCURRENCY,
    head::{Head, Stored},
    history,
    list::List,
    live::PartialObject,
    mutant::{self, Mutant},
    place::Place,
    recover::finish_or_undo,
    refusal::Refusal,
    store::{Content, Store},
    text,
    work::Work,
};

/// How often a deletion without an answer is tried again.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// What was collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collected {
    /// Secrets that were deleted.
    pub secrets: usize,
    /// Lines of the history that were forgotten.
    pub forgotten: usize,
    /// Lines of the history that are left.
    pub kept: usize,
    /// Why not everything could be deleted, if that is so; doing it again goes on.
    pub unfinished: Option<String>,
}

/// Forgets all but the newest `keep` releases of the history, which are at least one, and deletes
/// stored content that nothing needs.
///
/// # Errors
/// A [`Failure`] tells why, and what became of the cluster.
pub async fn gc(
    client: &Client,
    place: &Place,
    keep: usize,
    options: &Options,
    observer: &dyn Observer,
) -> Result<Collected, Failure> {
    let work = Work::uninterrupted(client, place, options, observer);
    let lease = work.acquire().await?;
    let client = lease.guard(client);
    let work = Work { client: &client, ..work };
    let collecting = async {
        finish_or_undo(&work, place.head_object(&client).await?).await?;
        let mut object = place.head_object(&client).await?;
        if !object.exists() {
            return Err(Refusal::NoRelease { place: place.to_string() }.into());
        }
        let mut head = object.head.clone();
        history::trim(&mut head.history, keep.max(1));
        // Whoever has stored content that no head names yet is overtaken by this.
        head.epoch += 1;
        let (before, kept) = (object.head.history.len(), head.history.len());
        object.write(&client, head).await.map_err(Refusal::from)?;
        let store = place.store(&client);
        let collected = collect(&store, &object.head).await;
        let unfinished = collected.as_ref().err().map(ToString::to_string);
        let secrets = collected.unwrap_or_default();
        Ok(Collected { secrets, forgotten: before - kept, kept, unfinished })
    };
    Box::pin(work.under(lease, collecting)).await
}

/// Deletes content that `head` does not need, and returns how many Secrets that were. The caller
/// holds the lease and has written the head.
pub(crate) async fn collect(store: &Store<'_>, head: &Head) -> Result<usize, ApiError> {
    let needed = needed(store, head);
    let is_needed = |name: &str| needed.iter().any(|prefix| name.starts_with(prefix));
    let collection = store.collection();
    let selector = format!("{}={},{}", text::APP_LABEL, store.app, text::CONTENT_LABEL);
    let selector = selector.replace('/', "%2F").replace('=', "%3D");
    let mut unneeded = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("{collection}?limit=500&labelSelector={selector}{next}");
        let page: Option<List<PartialObject>> = store.client.list(&path, Form::Metadata).await?;
        let Some(page) = page else { break };
        let token = page.next().map(|token| format!("&continue={token}"));
        let found = page.items.into_iter().map(|item| item.metadata);
        unneeded.extend(found.filter(|metadata| !is_needed(&metadata.name)));
        match token {
            Some(token) => next = token,
            None => break,
        }
    }
    let count = unneeded.len();
    let deletions = stream::iter(unneeded).map(async |secret| {
        let path = format!("{collection}/{}", secret.name);
        let (uid, version) = (&secret.uid, &secret.resource_version);
        let mut attempts = 0;
        loop {
            match store.client.delete(&path, uid, version, Dependents::Follow).await {
                // Somebody has come to need it, or wrote it anew.
                Err(error) if error.is_conflict() => return Ok(()),
                // Deleting it again does no harm.
                Err(error) if error.is_unclear() && attempts < ATTEMPTS => attempts += 1,
                done => return done.map(drop),
            }
            tokio::time::sleep(PAUSE).await;
        }
    });
    deletions.buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
    Ok(count)
}

/// What the names of needed content begin with.
fn needed(store: &Store<'_>, head: &Head) -> BTreeSet<String> {
    let releases = [head.committed, head.to, head.from].into_iter().flatten();
    let bundles = releases.map(|Stored { bundle, .. }| bundle);
    let history = head.history.iter().filter(|_| !mutant::is(Mutant::CollectHistory));
    let bundles = bundles.chain(history.map(|entry| entry.bundle));
    let bundles = bundles.map(|bundle| store.prefix(Content::Release, bundle));
    let inventory = head
        .inventory
        .filter(|_| !mutant::is(Mutant::CollectInventory))
        .map(|digest| store.prefix(Content::Inventory, digest));
    let undo = head.undo.map(|digest| store.prefix(Content::Undo, digest));
    bundles.chain(inventory).chain(undo).collect()
}
