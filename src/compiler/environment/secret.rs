//! Secrets: only their names and keys. No value ever stands in a file or in a bundle.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    template::Template,
    text::{EnvName, Interval},
};

/// Where the values of secrets come from.
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
    /// Name of each secret in the backend. The default is `{app}/{environment}/{secret}`.
    #[serde(default = "default_key")]
    pub(crate) key: Template,
    /// How often values are fetched again. The default is `1h`.
    #[serde(default = "default_refresh")]
    pub(crate) refresh: Interval,
    /// Access to AWS Secrets Manager.
    #[serde(default)]
    pub(crate) aws: Option<AwsStore>,
}

/// Who provides the Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum SecretBackend {
    /// External Secrets fetches them from AWS Secrets Manager.
    AwsSecretsManager,
    /// The site has created them in the namespace; applying checks that they are there.
    Existing,
}

/// Access to AWS Secrets Manager.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct AwsStore {
    /// Region, such as `eu-west-1`.
    pub(crate) region: String,
    /// IAM role that may read the secrets; a service account of the release assumes it (IRSA).
    pub(crate) role_arn: Template,
}

/// A secret: a set of values that belong together.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Secret {
    /// Keys of its values; each is an environment variable.
    pub(crate) keys: Vec<EnvName>,
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
fn default_refresh() -> Interval {
    Interval::try_from("1h".to_owned()).expect("an interval")
}
