//! A service account for each component, without any right and without a token in the pod.

use k8s_openapi::api::core::v1::ServiceAccount;
use serde_json::Value;

use super::object::{metadata_of, to_json};
use crate::{component::Component, model::Model};

pub(super) fn render(model: &Model, component: &Component) -> Value {
    to_json(&ServiceAccount {
        metadata: metadata_of(model, component, &component.name),
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    })
}
