//! What a Prometheus operator is to scrape of a component. With a Prometheus of the release's own
//! there is none, so that nothing is scraped twice.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::Serialize;
use serde_json::Value;

use super::{
    object::{metadata_of, selector, to_json, to_map},
    service,
};
use crate::{component::Component, model::Model};

/// `ServiceMonitor` of `monitoring.coreos.com/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceMonitor {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: ServiceMonitorSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceMonitorSpec {
    job_label: &'static str,
    selector: LabelSelector,
    endpoints: Vec<Endpoint>,
}

#[derive(Serialize)]
struct Endpoint {
    port: String,
    path: String,
    scheme: &'static str,
    interval: String,
}

pub(super) fn render(model: &Model, component: &Component) -> Option<Value> {
    let environment = model.environment;
    let monitoring =
        environment.monitoring.as_ref().filter(|_| environment.prometheus.is_none())?;
    let metrics = component.metrics.as_ref()?;
    let mut selector = selector(model, &component.name);
    selector.match_labels.get_or_insert_default().extend(to_map([service::SCRAPED]));
    let mut metadata = metadata_of(model, component, &component.name);
    metadata.labels.get_or_insert_default().extend(to_map(&monitoring.labels));
    Some(to_json(&ServiceMonitor {
        api_version: "monitoring.coreos.com/v1",
        kind: "ServiceMonitor",
        metadata,
        spec: ServiceMonitorSpec {
            job_label: "app.kubernetes.io/name",
            selector,
            endpoints: vec![Endpoint {
                port: metrics.port_name.clone(),
                path: metrics.path.clone(),
                scheme: "http",
                interval: monitoring.interval.to_string(),
            }],
        },
    }))
}
