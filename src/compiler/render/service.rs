//! The Services of a component: names under which others reach it.

use k8s_openapi::{
    api::core::v1::{Service, ServicePort, ServiceSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde_json::Value;

use super::object::{metadata_of, selector_labels, to_json, to_map};
use crate::{
    component::{self, Component, Resolution},
    model::Model,
};

/// Label of the one Service of a component through which its metrics are found: two would have
/// every pod scraped twice.
pub(super) const SCRAPED: (&str, &str) = ("a4co.dev/scraped", "true");

pub(super) fn render<'a>(
    model: &'a Model,
    component: &'a Component,
) -> impl Iterator<Item = Value> + 'a {
    let scraped = scraped(component).map(|service| service.name.as_str());
    let services = component.services.iter();
    services
        .map(move |service| one(model, component, service, scraped == Some(service.name.as_str())))
}

/// Returns the Service through which the metrics of `component` are found: the one that leads to
/// every pod, if there is one.
pub(super) fn scraped(component: &Component) -> Option<&component::Service> {
    let metrics = component.metrics.as_ref()?;
    let has_port = |service: &&component::Service| {
        service.ports.iter().any(|port| port.name == metrics.port_name)
    };
    let services = || component.services.iter().filter(has_port);
    services().find(|service| service.resolution == Resolution::EveryPod).or(services().next())
}

fn one(
    model: &Model,
    component: &Component,
    service: &component::Service,
    is_scraped: bool,
) -> Value {
    let is_headless = service.resolution == Resolution::EveryPod;
    let also_not_ready = service.resolution != Resolution::Balanced;
    let port = |port: &component::ServicePort| ServicePort {
        name: Some(port.name.clone()),
        port: port.port.into(),
        target_port: Some(IntOrString::String(port.name.clone())),
        protocol: Some("TCP".to_owned()),
        app_protocol: port.app_protocol.map(str::to_owned),
        ..ServicePort::default()
    };
    let mut metadata = metadata_of(model, component, &service.name);
    if is_scraped {
        metadata.labels.get_or_insert_default().extend(to_map([SCRAPED]));
    }
    to_json(&Service {
        metadata,
        spec: Some(ServiceSpec {
            type_: Some("ClusterIP".to_owned()),
            cluster_ip: is_headless.then(|| "None".to_owned()),
            publish_not_ready_addresses: also_not_ready.then_some(true),
            selector: Some(selector_labels(model, &component.name)),
            ports: Some(service.ports.iter().map(port).collect()),
            session_affinity: Some("None".to_owned()),
            internal_traffic_policy: Some("Cluster".to_owned()),
            ..ServiceSpec::default()
        }),
        ..Service::default()
    })
}
