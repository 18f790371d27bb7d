//! The rules, for a Prometheus operator.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::object::{shared_metadata, to_json, to_map};
use crate::{
    model::Model,
    monitoring::rule::{Group, RuleFile},
};

/// `PrometheusRule` of `monitoring.coreos.com/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrometheusRule<'a> {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: RuleFile<'a>,
}

pub(super) fn render(model: &Model) -> Option<Value> {
    let monitoring = model.environment.monitoring.as_ref()?;
    let groups: &[Group] = &model.rules;
    if groups.is_empty() {
        return None;
    }
    let mut metadata = shared_metadata(model, model.app());
    metadata.labels.get_or_insert_default().extend(to_map(&monitoring.labels));
    Some(to_json(&PrometheusRule {
        api_version: "monitoring.coreos.com/v1",
        kind: "PrometheusRule",
        metadata,
        spec: RuleFile { groups },
    }))
}
