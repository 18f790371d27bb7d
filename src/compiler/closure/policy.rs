//! The release denies every pod of its namespace all traffic; so each pod is selected by a network
//! policy that says what it may do, were it nothing.

use serde_json::Value;

use super::{
    Fault, Faults, Pods, View,
    pods::{has_all, is_empty, selects},
};
use crate::member::Member;

/// A direction of traffic.
#[derive(Clone, Copy)]
enum Direction {
    In,
    Out,
}

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for pods in view.pods().filter(|pods| pods.member.namespace() == view.namespace) {
        // A pod in the network of its node is out of reach for policies.
        if pods.spec()["hostNetwork"] == true {
            continue;
        }
        if !is_selected(view, &pods, Direction::Out) {
            faults.add(pods.member, &pods.at(&[]), Fault::NoEgress);
        }
        if answers(view, &pods) && !is_selected(view, &pods, Direction::In) {
            faults.add(pods.member, &pods.at(&[]), Fault::NoIngress);
        }
    }
    for policy in view.of_kind("networking.k8s.io", "NetworkPolicy") {
        check_https(policy, faults);
    }
}

/// Returns whether anybody is meant to call the pods.
fn answers(view: &View<'_>, pods: &Pods<'_>) -> bool {
    let mut services = view.of_kind("", "Service");
    pods.ports().next().is_some()
        || services.any(|service| {
            let selector = &service.manifest["spec"]["selector"];
            selector.as_object().is_some_and(|labels| !labels.is_empty())
                && service.namespace() == pods.member.namespace()
                && has_all(selector, pods.labels())
        })
}

/// Returns whether a policy says what the pods may do. One that selects all pods and allows nothing
/// says it of nobody in particular.
fn is_selected(view: &View<'_>, pods: &Pods<'_>, direction: Direction) -> bool {
    let mut policies = view.of_kind("networking.k8s.io", "NetworkPolicy");
    policies.any(|policy| {
        let spec = &policy.manifest["spec"];
        let (kind, rules) = match direction {
            Direction::In => ("Ingress", &spec["ingress"]),
            Direction::Out => ("Egress", &spec["egress"]),
        };
        let has_rules = rules.as_array().is_some_and(|rules| !rules.is_empty());
        let applies = match spec["policyTypes"].as_array() {
            Some(kinds) => kinds.iter().any(|found| found == kind),
            None => kind == "Ingress" || has_rules,
        };
        policy.namespace() == pods.member.namespace()
            && applies
            && (has_rules || !is_empty(&spec["podSelector"]))
            && selects(&spec["podSelector"], pods.labels())
    })
}

/// Reports rules that let HTTPS out to every pod: whoever writes that means the internet.
fn check_https(policy: &Member, faults: &mut Faults<'_, '_>) {
    let rules = policy.manifest["spec"]["egress"].as_array().into_iter().flatten().enumerate();
    for (position, rule) in rules {
        let is_https = |port: &Value| port["port"] == 443 || port["port"] == "https";
        let is_https = rule["ports"].as_array().is_some_and(|ports| ports.iter().any(is_https));
        let is_any_pod = |peer: &Value| {
            peer["ipBlock"].is_null()
                && is_empty(&peer["namespaceSelector"])
                && is_empty(&peer["podSelector"])
        };
        let peers = rule["to"].as_array().map(Vec::as_slice).unwrap_or_default();
        if is_https && !peers.is_empty() && peers.iter().all(is_any_pod) {
            let path = ["spec", "egress", &position.to_string(), "to"];
            faults.add(policy, &path, Fault::PodsOnly);
        }
    }
}
