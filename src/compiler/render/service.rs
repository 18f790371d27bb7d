//! A Service for each component, on the component's own port.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde_json::Value;

use super::object::{metadata_of, selector_labels, to_json};
use crate::model::{Component, Model};

/// Name of the port on which a component answers HTTP.
pub(super) const HTTP: &str = "http";

/// Name of the port on which a component tells its metrics, if it is another.
pub(super) const METRICS: &str = "metrics";

/// Returns the ports of `component` by name.
pub(super) fn ports(component: &Component) -> impl Iterator<Item = (&'static str, u16)> {
    let metrics = metrics_port(component).filter(|port| *port != component.service.port);
    [(HTTP, component.service.port)].into_iter().chain(metrics.map(|port| (METRICS, port)))
}

/// Returns the port on which `component` tells its metrics, if it does.
pub(super) fn metrics_port(component: &Component) -> Option<u16> {
    let metrics = component.service.metrics.as_ref()?;
    Some(metrics.port.unwrap_or(component.service.port))
}

pub(super) fn render(model: &Model, component: &Component) -> Value {
    let port = |(name, port): (&str, u16)| ServicePort {
        name: Some(name.to_owned()),
        port: port.into(),
        target_port: Some(IntOrString::String(name.to_owned())),
        protocol: Some("TCP".to_owned()),
        app_protocol: Some("http".to_owned()),
        ..ServicePort::default()
    };
    to_json(&Service {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            selector: Some(selector_labels(model, &component.name)),
            ports: Some(ports(component).map(port).collect()),
            session_affinity: Some("None".to_owned()),
            internal_traffic_policy: Some("Cluster".to_owned()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    })
}
