//! Settings that services share, and files that components mount.
//!
//! Each name has the digest of the content: a change makes another `ConfigMap`, and so replaces the
//! pods; the old one is there until the last old pod is gone, and for the way back.

use std::collections::BTreeMap;

use a4co_bundle::{Digest, to_canonical};
use k8s_openapi::api::core::v1::ConfigMap;
use serde_json::Value;

use super::object::{metadata_of, shared_metadata, to_json};
use crate::{component::Component, model::Model};

/// Number of hexadecimal digits of a digest in a name: 40 bits tell the few versions that a
/// namespace ever has.
const DIGITS: usize = 10;

/// Returns the name of the `ConfigMap` of the settings, if there are settings.
pub(super) fn settings_name(model: &Model) -> Option<String> {
    if model.settings.is_empty() {
        return None;
    }
    Some(hashed(&format!("{}-settings", model.app()), &model.settings))
}

/// Returns the name of the `ConfigMap` with the files of `component` that `volume` has.
pub(super) fn files_name(component: &Component, volume: &str) -> String {
    let files = component.files.get(volume);
    hashed(&format!("{}-{volume}", component.name), files.unwrap_or(&BTreeMap::new()))
}

pub(super) fn render_settings(model: &Model) -> Option<Value> {
    Some(to_json(&ConfigMap {
        metadata: shared_metadata(model, &settings_name(model)?),
        data: Some(model.settings.clone()),
        immutable: Some(true),
        ..ConfigMap::default()
    }))
}

pub(super) fn render_files<'a>(
    model: &'a Model,
    component: &'a Component,
) -> impl Iterator<Item = Value> + 'a {
    component.files.iter().map(|(volume, files)| {
        to_json(&ConfigMap {
            metadata: metadata_of(model, component, &files_name(component, volume)),
            data: Some(files.clone()),
            immutable: Some(true),
            ..ConfigMap::default()
        })
    })
}

#[expect(clippy::expect_used, reason = "a map of strings is always canonical JSON")]
fn hashed(name: &str, data: &BTreeMap<String, String>) -> String {
    let bytes = to_canonical(data).expect("a map of strings");
    format!("{name}-{}", &Digest::of(&bytes).to_hex()[..DIGITS])
}
