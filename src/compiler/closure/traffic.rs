//! What one end of a connection allows, the other does too: a policy that lets pods call others
//! helps nobody if those do not let them in.

use serde_json::{Map, Value};

use super::{
    Fault, Faults, Pods, View,
    pods::{is_empty, selects},
    port::text,
};
use crate::member::Member;

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    let pods: Vec<_> =
        view.pods().filter(|pods| pods.member.namespace() == view.namespace).collect();
    let policies: Vec<_> = view
        .of_kind("networking.k8s.io", "NetworkPolicy")
        .filter(|policy| policy.namespace() == view.namespace)
        .collect();
    let network = Network { namespace: namespace_labels(view), pods, policies };
    for policy in &network.policies {
        network.check_policy(policy, faults);
    }
}

/// The pods of the release's namespace, and its policies.
struct Network<'a> {
    /// Labels of the namespace.
    namespace: Value,
    pods: Vec<Pods<'a>>,
    policies: Vec<&'a Member>,
}

/// Returns the labels that the namespace of the release has in the cluster.
fn namespace_labels(view: &View<'_>) -> Value {
    let namespace = view.find("", "Namespace", "", view.namespace);
    let labels = namespace.and_then(|namespace| namespace.labels().as_object());
    let mut labels = labels.cloned().unwrap_or_else(Map::new);
    labels.insert("kubernetes.io/metadata.name".to_owned(), view.namespace.into());
    Value::Object(labels)
}

impl<'a> Network<'a> {
    /// Returns the pods that a policy is about.
    fn subjects(&self, policy: &Member) -> impl Iterator<Item = &Pods<'a>> {
        let selector = &policy.manifest["spec"]["podSelector"];
        self.pods.iter().filter(move |pods| selects(selector, pods.labels()))
    }

    /// Reports what `policy` lets its pods call that does not let them in.
    fn check_policy(&self, policy: &Member, faults: &mut Faults<'_, '_>) {
        for (rule_position, rule) in list(&policy.manifest["spec"]["egress"]).iter().enumerate() {
            for (position, peer) in list(&rule["to"]).iter().enumerate() {
                // Whoever allows all pods means no one in particular.
                let is_certain = !is_empty(&peer["podSelector"]);
                if !is_certain || !self.is_here(peer) {
                    continue;
                }
                let targets = self.pods.iter();
                let targets = targets.filter(|pods| selects(&peer["podSelector"], pods.labels()));
                for target in targets {
                    let refused = self
                        .subjects(policy)
                        .find_map(|source| self.refused_port(source, target, rule));
                    if let Some(port) = refused {
                        let fault = Fault::OneSided { target: target.member.title(), port };
                        let (rule, peer) = (rule_position.to_string(), position.to_string());
                        faults.add(policy, &["spec", "egress", &rule, "to", &peer], fault);
                    }
                }
            }
        }
    }

    /// Returns whether a peer is in the release's namespace.
    fn is_here(&self, peer: &Value) -> bool {
        let namespaces = &peer["namespaceSelector"];
        namespaces.is_null() || selects(namespaces, &self.namespace)
    }

    /// Returns a port of `rule` that `target` has, but on which it does not let `source` in.
    fn refused_port(&self, source: &Pods<'_>, target: &Pods<'_>, rule: &Value) -> Option<String> {
        let has: Vec<_> = target.ports().collect();
        let ports = list(&rule["ports"]).iter().map(|port| &port["port"]);
        let ports: Vec<_> = ports.filter(|port| !port.is_null()).collect();
        let is_refused = |port: &&Value| !self.lets_in(source, target, port);
        if ports.is_empty() {
            // Whoever names no port may call all, and means at least one.
            let mut all = has.iter().map(|port| &port["containerPort"]);
            let first = all.clone().next()?;
            return all.all(|port| is_refused(&port)).then(|| text(first));
        }
        let is_there = |port: &&Value| has.is_empty() || has.iter().any(|one| is_port(one, port));
        ports.into_iter().filter(is_there).find(is_refused).map(text)
    }

    fn lets_in(&self, source: &Pods<'_>, target: &Pods<'_>, port: &Value) -> bool {
        self.policies.iter().any(|policy| {
            let spec = &policy.manifest["spec"];
            selects(&spec["podSelector"], target.labels())
                && list(&spec["ingress"]).iter().any(|rule| {
                    let peers = list(&rule["from"]);
                    let has_peer =
                        peers.is_empty() || peers.iter().any(|it| self.is_peer(it, source));
                    has_peer && has_port(target, list(&rule["ports"]), port)
                })
        })
    }

    fn is_peer(&self, peer: &Value, source: &Pods<'_>) -> bool {
        // Which addresses pods have, nobody knows.
        !peer["ipBlock"].is_null()
            || (self.is_here(peer) && selects(&peer["podSelector"], source.labels()))
    }
}

/// Returns whether `ports` of a rule have `port`; none stand for all.
fn has_port(target: &Pods<'_>, ports: &[Value], port: &Value) -> bool {
    let number = |port: &Value| match port.as_str() {
        Some(name) => {
            let mut ports = target.ports();
            ports.find(|port| port["name"] == name)?["containerPort"].as_i64()
        }
        None => port.as_i64(),
    };
    ports.is_empty()
        || ports.iter().any(|one| {
            let (first, wanted) = (number(&one["port"]), number(port));
            match (one["endPort"].as_i64(), first, wanted) {
                (Some(last), Some(first), Some(wanted)) => (first..=last).contains(&wanted),
                _ => {
                    one["port"].is_null()
                        || one["port"] == *port
                        || (first == wanted && first.is_some())
                }
            }
        })
}

/// Returns whether a port of a container is `port`, by number or name.
fn is_port(one: &Value, port: &Value) -> bool {
    one["containerPort"] == *port || one["name"] == *port
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
