//! The namespace, in which no pod may be more than Pod Security `restricted` allows.

use k8s_openapi::api::core::v1::Namespace;
use serde_json::Value;

use super::object::{shared_metadata, to_json, to_map};
use crate::model::Model;

pub(super) fn render(model: &Model) -> Value {
    let mut metadata = shared_metadata(model, model.namespace());
    metadata.namespace = None;
    let security = ["enforce", "audit", "warn"].into_iter().flat_map(|mode| {
        let key = format!("pod-security.kubernetes.io/{mode}");
        [(format!("{key}-version"), "latest"), (key, "restricted")]
    });
    metadata.labels.get_or_insert_default().extend(to_map(security));
    to_json(&Namespace { metadata, ..Namespace::default() })
}
