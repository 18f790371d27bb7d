//! Network policies: everything is denied, then each component gets what `needs` declares.

use k8s_openapi::{
    api::networking::v1::{
        IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule,
        NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde_json::Value;

use super::{
    object::{match_labels, metadata_of, non_empty, selector, shared_metadata, to_json, to_map},
    service::metrics_port,
};
use crate::{
    environment::{ingress::TlsSource, network::Peer},
    model::{Component, Model, Target, Whereabouts},
    text::Cidr,
};

/// Label that cert-manager gives to the pods of its HTTP-01 solver.
const SOLVER_LABEL: (&str, &str) = ("acme.cert-manager.io/http01-solver", "true");

/// Port on which those pods answer.
const SOLVER_PORT: u16 = 8089;

/// Denies every pod of the namespace everything, both ways.
pub(super) fn render_default_deny(model: &Model) -> Value {
    to_json(&NetworkPolicy {
        metadata: shared_metadata(model, &format!("{}-default-deny", model.app())),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(match_labels(to_map::<&str, &str>([]))),
            policy_types: Some(both_ways()),
            ..NetworkPolicySpec::default()
        }),
    })
}

/// Lets the ingress controller in to the pods by which cert-manager proves that the host is ours
/// (ACME, HTTP-01): they run in this namespace for a moment, and would be denied too.
pub(super) fn render_solver(model: &Model) -> Option<Value> {
    let ingress = model.environment.ingress.as_ref()?;
    let controller = model.environment.network.ingress_controller.as_ref()?;
    if ingress.tls.source != TlsSource::CertManager {
        return None;
    }
    Some(to_json(&NetworkPolicy {
        metadata: shared_metadata(model, &format!("{}-acme-solver", model.app())),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(match_labels(to_map([SOLVER_LABEL]))),
            policy_types: Some(vec!["Ingress".to_owned()]),
            ingress: Some(vec![NetworkPolicyIngressRule {
                from: Some(vec![peer(controller)]),
                ports: Some(vec![tcp(SOLVER_PORT)]),
            }]),
            ..NetworkPolicySpec::default()
        }),
    }))
}

pub(super) fn render(model: &Model, component: &Component) -> Value {
    let targets = component.targets.iter().map(|target| outgoing(model, target));
    let egress = [dns(&model.environment.network.dns)].into_iter().chain(targets).collect();
    to_json(&NetworkPolicy {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(model, &component.name)),
            policy_types: Some(both_ways()),
            ingress: non_empty(incoming(model, component)),
            egress: Some(egress),
        }),
    })
}

fn both_ways() -> Vec<String> {
    vec!["Ingress".to_owned(), "Egress".to_owned()]
}

/// Lets in callers and, if there is a route, the ingress controller; and Prometheus to the metrics.
fn incoming(model: &Model, component: &Component) -> Vec<NetworkPolicyIngressRule> {
    let network = &model.environment.network;
    let callers = component.callers.iter().map(|caller| component_peer(model, caller));
    let controller =
        network.ingress_controller.iter().filter(|_| component.service.route.is_some());
    let clients: Vec<_> = callers.chain(controller.map(peer)).collect();
    let rule = |from: Vec<_>, port: u16| NetworkPolicyIngressRule {
        from: Some(from),
        ports: Some(vec![tcp(port)]),
    };
    let clients = (!clients.is_empty()).then(|| rule(clients, component.service.port));
    let scraper = network.prometheus.as_ref().zip(metrics_port(component));
    clients.into_iter().chain(scraper.map(|(who, port)| rule(vec![peer(who)], port))).collect()
}

fn outgoing(model: &Model, target: &Target) -> NetworkPolicyEgressRule {
    let to = match &target.whereabouts {
        Whereabouts::Component(name) => vec![component_peer(model, name)],
        Whereabouts::Pods(pods) => vec![peer(pods)],
        Whereabouts::Addresses(ranges) => {
            ranges.iter().map(|range| addresses(range.as_ref(), Vec::new())).collect()
        }
        Whereabouts::Internet => vec![internet(&model.environment.network.private_ranges)],
    };
    NetworkPolicyEgressRule { to: Some(to), ports: Some(vec![tcp(target.port)]) }
}

fn dns(resolver: &Peer) -> NetworkPolicyEgressRule {
    NetworkPolicyEgressRule {
        to: Some(vec![peer(resolver)]),
        ports: Some(vec![port("UDP", 53), port("TCP", 53)]),
    }
}

/// Any address but the private ones: those are pods, nodes and metadata servers of the cloud.
fn internet(private: &[Cidr]) -> NetworkPolicyPeer {
    let ipv4 = private.iter().filter(|range| !range.as_ref().contains(':'));
    addresses("0.0.0.0/0", ipv4.map(ToString::to_string).collect())
}

fn addresses(cidr: &str, except: Vec<String>) -> NetworkPolicyPeer {
    let ip_block = Some(IPBlock { cidr: cidr.to_owned(), except: non_empty(except) });
    NetworkPolicyPeer { ip_block, ..NetworkPolicyPeer::default() }
}

fn component_peer(model: &Model, name: &str) -> NetworkPolicyPeer {
    let pod_selector = Some(selector(model, name));
    NetworkPolicyPeer { pod_selector, ..NetworkPolicyPeer::default() }
}

fn peer(peer: &Peer) -> NetworkPolicyPeer {
    let namespace_selector = peer
        .namespace
        .as_ref()
        .map(|namespace| match_labels(to_map([("kubernetes.io/metadata.name", namespace)])));
    // A namespace without labels means all its pods; without a namespace, those of our own.
    let labels = to_map(&peer.pods);
    let pod_selector =
        (!labels.is_empty() || namespace_selector.is_none()).then(|| match_labels(labels));
    NetworkPolicyPeer { namespace_selector, pod_selector, ip_block: None }
}

fn tcp(number: u16) -> NetworkPolicyPort {
    port("TCP", number)
}

fn port(protocol: &str, number: u16) -> NetworkPolicyPort {
    NetworkPolicyPort {
        protocol: Some(protocol.to_owned()),
        port: Some(IntOrString::Int(number.into())),
        end_port: None,
    }
}
