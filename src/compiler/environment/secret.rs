//! Secrets: only their names and keys. No value ever stands in a file or in a bundle.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::secret_backend::{AwsStore, KubernetesStore, VaultStore};
use crate::{
    template::Template,
    text::{EnvName, Interval},
};

/// Of the tables `aws`, `vault` and `kubernetes`, that of the backend is required, and the others
/// have no effect.
///
/// Placeholders in its texts: `{secret}` is the key of a secret in `[secrets]`, and those of
/// `release.notes`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SecretStore {
    /// Who provides the Secrets.
    pub(crate) backend: SecretBackend,
    /// Name of each Secret in the cluster. The default is `{app}-{secret}`.
    #[serde(default = "default_name")]
    pub(crate) name: Template,
    /// Name of each secret in the backend. The default is `{app}/{environment}/{secret}`; for
    /// `kubernetes`, where it names a Secret, `{app}-{secret}`.
    #[serde(default)]
    key: Option<Template>,
    /// How often values are fetched again. The default is `1h`.
    #[serde(default = "default_refresh")]
    pub(crate) refresh: Interval,
    /// Service account of the release that fetches them. It has no rights in the cluster; the
    /// backend knows it. The default is `{app}-secrets`.
    #[serde(default = "default_account")]
    pub(crate) service_account: Template,
    /// Access to AWS Secrets Manager.
    #[serde(default)]
    pub(crate) aws: Option<AwsStore>,
    /// Access to Vault or OpenBao.
    #[serde(default)]
    pub(crate) vault: Option<VaultStore>,
    /// Access to Secrets of another namespace or cluster.
    #[serde(default)]
    pub(crate) kubernetes: Option<KubernetesStore>,
}

impl SecretStore {
    /// Returns the name of each secret in the backend.
    pub(crate) fn key(&self) -> Template {
        self.key.clone().unwrap_or_else(|| match self.backend {
            SecretBackend::Kubernetes => default_name(),
            _ => default_key(),
        })
    }
}

/// Who provides the Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SecretBackend {
    /// External Secrets fetches them from AWS Secrets Manager.
    AwsSecretsManager,
    /// External Secrets fetches them from HashiCorp Vault or OpenBao.
    Vault,
    /// External Secrets copies them from another namespace or another cluster.
    Kubernetes,
    /// The site has created them in the namespace; applying checks that they are there.
    Existing,
}

/// A secret is a set of values that belong together. No value ever stands here.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Secret {
    /// Keys of its values; each is an environment variable.
    pub(crate) keys: Vec<EnvName>,
    /// Its name in the backend, if it is not what `secret_store.key` says: several secrets can be
    /// parts of one there. Placeholders are those of `[secret_store]`.
    #[serde(default)]
    pub(crate) key: Option<Template>,
    /// What its keys are called in the backend, where it is something else.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "env-name"}))]
    pub(crate) properties: BTreeMap<EnvName, String>,
    /// Environment variables composed of its values, by templates of External Secrets such as
    /// `"{{ .USER }}:{{ .PASSWORD }}"`. These are no placeholders of ours.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "env-name"}))]
    pub(crate) composed: BTreeMap<EnvName, String>,
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_name() -> Template {
    Template::parse("{app}-{secret}").expect("a template")
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_key() -> Template {
    Template::parse("{app}/{environment}/{secret}").expect("a template")
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_account() -> Template {
    Template::parse("{app}-secrets").expect("a template")
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_refresh() -> Interval {
    Interval::try_from("1h".to_owned()).expect("an interval")
}
