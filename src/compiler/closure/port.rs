//! Ports that an object refers to exist.

use serde_json::Value;

use super::{
    Fault, Faults, Pods, View,
    pods::{has_all, selects},
    selector::monitored,
};
use crate::member::Member;

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    view.of_kind("", "Service").for_each(|service| check_service(view, service, faults));
    view.pods().for_each(|pods| check_probes(&pods, faults));
    for monitor in view.of_kind("monitoring.coreos.com", "ServiceMonitor") {
        let services: Vec<_> = monitored(view, monitor).collect();
        let ports = services.iter().flat_map(|service| ports_of(service));
        let names: Vec<_> = ports.filter_map(|port| port["name"].as_str()).collect();
        check_endpoints(monitor, "endpoints", &names, "the Services that it selects", faults);
    }
    for monitor in view.of_kind("monitoring.coreos.com", "PodMonitor") {
        let pods = view.pods().filter(|pods| {
            pods.member.namespace() == monitor.namespace()
                && selects(&monitor.manifest["spec"]["selector"], pods.labels())
        });
        let ports = pods.flat_map(|pods| pods.ports());
        let names: Vec<_> = ports.filter_map(|port| port["name"].as_str()).collect();
        let of = "the pods that it selects";
        check_endpoints(monitor, "podMetricsEndpoints", &names, of, faults);
    }
}

/// Returns the ports of a Service.
pub(super) fn ports_of(service: &Member) -> impl Iterator<Item = &Value> {
    service.manifest["spec"]["ports"].as_array().into_iter().flatten()
}

/// Reports ports of a Service that none of its pods has.
fn check_service(view: &View<'_>, service: &Member, faults: &mut Faults<'_, '_>) {
    let selector = &service.manifest["spec"]["selector"];
    if selector.as_object().is_none_or(serde_json::Map::is_empty) {
        return;
    }
    let pods: Vec<_> = view
        .pods()
        .filter(|pods| pods.member.namespace() == service.namespace())
        .filter(|pods| has_all(selector, pods.labels()))
        .collect();
    let declared: Vec<_> = pods.iter().flat_map(Pods::ports).collect();
    if pods.is_empty() {
        return;
    }
    // Pods need not say which ports they have, but for ports by name.
    for (position, port) in ports_of(service).enumerate() {
        let target = if port["targetPort"].is_null() { &port["port"] } else { &port["targetPort"] };
        let key = if target.is_string() { "name" } else { "containerPort" };
        let may_be_unsaid = target.is_number() && declared.is_empty();
        let is_there = may_be_unsaid || declared.iter().any(|port| port[key] == *target);
        if !is_there {
            let known = declared.iter().map(|port| text(&port[key])).collect();
            let of = "its pods".to_owned();
            let fault = Fault::NoSuchPort { port: text(target), of, known };
            faults.add(service, &["spec", "ports", &position.to_string(), "targetPort"], fault);
        }
    }
}

/// Reports probes of a port by a name that the container does not have.
fn check_probes(pods: &Pods<'_>, faults: &mut Faults<'_, '_>) {
    for container in pods.all_containers() {
        let ports = container.value["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
            for handler in ["httpGet", "tcpSocket"] {
                let Some(name) = container.value[probe][handler]["port"].as_str() else {
                    continue;
                };
                if !ports.iter().any(|port| port["name"] == name) {
                    let known = ports.iter().map(|port| text(&port["name"])).collect();
                    let of = format!("container `{}`", container.name());
                    let fault = Fault::NoSuchPort { port: name.to_owned(), of, known };
                    let path = container.at(pods, &[probe, handler, "port"]);
                    faults.add(pods.member, &path, fault);
                }
            }
        }
    }
}

/// Reports endpoints of a monitor whose port, by its name, is in none of `names`.
fn check_endpoints(
    monitor: &Member,
    key: &'static str,
    names: &[&str],
    of: &str,
    faults: &mut Faults<'_, '_>,
) {
    let endpoints = monitor.manifest["spec"][key].as_array().into_iter().flatten().enumerate();
    for (position, endpoint) in endpoints {
        if let Some(port) = endpoint["port"].as_str()
            && !names.is_empty()
            && !names.contains(&port)
        {
            let known = names.iter().map(|name| (*name).to_owned()).collect();
            let fault = Fault::NoSuchPort { port: port.to_owned(), of: of.to_owned(), known };
            faults.add(monitor, &["spec", key, &position.to_string(), "port"], fault);
        }
    }
}

/// Returns a name or a number as a text.
pub(super) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
