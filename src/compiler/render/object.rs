//! What all objects have in common: names, labels, selectors.

use std::collections::BTreeMap;

use a4co_bundle::PART_OF_LABEL;
use k8s_openapi::apimachinery::pkg::{
    api::resource::Quantity,
    apis::meta::v1::{LabelSelector, ObjectMeta},
};
use serde::Serialize;
use serde_json::Value;

use crate::{component::Component, environment::capacity::Resources, model::Model};

const NAME: &str = "app.kubernetes.io/name";
const COMPONENT: &str = "app.kubernetes.io/component";
const INSTANCE: &str = "app.kubernetes.io/instance";
pub(crate) const PART_OF: &str = "app.kubernetes.io/part-of";
pub(crate) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

/// Who manages every object.
pub(crate) const MANAGER: &str = "a4co";

/// What belongs to the release as a whole, as a label.
const RELEASE: &str = "release";

/// Returns the metadata of an object called `name` that belongs to `component`.
pub(super) fn metadata_of(model: &Model, component: &Component, name: &str) -> ObjectMeta {
    let mut metadata = metadata(model, name, &component.name, component.role.as_str());
    metadata.labels.get_or_insert_default().extend(instance_label(component));
    metadata
}

/// Returns the metadata of an object called `name` that belongs to the release as a whole.
pub(super) fn shared_metadata(model: &Model, name: &str) -> ObjectMeta {
    metadata(model, name, model.app(), RELEASE)
}

fn metadata(model: &Model, name: &str, label: &str, role: &str) -> ObjectMeta {
    let labels = [
        (NAME, label),
        (COMPONENT, role),
        (PART_OF, model.app()),
        (MANAGED_BY, MANAGER),
        (PART_OF_LABEL, model.applyset.as_str()),
    ];
    ObjectMeta {
        name: Some(name.to_owned()),
        namespace: Some(model.namespace().to_owned()),
        labels: Some(to_map(labels)),
        ..ObjectMeta::default()
    }
}

/// Returns the labels of the pods of `component`. They never change: selectors are immutable, and a
/// changed template would replace every pod.
pub(super) fn pod_labels(model: &Model, component: &Component) -> BTreeMap<String, String> {
    let role = component.role.as_str();
    let mut labels =
        to_map([(NAME, component.name.as_str()), (COMPONENT, role), (PART_OF, model.app())]);
    labels.extend(instance_label(component));
    labels
}

fn instance_label(component: &Component) -> Option<(String, String)> {
    let instance = component.instance.as_ref()?;
    Some((INSTANCE.to_owned(), instance.clone()))
}

/// Returns the selector of the pods of every component that is a part of `instance`.
pub(super) fn instance_selector(model: &Model, instance: &str) -> LabelSelector {
    match_labels(to_map([(INSTANCE, instance), (PART_OF, model.app())]))
}

/// Returns what selects the pods of the component called `name`, and nothing else.
pub(super) fn selector_labels(model: &Model, name: &str) -> BTreeMap<String, String> {
    to_map([(NAME, name), (PART_OF, model.app())])
}

/// Returns the selector of the pods of the component called `name`.
pub(super) fn selector(model: &Model, name: &str) -> LabelSelector {
    match_labels(selector_labels(model, name))
}

/// Returns a selector by `labels`; without labels it selects everything.
pub(super) fn match_labels(labels: BTreeMap<String, String>) -> LabelSelector {
    let match_labels = (!labels.is_empty()).then_some(labels);
    LabelSelector { match_labels, ..LabelSelector::default() }
}

pub(super) fn to_map<K: ToString, V: ToString>(
    entries: impl IntoIterator<Item = (K, V)>,
) -> BTreeMap<String, String> {
    entries.into_iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}

/// Returns `resources` as Kubernetes has them.
pub(super) fn quantities(resources: &Resources) -> BTreeMap<String, Quantity> {
    let amounts = [("cpu", resources.cpu.to_string()), ("memory", resources.memory.to_string())];
    amounts.into_iter().map(|(name, text)| (name.to_owned(), Quantity(text))).collect()
}

/// Returns `list`, or nothing if it is empty.
pub(super) fn non_empty<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

/// Converts an object to JSON.
#[expect(clippy::expect_used, reason = "these types have string keys and integers only")]
pub(super) fn to_json<T: Serialize>(object: &T) -> Value {
    serde_json::to_value(object).expect("an object is JSON")
}

/// Converts a count to Kubernetes' type for it.
pub(super) fn count(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
