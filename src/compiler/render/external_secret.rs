//! What External Secrets makes each Secret of. No value stands here, only names.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::{
    object::{shared_metadata, to_json},
    secret_store,
};
use crate::model::{Model, ResolvedSecret};

/// `ExternalSecret` of `external-secrets.io/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalSecret {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: ExternalSecretSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExternalSecretSpec {
    refresh_interval: String,
    secret_store_ref: StoreRef,
    target: Target,
    data: Vec<Data>,
}

#[derive(Serialize)]
struct StoreRef {
    kind: &'static str,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Target {
    name: String,
    creation_policy: &'static str,
    deletion_policy: &'static str,
    template: Template,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Template {
    engine_version: &'static str,
    merge_policy: &'static str,
    #[serde(rename = "type")]
    secret_type: &'static str,
    data: BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    secret_key: String,
    remote_ref: RemoteRef,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RemoteRef {
    key: String,
    property: String,
    conversion_strategy: &'static str,
    decoding_strategy: &'static str,
    metadata_policy: &'static str,
}

pub(super) fn render(model: &Model) -> Vec<Value> {
    let store = model.environment.secret_store.as_ref().filter(|_| model.secret_access.is_some());
    let Some(store) = store else {
        return Vec::new();
    };
    let refresh = store.refresh.to_string();
    model.secrets.iter().map(|secret| render_one(model, secret, &refresh)).collect()
}

fn render_one(model: &Model, secret: &ResolvedSecret, refresh: &str) -> Value {
    to_json(&ExternalSecret {
        api_version: "external-secrets.io/v1",
        kind: "ExternalSecret",
        metadata: shared_metadata(model, &secret.name),
        spec: ExternalSecretSpec {
            refresh_interval: refresh.to_owned(),
            secret_store_ref: StoreRef { kind: "SecretStore", name: secret_store::name(model) },
            target: Target {
                name: secret.name.clone(),
                creation_policy: "Owner",
                // A value that vanishes from the backend must not take running services down.
                deletion_policy: "Retain",
                template: Template {
                    engine_version: "v2",
                    merge_policy: "Replace",
                    secret_type: "Opaque",
                    data: secret.values.clone(),
                },
            },
            data: secret.keys.iter().map(|(key, property)| data(secret, key, property)).collect(),
        },
    })
}

fn data(secret: &ResolvedSecret, key: &str, property: &str) -> Data {
    Data {
        secret_key: key.to_owned(),
        remote_ref: RemoteRef {
            key: secret.remote.clone(),
            property: property.to_owned(),
            conversion_strategy: "Default",
            decoding_strategy: "None",
            metadata_policy: "None",
        },
    }
}
