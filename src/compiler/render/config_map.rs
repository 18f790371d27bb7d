//! The settings that all components share.
//!
//! The name has the digest of the content: a change makes another `ConfigMap`, and so replaces the
//! pods; the old one is there until the last old pod is gone, and for the way back.

use std::collections::BTreeMap;

use a4co_bundle::{Digest, to_canonical};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use super::object::{shared_metadata, to_json};
use crate::model::Model;

/// Number of hexadecimal digits of a digest in a name: 40 bits tell the few versions that a
/// namespace ever has.
const DIGITS: usize = 10;

/// Returns the name of the `ConfigMap`, if there are settings.
pub(super) fn name(model: &Model) -> Option<String> {
    if model.settings.is_empty() {
        return None;
    }
    Some(format!("{}-settings-{}", model.app(), content_hash(&model.settings)))
}

pub(super) fn render(model: &Model) -> Option<Value> {
    Some(to_json(&ConfigMap {
        metadata: shared_metadata(model, &name(model)?),
        data: Some(model.settings.clone()),
        immutable: Some(true),
        ..ConfigMap::default()
    }))
}

#[expect(clippy::expect_used, reason = "a map of strings is always canonical JSON")]
fn content_hash(data: &BTreeMap<String, String>) -> String {
    let bytes = to_canonical(data).expect("a map of strings");
    Digest::of(&bytes).to_hex()[..DIGITS].to_owned()
}
