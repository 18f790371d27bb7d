//! Reads many objects in few requests: a few of a kind by name, more of them by lists.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{ObjectRef, PART_OF_LABEL};
use futures::{StreamExt as _, TryStreamExt as _, future::try_join_all, stream};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    client::{Client, Form},
    error::ApiError,
    list::List,
    resource::{Resource, Resources},
    text::{self, CONTENT_LABEL},
};

/// Requests in flight at once.
pub(crate) const CONCURRENCY: usize = 16;

/// Up to this many objects of one kind and namespace are read by name.
pub(crate) const BY_NAME: usize = 4;

/// Objects in one page of a list of metadata.
const PAGE: usize = 500;

/// Objects in one page of a list of whole objects, which are larger.
const PAGE_OF_WHOLE: usize = 200;

/// Something read that tells what it is.
pub(crate) trait Named {
    /// Its name.
    fn name(&self) -> Option<&str>;
    /// Its namespace.
    fn namespace(&self) -> Option<&str>;
}

impl Named for Value {
    fn name(&self) -> Option<&str> {
        self["metadata"]["name"].as_str()
    }

    fn namespace(&self) -> Option<&str> {
        self["metadata"]["namespace"].as_str()
    }
}

/// What was found, by the references that were asked for.
pub(crate) type Found<T> = BTreeMap<ObjectRef, T>;

/// Reads those of `objects` that exist. One whose kind is not served does not exist.
pub(crate) async fn fetch<T: Clone + DeserializeOwned + Named>(
    client: &Client,
    resources: &Resources,
    objects: impl IntoIterator<Item = &ObjectRef>,
    form: Form,
) -> Result<Found<T>, ApiError> {
    fetch_members(client, resources, objects, form, None).await
}

/// Like [`fetch`], but where lists are read, only members of the set with this id are.
pub(crate) async fn fetch_members<T: Clone + DeserializeOwned + Named>(
    client: &Client,
    resources: &Resources,
    objects: impl IntoIterator<Item = &ObjectRef>,
    form: Form,
    set: Option<&str>,
) -> Result<Found<T>, ApiError> {
    // Two releases name most objects both.
    let mut groups: BTreeMap<(&Resource, Option<&str>), BTreeSet<&ObjectRef>> = BTreeMap::new();
    for object in objects {
        if let Some(resource) = resources.readable(object) {
            groups.entry((resource, object.namespace.as_deref())).or_default().insert(object);
        }
    }
    let found: Vec<Found<T>> = stream::iter(groups)
        .map(|((resource, namespace), wanted)| {
            group(client, resource, namespace, wanted, form, set)
        })
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await?;
    Ok(found.into_iter().flatten().collect())
}

async fn group<T: Clone + DeserializeOwned + Named>(
    client: &Client,
    resource: &Resource,
    namespace: Option<&str>,
    wanted: BTreeSet<&ObjectRef>,
    form: Form,
    set: Option<&str>,
) -> Result<Found<T>, ApiError> {
    let mut found = Found::new();
    if wanted.len() <= BY_NAME {
        let asked = wanted.into_iter().map(async |object| {
            let path = resource.path(namespace, &object.name);
            let answer: Result<Option<T>, ApiError> = client.get(&path, form).await;
            answer.map(|one| one.map(|one| (object.clone(), one)))
        });
        return Ok(try_join_all(asked).await?.into_iter().flatten().collect());
    }
    // Two releases may name one object by two versions of its API.
    let mut by_name: BTreeMap<&str, Vec<&ObjectRef>> = BTreeMap::new();
    for object in wanted {
        by_name.entry(&object.name).or_default().push(object);
    }
    let limit = if form == Form::Whole { PAGE_OF_WHOLE } else { PAGE };
    let selector = selector(resource, set);
    let mut next = String::new();
    loop {
        let path = format!("{}?limit={limit}{selector}{next}", resource.collection(namespace));
        let page: Option<List<T>> = client.list(&path, form).await?;
        let Some(page) = page else { return Ok(found) };
        let following = page.next();
        for item in page.items {
            let asked = item.name().and_then(|name| by_name.get(name)).into_iter().flatten();
            let is_it = |object: &&&ObjectRef| object.namespace.as_deref() == item.namespace();
            let asked: Vec<&ObjectRef> = asked.filter(is_it).copied().collect();
            let Some((first, others)) = asked.split_first() else { continue };
            found.extend(others.iter().map(|object| ((*object).clone(), item.clone())));
            found.insert((*first).clone(), item);
        }
        match following {
            Some(following) => next = following,
            None => return Ok(found),
        }
    }
}

/// Selects the members of a set where one is given; and never what we have stored ourselves, which
/// is far larger than any Secret that a release has.
fn selector(resource: &Resource, set: Option<&str>) -> String {
    let is_secret = resource.group().is_empty() && resource.plural == "secrets";
    let terms = [
        set.map(|set| format!("{PART_OF_LABEL}={set}")),
        is_secret.then(|| format!("!{CONTENT_LABEL}")),
    ];
    let terms: Vec<_> = terms.into_iter().flatten().collect();
    if terms.is_empty() {
        return String::new();
    }
    format!("&labelSelector={}", text::in_query(&terms.join(",")))
}
