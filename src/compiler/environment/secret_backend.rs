//! How External Secrets reaches what keeps the values of secrets.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    template::Template,
    text::{DataKey, DnsLabel},
};

/// Access to AWS Secrets Manager.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AwsStore {
    /// Region, such as `eu-west-1`.
    pub(crate) region: String,
    /// IAM role that may read the secrets; the service account of `[secret_store]` assumes it
    /// (IRSA).
    pub(crate) role_arn: Template,
}

/// Access to HashiCorp Vault or OpenBao. The service account of `[secret_store]` logs in by
/// Kubernetes authentication.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct VaultStore {
    /// URL of the server, such as `https://vault.example.com:8200`.
    pub(crate) server: Template,
    /// Where its key/value engine is mounted. The default is `secret`.
    #[serde(default = "default_path")]
    pub(crate) path: String,
    /// Version of that engine. The default is `v2`.
    #[serde(default)]
    pub(crate) version: VaultVersion,
    /// Role of the server that may read the secrets.
    pub(crate) role: Template,
    /// Where its Kubernetes authentication is mounted. The default is `kubernetes`.
    #[serde(default = "default_auth_path")]
    pub(crate) auth_path: String,
    /// For whom the service account's token is, if the role asks for it.
    #[serde(default)]
    pub(crate) audiences: Vec<String>,
    /// Namespace on the server, if it has namespaces.
    #[serde(default)]
    pub(crate) namespace: Option<String>,
    /// Who vouches for the server's certificate, if that is a private authority.
    #[serde(default)]
    pub(crate) ca: Option<CaBundle>,
}

/// Version of Vault's key/value engine.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum VaultVersion {
    /// Without versions of values.
    V1,
    /// With versions of values.
    #[default]
    V2,
}

impl VaultVersion {
    /// Returns the name that External Secrets uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "v1",
            Self::V2 => "v2",
        }
    }
}

/// Access to Secrets of another namespace or cluster. The site lets the service account of
/// `[secret_store]`, or whoever the token belongs to, read them there.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct KubernetesStore {
    /// Namespace in which they are.
    pub(crate) namespace: Template,
    /// URL of the API server, such as `https://10.0.0.1:6443`. The default is this cluster.
    #[serde(default)]
    pub(crate) server: Option<Template>,
    /// Who vouches for the API server's certificate. Required for another cluster; the default is
    /// what every namespace has for its own.
    #[serde(default)]
    pub(crate) ca: Option<CaBundle>,
    /// A token of the other cluster. The default is one of the service account, which another
    /// cluster takes only if it trusts this one's tokens.
    #[serde(default)]
    pub(crate) token: Option<Token>,
}

/// Certificates in PEM that vouch for a server. Exactly one of `config_map` and `secret` has them.
#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "CertificateAuthority")]
pub(crate) struct CaBundle {
    /// `ConfigMap` of the site.
    #[serde(default)]
    pub(crate) config_map: Option<DnsLabel>,
    /// Secret of the site; applying checks that it is there.
    #[serde(default)]
    pub(crate) secret: Option<DnsLabel>,
    /// Key in it. The default is `ca.crt`.
    #[serde(default = "default_ca_key")]
    pub(crate) key: DataKey,
}

/// A token in a Secret of the site; applying checks that it is there.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Token {
    /// Name of the Secret.
    pub(crate) secret: DnsLabel,
    /// Key in it. The default is `token`.
    #[serde(default = "default_token_key")]
    pub(crate) key: DataKey,
}

fn default_path() -> String {
    "secret".to_owned()
}

fn default_auth_path() -> String {
    "kubernetes".to_owned()
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_ca_key() -> DataKey {
    DataKey::try_from("ca.crt".to_owned()).expect("a key")
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_token_key() -> DataKey {
    DataKey::try_from("token".to_owned()).expect("a key")
}
