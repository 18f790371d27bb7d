//! Which URL paths the API server serves objects of a kind under.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{Object, ObjectRef};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    client::{Client, Form},
    error::ApiError,
    fetch::CONCURRENCY,
};

/// A kind as the API server serves it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Resource {
    pub(crate) api_version: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
}

impl Resource {
    /// Returns the API group; empty for the core group.
    pub(crate) fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Path of all objects of this kind, in `namespace` where that applies.
    pub(crate) fn collection(&self, namespace: Option<&str>) -> String {
        let root = if self.api_version.contains('/') { "/apis" } else { "/api" };
        let (version, plural) = (&self.api_version, &self.plural);
        match namespace.filter(|_| self.namespaced) {
            Some(namespace) => format!("{root}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{version}/{plural}"),
        }
    }

    /// Path of one object.
    pub(crate) fn path(&self, namespace: Option<&str>, name: &str) -> String {
        format!("{}/{name}", self.collection(namespace))
    }
}

/// The resources behind the kinds of some objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resources {
    /// API versions that were asked about.
    versions: BTreeSet<String>,
    /// What the API server serves.
    served: Kinds,
    /// What definitions among the objects will make it serve.
    defined: Kinds,
}

/// A resource for each API version and kind.
type Kinds = BTreeMap<(String, String), Resource>;

#[derive(Deserialize)]
struct ResourceList {
    resources: Vec<ServedResource>,
}

#[derive(Deserialize)]
struct ServedResource {
    name: String,
    kind: String,
    namespaced: bool,
}

#[derive(Deserialize)]
struct Group {
    versions: Vec<GroupVersion>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct GroupVersion {
    group_version: String,
}

impl Resources {
    /// Asks the API server for the kinds of `objects`.
    pub(crate) async fn discover<'a>(
        client: &Client,
        objects: impl IntoIterator<Item = &'a Object>,
    ) -> Result<Self, ApiError> {
        let mut resources = Self::default();
        for object in objects {
            resources.versions.insert(object.reference().api_version.clone());
            if object.reference().kind == "CustomResourceDefinition" {
                let manifest = object.manifest();
                let defined = defined_by(&manifest);
                resources.versions.extend(defined.keys().map(|(version, _)| version.clone()));
                resources.defined.extend(defined);
            }
        }
        resources.refresh(client).await?;
        Ok(resources)
    }

    /// Asks the API server for the kinds of `objects`, and of others that are only known by name.
    pub(crate) async fn of_kinds<'a>(
        client: &Client,
        objects: impl IntoIterator<Item = &'a Object>,
        others: impl IntoIterator<Item = &'a ObjectRef>,
    ) -> Result<Self, ApiError> {
        let mut resources = Self::discover(client, objects).await?;
        let others = others.into_iter().map(|object| object.api_version.clone());
        let known = resources.versions.len();
        resources.versions.extend(others);
        if resources.versions.len() > known {
            resources.refresh(client).await?;
        }
        Ok(resources)
    }

    /// Asks again, for a definition may have changed what is served.
    pub(crate) async fn refresh(&mut self, client: &Client) -> Result<(), ApiError> {
        let mut served = served_all(client, self.versions.clone()).await?;
        // A version that is not served may have sisters under which its objects can be read.
        let is_served = |version: &&String| served.keys().any(|(known, _)| known == *version);
        let lacking = self.versions.iter().filter(|version| !is_served(version));
        let groups: BTreeSet<_> = lacking.filter_map(|version| version.split_once('/')).collect();
        let mut sisters = BTreeSet::new();
        for (group, _) in groups {
            let found: Option<Group> = client.get(&format!("/apis/{group}"), Form::Whole).await?;
            let versions = found.into_iter().flat_map(|group| group.versions);
            sisters.extend(versions.map(|version| version.group_version));
        }
        served.extend(served_all(client, sisters).await?);
        self.served = served;
        Ok(())
    }

    /// Returns the resource by which an object is written, if it is served or will be.
    pub(crate) fn of(&self, object: &ObjectRef) -> Option<&Resource> {
        let key = (object.api_version.clone(), object.kind.clone());
        self.served.get(&key).or_else(|| self.defined.get(&key))
    }

    /// Returns whether an object can be written now, by the version that it has.
    pub(crate) fn is_served(&self, object: &ObjectRef) -> bool {
        self.served.contains_key(&(object.api_version.clone(), object.kind.clone()))
    }

    /// Returns a resource by which an object can be read and deleted now: the API server offers
    /// every object under each version of its group that it serves. What a definition of the release
    /// brings may be served before discovery tells (seen on 1.36 under load).
    pub(crate) fn readable(&self, object: &ObjectRef) -> Option<&Resource> {
        let key = (object.api_version.clone(), object.kind.clone());
        self.served.get(&key).or_else(|| {
            let is_same = |(_, kind): &(String, String), resource: &Resource| {
                *kind == object.kind && resource.group() == object.group()
            };
            self.served
                .iter()
                .find(|(key, resource)| is_same(key, resource))
                .map(|(_, resource)| resource)
                .or_else(|| self.defined.get(&key))
        })
    }
}

async fn served_all(client: &Client, versions: BTreeSet<String>) -> Result<Kinds, ApiError> {
    let served: Vec<Kinds> = stream::iter(versions)
        .map(|version| served(client, version))
        .buffer_unordered(CONCURRENCY)
        .try_collect()
        .await?;
    Ok(served.into_iter().flatten().collect())
}

async fn served(client: &Client, api_version: String) -> Result<Kinds, ApiError> {
    let root = if api_version.contains('/') { "/apis" } else { "/api" };
    let list: Option<ResourceList> =
        client.get(&format!("{root}/{api_version}"), Form::Whole).await?;
    let resources = list.map_or_else(Vec::new, |list| list.resources);
    Ok(resources
        .into_iter()
        // `deployments/scale` and the like are not kinds of their own.
        .filter(|resource| !resource.name.contains('/'))
        .map(|ServedResource { name: plural, kind, namespaced }| {
            let resource = Resource { api_version: api_version.clone(), plural, namespaced };
            ((api_version.clone(), kind), resource)
        })
        .collect())
}

/// Kinds that a `CustomResourceDefinition` defines.
fn defined_by(definition: &Value) -> Kinds {
    let spec = &definition["spec"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let versions = spec["versions"].as_array().map(Vec::as_slice).unwrap_or_default();
    let served = versions.iter().filter(|version| version["served"] == true);
    served
        .map(|version| {
            let api_version = format!("{}/{}", text(&spec["group"]), text(&version["name"]));
            let resource = Resource {
                api_version: api_version.clone(),
                plural: text(&spec["names"]["plural"]),
                namespaced: spec["scope"] == "Namespaced",
            };
            ((api_version, text(&spec["names"]["kind"])), resource)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_follow_the_api_conventions() {
        for (api_version, plural, namespaced, namespace, expected) in [
            ("v1", "services", true, Some("shop"), "/api/v1/namespaces/shop/services/x"),
            ("v1", "namespaces", false, None, "/api/v1/namespaces/x"),
            ("apps/v1", "deployments", true, Some("a"), "/apis/apps/v1/namespaces/a/deployments/x"),
        ] {
            let (api_version, plural) = (api_version.to_owned(), plural.to_owned());
            let resource = Resource { api_version, plural, namespaced };
            assert_eq!(resource.path(namespace, "x"), expected);
        }
    }

    #[test]
    fn a_definition_brings_only_the_versions_that_it_serves() {
        let kinds = defined_by(&json!({ "spec": {
            "group": "example.com",
            "scope": "Namespaced",
            "names": { "plural": "widgets", "kind": "Widget" },
            "versions": [{ "name": "v1", "served": true }, { "name": "v1alpha1", "served": false }],
        }}));
        let keys: Vec<_> = kinds.keys().collect();
        assert_eq!(keys, [&("example.com/v1".to_owned(), "Widget".to_owned())]);
    }
}
