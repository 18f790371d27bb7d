//! Where External Secrets fetches values from, and the service account that it does so with.

use k8s_openapi::{api::core::v1::ServiceAccount, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use serde::Serialize;
use serde_json::Value;

use super::object::{shared_metadata, to_json, to_map};
use crate::model::{Authority, ClusterSecrets, Model, SecretAccess, SecretProvider, VaultSecrets};

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
#[serde(rename_all = "camelCase")]
enum Provider {
    Aws {
        service: &'static str,
        region: String,
        auth: AwsAuth,
    },
    #[serde(rename_all = "camelCase")]
    Vault {
        server: String,
        path: String,
        version: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        ca_provider: Option<CaProvider>,
        auth: VaultAuth,
    },
    #[serde(rename_all = "camelCase")]
    Kubernetes {
        remote_namespace: String,
        server: Server,
        auth: KubernetesAuth,
    },
}

#[derive(Serialize)]
struct AwsAuth {
    jwt: AwsJwt,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct AwsJwt {
    service_account_ref: AccountRef,
}

#[derive(Serialize)]
struct VaultAuth {
    kubernetes: VaultKubernetes,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct VaultKubernetes {
    mount_path: String,
    role: String,
    service_account_ref: AccountRef,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Server {
    url: String,
    ca_provider: CaProvider,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum KubernetesAuth {
    ServiceAccount(AccountRef),
    #[serde(rename_all = "camelCase")]
    Token {
        bearer_token: KeyRef,
    },
}

#[derive(Serialize)]
struct AccountRef {
    name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<String>,
}

impl AccountRef {
    fn new(access: &SecretAccess) -> Self {
        Self { name: access.account.clone().unwrap_or_default(), audiences: Vec::new() }
    }
}

#[derive(Serialize)]
struct KeyRef {
    name: String,
    key: String,
}

#[derive(Serialize)]
struct CaProvider {
    #[serde(rename = "type")]
    kind: &'static str,
    name: String,
    key: String,
}

impl From<&Authority> for CaProvider {
    fn from(authority: &Authority) -> Self {
        let Authority { kind, name, key } = authority;
        Self { kind, name: name.clone(), key: key.clone() }
    }
}

/// Returns the name of the store.
pub(super) fn name(model: &Model) -> String {
    format!("{}-secrets", model.app())
}

pub(super) fn render(model: &Model) -> Option<Value> {
    let access = model.secret_access.as_ref()?;
    Some(to_json(&SecretStore {
        api_version: "external-secrets.io/v1",
        kind: "SecretStore",
        metadata: shared_metadata(model, &name(model)),
        spec: SecretStoreSpec { provider: provider(access) },
    }))
}

pub(super) fn render_account(model: &Model) -> Option<Value> {
    let access = model.secret_access.as_ref()?;
    let mut metadata = shared_metadata(model, access.account.as_ref()?);
    if let SecretProvider::Aws { role, .. } = &access.provider {
        metadata.annotations = Some(to_map([(ROLE, role)]));
    }
    Some(to_json(&ServiceAccount {
        metadata,
        automount_service_account_token: Some(false),
        ..ServiceAccount::default()
    }))
}

fn provider(access: &SecretAccess) -> Provider {
    match &access.provider {
        SecretProvider::Aws { region, .. } => Provider::Aws {
            service: "SecretsManager",
            region: region.clone(),
            auth: AwsAuth { jwt: AwsJwt { service_account_ref: AccountRef::new(access) } },
        },
        SecretProvider::Vault(vault) => vault_provider(access, vault),
        SecretProvider::Cluster(cluster) => cluster_provider(access, cluster),
    }
}

fn vault_provider(access: &SecretAccess, vault: &VaultSecrets) -> Provider {
    let account = AccountRef { audiences: vault.audiences.clone(), ..AccountRef::new(access) };
    Provider::Vault {
        server: vault.server.clone(),
        path: vault.path.clone(),
        version: vault.version,
        namespace: vault.namespace.clone(),
        ca_provider: vault.ca.as_ref().map(CaProvider::from),
        auth: VaultAuth {
            kubernetes: VaultKubernetes {
                mount_path: vault.auth_path.clone(),
                role: vault.role.clone(),
                service_account_ref: account,
            },
        },
    }
}

fn cluster_provider(access: &SecretAccess, cluster: &ClusterSecrets) -> Provider {
    let auth = match &cluster.token {
        Some((name, key)) => {
            let (name, key) = (name.clone(), key.clone());
            KubernetesAuth::Token { bearer_token: KeyRef { name, key } }
        }
        None => KubernetesAuth::ServiceAccount(AccountRef::new(access)),
    };
    Provider::Kubernetes {
        remote_namespace: cluster.namespace.clone(),
        server: Server { url: cluster.server.clone(), ca_provider: (&cluster.ca).into() },
        auth,
    }
}
