//! Reads many objects in few requests: a few of a kind by name, more of them by lists.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{ObjectRef, PART_OF_LABEL};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    client::{Client, Form},
    error::ApiError,
    list::List,
    resource::{Resource, Resources},
};

/// Requests in flight at once.
pub(crate) const CONCURRENCY: usize = 16;

/// Up to this many objects of one kind and namespace are read by name.
pub(crate) const BY_NAME: usize = 4;

/// Objects in one page of a list.
const PAGE: usize = 500;

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
        for object in wanted {
            let path = resource.path(namespace, &object.name);
            found.extend(client.get(&path, form).await?.map(|one| (object.clone(), one)));
        }
        return Ok(found);
    }
    // Two releases may name one object by two versions of its API.
    let mut by_name: BTreeMap<&str, Vec<&ObjectRef>> = BTreeMap::new();
    for object in wanted {
        by_name.entry(&object.name).or_default().push(object);
    }
    let selector = set.map_or_else(String::new, |set| {
        format!("&labelSelector={}%3D{set}", PART_OF_LABEL.replace('/', "%2F"))
    });
    let mut next = String::new();
    loop {
        let path = format!("{}?limit={PAGE}{selector}{next}", resource.collection(namespace));
        let page: Option<List<T>> = client.list(&path, form).await?;
        let Some(page) = page else { return Ok(found) };
        let token = page.next().map(|token| format!("&continue={token}"));
        for item in page.items {
            let asked = item.name().and_then(|name| by_name.get(name)).into_iter().flatten();
            let is_it = |object: &&&ObjectRef| object.namespace.as_deref() == item.namespace();
            let asked: Vec<&ObjectRef> = asked.filter(is_it).copied().collect();
            let Some((first, others)) = asked.split_first() else { continue };
            found.extend(others.iter().map(|object| ((*object).clone(), item.clone())));
            found.insert((*first).clone(), item);
        }
        match token {
            Some(token) => next = token,
            None => return Ok(found),
        }
    }
}
