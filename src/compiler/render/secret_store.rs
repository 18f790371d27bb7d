//! Where External Secrets fetches values from, and the service account that it does so with.

use k8s_openapi::{api::core::v1::ServiceAccount, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde::Serialize;
use serde_json::Value;

use super::object::{shared_metadata, to_json, to_map};
use crate::model::Model;

/// Annotation by which a service account assumes an IAM role (IRSA).
const ROLE: &str = "eks.amazonaws.com/role-arn";

/// `SecretStore` of `external-secrets.io/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SecretStore {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: SecretStoreSpec,
}

#[derive(Serialize)]
struct SecretStoreSpec {
    provider: Provider,
}

#[derive(Serialize)]
struct Provider {
    aws: AwsProvider,
}

#[derive(Serialize)]
struct AwsProvider {
    service: &'static str,
    region: String,
    auth: AwsAuth,
}

#[derive(Serialize)]
struct AwsAuth {
    jwt: AwsJwt,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AwsJwt {
    service_account_ref: NameRef,
}

#[derive(Serialize)]
struct NameRef {
    name: String,
}

/// Returns the name of the store and of its service account.
pub(super) fn name(model: &Model) -> String {
    format!("{}-secrets", model.app())
}

pub(super) fn render(model: &Model) -> Option<Value> {
    let role = model.secret_role.as_ref()?;
    let name = name(model);
    Some(to_json(&SecretStore {
        api_version: "external-secrets.io/v1",
        kind: "SecretStore",
        metadata: shared_metadata(model, &name),
        spec: SecretStoreSpec {
            provider: Provider {
                aws: AwsProvider {
                    service: "SecretsManager",
                    region: role.region.to_owned(),
                    auth: AwsAuth { jwt: AwsJwt { service_account_ref: NameRef { name } } },
                },
            },
        },
    }))
}

pub(super) fn render_account(model: &Model) -> Option<Value> {
    let role = model.secret_role.as_ref()?;
    let mut metadata = shared_metadata(model, &name(model));
    metadata.annotations = Some(to_map([(ROLE, &role.arn)]));
    Some(to_json(&ServiceAccount {
        metadata,
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }))
}
