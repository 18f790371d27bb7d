//! What services may need besides each other.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    template::Template,
    text::{Cidr, DnsLabel, HostName, HttpPath, LabelKey, LabelValue},
};

/// An endpoint is a database of the site, a collector of traces, or the internet. Exactly one of
/// `pods`, `addresses` and `internet` says where it is; `namespace` without `pods` is all pods
/// there.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Endpoint {
    /// Its port, by TCP.
    #[schemars(range(min = 1))]
    pub(crate) port: u16,
    /// Its host name; the placeholder `{host}` of `provides`.
    #[serde(default)]
    pub(crate) host: Option<HostName>,
    /// Labels of its pods.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "label-key"}))]
    pub(crate) pods: BTreeMap<LabelKey, LabelValue>,
    /// Namespace of its pods, if it is not the release's own.
    #[serde(default)]
    pub(crate) namespace: Option<DnsLabel>,
    /// Address ranges in which it is.
    #[serde(default)]
    pub(crate) addresses: Vec<Cidr>,
    /// Whether it is anywhere outside of `network.private_ranges`.
    #[serde(default)]
    pub(crate) internet: bool,
    /// Path on that port at which it tells its metrics, for a `[prometheus]` that needs it.
    #[serde(default)]
    pub(crate) metrics: Option<HttpPath>,
    /// What a service that needs it gets.
    #[serde(default)]
    pub(crate) provides: Provides,
}

/// What a service gets from something that it needs.
///
/// Placeholders, also in the names of variables, are those of what is needed: `{host}` and
/// `{port}`, and those of `release.notes`; for services also `{service}`, `{SERVICE}` and `{name}`.
/// Databases and the like say which others they have.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Provides {
    /// Environment variables.
    #[schemars(extend("propertyNames" = {"format": "template"}))]
    pub(crate) env: BTreeMap<Template, Template>,
    /// Secrets whose keys become environment variables.
    pub(crate) secrets: Vec<String>,
}
