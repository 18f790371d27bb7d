//! What the cluster has before the release comes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{ObjectName, ObjectPath};

/// The release does not hold any of it; applying checks that the Secrets are there.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Site {
    /// Objects of the site.
    #[serde(flatten)]
    pub(crate) given: Given,
    /// Whether an adapter answers for metrics of other kinds than `Resource`.
    pub(crate) custom_metrics: bool,
}

/// Objects that are there although the release does not hold them. Those with a namespace are in
/// the release's.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Given {
    /// Names of Secrets, with the keys of each; an empty list stands for any key.
    #[schemars(extend("propertyNames" = {"format": "object-name"}))]
    pub(crate) secrets: BTreeMap<ObjectName, Vec<ObjectName>>,
    /// Names of `ConfigMaps`, with the keys of each; an empty list stands for any key.
    #[schemars(extend("propertyNames" = {"format": "object-name"}))]
    pub(crate) config_maps: BTreeMap<ObjectName, Vec<ObjectName>>,
    /// Other objects as `Kind/name`, such as `Service/legacy` or `PriorityClass/high`.
    pub(crate) objects: Vec<ObjectPath>,
}
