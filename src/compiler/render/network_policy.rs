//! Network policies: everything is denied, then each component gets what `needs` declares.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::{
    api::networking::v1::{
        IPBlock, NetworkPolicy, NetworkPolicyEgressRule, NetworkPolicyIngressRule,
        NetworkPolicyPeer, NetworkPolicyPort, NetworkPolicySpec,
    },
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde_json::Value;

use super::object::{
    match_labels, metadata_of, non_empty, selector, shared_metadata, to_json, to_map,
};
use crate::{
    component::Component,
    environment::{
        DEFAULT_DENY, GATEWAY, SOLVER,
        network::{Network, Peer},
    },
    model::{Flow, Model, Whereabouts},
    text::Cidr,
};

/// Label that cert-manager gives to the pods of its HTTP-01 solver.
const SOLVER_LABEL: (&str, &str) = ("acme.cert-manager.io/http01-solver", "true");

/// Port on which those pods answer.
const SOLVER_PORT: u16 = 8089;

/// Denies every pod of the namespace everything, both ways.
pub(super) fn render_default_deny(model: &Model) -> Value {
    to_json(&NetworkPolicy {
        metadata: shared_metadata(model, &model.environment.policy_name(DEFAULT_DENY)),
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
    let controller = model.environment.network.ingress_controller.as_ref()?;
    has_solver(model).then(|| {
        to_json(&NetworkPolicy {
            metadata: shared_metadata(model, &model.environment.policy_name(SOLVER)),
            spec: Some(NetworkPolicySpec {
                pod_selector: Some(match_labels(to_map([SOLVER_LABEL]))),
                policy_types: Some(vec!["Ingress".to_owned()]),
                ingress: Some(vec![NetworkPolicyIngressRule {
                    from: Some(vec![peer(controller)]),
                    ports: Some(vec![tcp(SOLVER_PORT)]),
                }]),
                ..NetworkPolicySpec::default()
            }),
        })
    })
}

/// Tells whether such pods may come.
fn has_solver(model: &Model) -> bool {
    model.certificate_issuer.as_ref().is_some_and(|issuer| issuer.may_ask_for_proof)
}

/// Lets the pods of a gateway that run in this namespace do their work: everybody may come to
/// them, and they may go to what has a route and to what configures them.
pub(super) fn render_gateway(model: &Model) -> Option<Value> {
    let network = &model.environment.network;
    let gateway = model.environment.own_gateway()?;
    let solver = NetworkPolicyEgressRule {
        to: Some(vec![NetworkPolicyPeer {
            pod_selector: Some(match_labels(to_map([SOLVER_LABEL]))),
            ..NetworkPolicyPeer::default()
        }]),
        ports: Some(vec![tcp(SOLVER_PORT)]),
    };
    let mut egress = outgoing(model, |from| *from == Whereabouts::Pods(gateway.clone()));
    egress.extend(has_solver(model).then_some(solver));
    egress.extend(network.gateway_controller.as_ref().map(|controller| NetworkPolicyEgressRule {
        to: Some(vec![peer(controller)]),
        ports: None,
    }));
    Some(to_json(&NetworkPolicy {
        metadata: shared_metadata(model, &model.environment.policy_name(GATEWAY)),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(match_labels(to_map(&gateway.pods))),
            policy_types: Some(both_ways()),
            ingress: Some(vec![NetworkPolicyIngressRule::default()]),
            egress: Some(egress),
        }),
    }))
}

pub(super) fn render(model: &Model, component: &Component) -> Value {
    to_json(&NetworkPolicy {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(NetworkPolicySpec {
            pod_selector: Some(selector(model, &component.name)),
            policy_types: Some(both_ways()),
            ingress: non_empty(incoming(model, component)),
            egress: Some(outgoing(model, |from| is_component(from, component))),
        }),
    })
}

fn both_ways() -> Vec<String> {
    vec!["Ingress".to_owned(), "Egress".to_owned()]
}

fn is_component(whereabouts: &Whereabouts, component: &Component) -> bool {
    matches!(whereabouts, Whereabouts::Component(name) if *name == component.name)
}

/// A port and its protocol.
type Port = (u16, &'static str);

/// Returns all traffic that is allowed, each with its protocol.
fn flows<'a>(model: &'a Model) -> impl Iterator<Item = (&'static str, &'a Flow)> {
    let tcp = model.flows.iter().map(|flow| ("TCP", flow));
    tcp.chain(model.datagrams.iter().map(|flow| ("UDP", flow)))
}

/// Returns for each port of `component` who may call it.
fn incoming(model: &Model, component: &Component) -> Vec<NetworkPolicyIngressRule> {
    let mut callers: BTreeMap<Port, BTreeSet<&Whereabouts>> = BTreeMap::new();
    for (protocol, flow) in flows(model).filter(|(_, flow)| is_component(&flow.to, component)) {
        callers.entry((flow.port, protocol)).or_default().insert(&flow.from);
    }
    let rule =
        |((number, protocol), callers): (Port, BTreeSet<&Whereabouts>)| NetworkPolicyIngressRule {
            from: Some(callers.into_iter().flat_map(|caller| peers(model, caller)).collect()),
            ports: Some(vec![port(protocol, number)]),
        };
    callers.into_iter().map(rule).collect()
}

/// Returns what those that `is_caller` means may call, on which ports; names are resolved by
/// everyone.
fn outgoing(
    model: &Model,
    is_caller: impl Fn(&Whereabouts) -> bool,
) -> Vec<NetworkPolicyEgressRule> {
    let mut called: BTreeMap<&Whereabouts, BTreeSet<Port>> = BTreeMap::new();
    for (protocol, flow) in flows(model).filter(|(_, flow)| is_caller(&flow.from)) {
        called.entry(&flow.to).or_default().insert((flow.port, protocol));
    }
    let rule = |(called, ports): (&Whereabouts, BTreeSet<Port>)| NetworkPolicyEgressRule {
        to: Some(peers(model, called)),
        ports: Some(ports.into_iter().map(|(number, protocol)| port(protocol, number)).collect()),
    };
    [dns(&model.environment.network)].into_iter().chain(called.into_iter().map(rule)).collect()
}

fn peers(model: &Model, whereabouts: &Whereabouts) -> Vec<NetworkPolicyPeer> {
    match whereabouts {
        Whereabouts::Component(name) => vec![NetworkPolicyPeer {
            pod_selector: Some(selector(model, name)),
            ..NetworkPolicyPeer::default()
        }],
        Whereabouts::Pods(pods) => vec![peer(pods)],
        Whereabouts::Addresses(ranges) => {
            ranges.iter().map(|range| addresses(range.as_ref(), Vec::new())).collect()
        }
        Whereabouts::Internet => vec![internet(&model.environment.network.private_ranges)],
    }
}

fn dns(network: &Network) -> NetworkPolicyEgressRule {
    let nodes = network.dns_addresses.iter();
    let nodes = nodes.map(|range| addresses(range.as_ref(), Vec::new()));
    NetworkPolicyEgressRule {
        to: Some([peer(&network.dns)].into_iter().chain(nodes).collect()),
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
