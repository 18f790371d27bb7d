//! What a release says of itself beside its objects.

use std::collections::BTreeSet;

use a4co_bundle::{Api, CONFIG_SCHEMA, ReleaseConfig, Requirements, SecretRequirement};
use serde_json::Value;

use crate::{kinds, model::Model};

/// Returns the config of the release of `objects`, which were rendered from `model`.
pub(crate) fn release_config(model: &Model, objects: &[Value]) -> ReleaseConfig {
    let release = &model.environment.release;
    let readiness: BTreeSet<_> = objects.iter().filter_map(kinds::readiness_of).collect();
    ReleaseConfig {
        schema: CONFIG_SCHEMA,
        app: release.app.to_string(),
        environment: model.environment_name.to_owned(),
        version: release.version.to_semver(),
        namespace: release.namespace.to_string(),
        images: model.images.clone(),
        requirements: Requirements {
            apis: apis(objects),
            ingress_classes: ingress_classes(objects),
            storage_classes: Vec::new(),
            secrets: secrets(model),
        },
        readiness: readiness.into_iter().collect(),
        keep: Vec::new(),
        notes: model.notes.clone(),
    }
}

/// Returns every API that `objects` use, sorted, each once.
fn apis(objects: &[Value]) -> Vec<Api> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let api = |object: &Value| Api {
        api_version: text(&object["apiVersion"]),
        kind: text(&object["kind"]),
    };
    let apis: BTreeSet<_> = objects.iter().map(api).collect();
    apis.into_iter().collect()
}

fn ingress_classes(objects: &[Value]) -> Vec<String> {
    let classes = objects.iter().filter_map(|object| object["spec"]["ingressClassName"].as_str());
    let classes: BTreeSet<_> = classes.map(str::to_owned).collect();
    classes.into_iter().collect()
}

/// Returns the Secrets that the site provides.
fn secrets(model: &Model) -> Vec<SecretRequirement> {
    let required = model.required_secrets.iter();
    let requirement = |(name, keys): (&String, &BTreeSet<String>)| SecretRequirement {
        name: name.clone(),
        keys: keys.iter().cloned().collect(),
    };
    required.map(requirement).collect()
}
