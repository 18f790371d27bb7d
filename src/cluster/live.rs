//! What the cluster has: the metadata of live objects.
//!
//! Drift is seen from metadata alone. The API server keeps, for each field manager, the set of
//! fields that it owns. Whoever else changes or removes a field that we own takes it out of our
//! set, so the digest of our set tells whether an object is still as we left it; other people's
//! additional fields and status updates do not change it (measured on Kubernetes 1.36).

use std::collections::BTreeMap;

use a4co_bundle::{Digest, ObjectRef, PART_OF_LABEL};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    client::{Client, FIELD_MANAGER, Form},
    error::ApiError,
    fetch::{Found, Named, fetch},
    resource::{Resource, Resources},
};

/// An object of which only the metadata was asked for.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct PartialObject {
    pub(crate) metadata: Metadata,
}

/// The metadata that matters here.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) namespace: Option<String>,
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    pub(crate) deletion_timestamp: Option<String>,
    #[serde(default)]
    finalizers: Vec<String>,
    #[serde(default)]
    pub(crate) labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: Annotations,
    #[serde(default)]
    managed_fields: Vec<ManagedFields>,
}

/// The annotations that matter here.
#[derive(Clone, Debug, Default, Deserialize)]
struct Annotations {
    #[serde(rename = "a4co.dev/epoch")]
    epoch: Option<String>,
}

/// Fields that one manager owns.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManagedFields {
    #[serde(default)]
    manager: String,
    #[serde(default)]
    operation: String,
    #[serde(default)]
    subresource: String,
    fields_v1: Option<Box<RawValue>>,
}

impl ManagedFields {
    fn text(&self) -> &str {
        self.fields_v1.as_ref().map_or("", |fields| fields.get())
    }
}

impl Metadata {
    /// Returns who owns the replica count of a workload.
    pub(crate) fn owners_of_replicas(&self) -> impl Iterator<Item = &str> {
        let owners = self.managed_fields.iter().filter(|entry| has_replicas(entry.text()));
        owners.map(|entry| entry.manager.as_str())
    }
}

/// Tells whether a set of fields has a replica count. A set names fields as `f:NAME`, and only
/// `spec` and `status` have one; sets of `status` are those of a subresource.
fn has_replicas(fields: &str) -> bool {
    fields.contains("\"f:spec\":") && fields.contains("\"f:replicas\":")
}

/// A live object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) uid: String,
    pub(crate) resource_version: String,
    /// Set of objects that it is a member of.
    pub(crate) part_of: Option<String>,
    /// Whether somebody is deleting it.
    pub(crate) deleting: bool,
    /// Who has to let go of it before it is gone.
    pub(crate) finalizers: Vec<String>,
    /// Digest of the fields that we own; absent when we own none.
    pub(crate) owned: Option<Digest>,
    /// Whether the replica count is among them.
    pub(crate) owns_replicas: bool,
    /// The transaction that created it.
    pub(crate) epoch: Option<String>,
}

/// Live objects by reference. The API version is that of the release which was asked about.
pub(crate) type LiveObjects = BTreeMap<ObjectRef, Live>;

impl From<Metadata> for Live {
    fn from(metadata: Metadata) -> Self {
        let ours = metadata.managed_fields.iter().find(|entry| {
            entry.manager == FIELD_MANAGER
                && entry.operation == "Apply"
                && entry.subresource.is_empty()
        });
        let owned = ours.map(|entry| Digest::of(entry.text().as_bytes()));
        let owns_replicas = ours.is_some_and(|entry| has_replicas(entry.text()));
        Self {
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            part_of: metadata.labels.get(PART_OF_LABEL).cloned(),
            deleting: metadata.deletion_timestamp.is_some(),
            finalizers: metadata.finalizers,
            owned,
            owns_replicas,
            epoch: metadata.annotations.epoch,
        }
    }
}

/// Reads which of `objects` exist.
pub(crate) async fn read(
    client: &Client,
    resources: &Resources,
    objects: impl IntoIterator<Item = &ObjectRef>,
) -> Result<LiveObjects, ApiError> {
    let found: Found<Listed> = fetch(client, resources, objects, Form::Metadata).await?;
    Ok(found.into_iter().map(|(object, found)| (object, found.live)).collect())
}

/// Reads one object's metadata.
pub(crate) async fn read_one(
    client: &Client,
    resource: &Resource,
    object: &ObjectRef,
) -> Result<Option<Live>, ApiError> {
    let path = resource.path(object.namespace.as_deref(), &object.name);
    let found: Option<PartialObject> = client.get(&path, Form::Metadata).await?;
    Ok(found.map(|found| found.metadata.into()))
}

/// What is kept of an item of a list. The sets of fields, most of what is read, are let go item by
/// item.
#[derive(Clone, Deserialize)]
#[serde(from = "PartialObject")]
struct Listed {
    name: String,
    namespace: Option<String>,
    live: Live,
}

impl From<PartialObject> for Listed {
    fn from(PartialObject { mut metadata }: PartialObject) -> Self {
        let name = std::mem::take(&mut metadata.name);
        let namespace = metadata.namespace.take();
        Self { name, namespace, live: metadata.into() }
    }
}

impl Named for Listed {
    fn name(&self) -> Option<&str> {
        Some(&self.name)
    }

    fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }
}
