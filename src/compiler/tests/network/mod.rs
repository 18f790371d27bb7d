//! What network policies mean, worked out from rendered objects alone: an evaluator that knows
//! Kubernetes' rules and nothing of the compiler.
//!
//! Rules (<https://kubernetes.io/docs/concepts/services-networking/network-policies/>): a pod that no
//! policy selects for a direction is open in that direction; otherwise a connection needs one rule
//! of one policy that allows it; and both ends must allow it.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde_json::Value;

/// Labels of a pod or of a namespace.
pub(crate) type Labels = BTreeMap<String, String>;

/// One end of a connection.
#[derive(Clone, Debug)]
pub(crate) struct End {
    /// Name, for messages and expectations.
    pub(crate) name: String,
    pub(crate) place: Place,
}

#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A pod with its namespace and its labels.
    Pod { namespace: String, labels: Labels },
    /// An address that is no pod's.
    Address(Ipv4Addr),
}

/// The policies of one release.
pub(crate) struct Policies {
    namespace: String,
    policies: Vec<Value>,
}

impl Policies {
    pub(crate) fn of(objects: &[Value], namespace: &str) -> Self {
        let policies = objects.iter().filter(|object| object["kind"] == "NetworkPolicy");
        Self { namespace: namespace.to_owned(), policies: policies.cloned().collect() }
    }

    /// Returns whether `from` may open a connection to `port` of `to`.
    pub(crate) fn allow(&self, from: &End, to: &End, port: u16, protocol: &str) -> bool {
        self.direction(from, to, "Egress", port, protocol)
            && self.direction(to, from, "Ingress", port, protocol)
    }

    /// Returns whether `own` may talk with `other` in one direction, seen from `own`.
    fn direction(&self, own: &End, other: &End, way: &str, port: u16, protocol: &str) -> bool {
        let Place::Pod { namespace, labels } = &own.place else {
            return true;
        };
        // Policies of other namespaces are not ours to know.
        if *namespace != self.namespace {
            return true;
        }
        let (rules, peers) = if way == "Egress" { ("egress", "to") } else { ("ingress", "from") };
        let selecting: Vec<_> = self
            .policies
            .iter()
            .map(|policy| &policy["spec"])
            .filter(|spec| list(&spec["policyTypes"]).iter().any(|found| *found == way))
            .filter(|spec| selects(&spec["podSelector"], labels))
            .collect();
        selecting.is_empty()
            || selecting.iter().flat_map(|spec| list(&spec[rules])).any(|rule| {
                (rule[peers].is_null()
                    || list(&rule[peers]).iter().any(|peer| self.is_peer(peer, other)))
                    && (rule["ports"].is_null()
                        || list(&rule["ports"]).iter().any(|one| is_port(one, port, protocol)))
            })
    }

    fn is_peer(&self, peer: &Value, end: &End) -> bool {
        match &end.place {
            Place::Address(address) => {
                let block = &peer["ipBlock"];
                let is_in = |range: &Value| range.as_str().is_some_and(|r| contains(r, *address));
                is_in(&block["cidr"]) && !list(&block["except"]).iter().any(is_in)
            }
            Place::Pod { namespace, labels } => {
                let (namespaces, pods) = (&peer["namespaceSelector"], &peer["podSelector"]);
                if namespaces.is_null() && pods.is_null() {
                    return false;
                }
                let own_name =
                    Labels::from([("kubernetes.io/metadata.name".to_owned(), namespace.clone())]);
                let namespace_fits = if namespaces.is_null() {
                    *namespace == self.namespace
                } else {
                    selects(namespaces, &own_name)
                };
                namespace_fits && (pods.is_null() || selects(pods, labels))
            }
        }
    }
}

fn list(value: &Value) -> Vec<Value> {
    value.as_array().cloned().unwrap_or_default()
}

/// An empty selector selects everything.
fn selects(selector: &Value, labels: &Labels) -> bool {
    assert!(selector["matchExpressions"].is_null(), "not needed so far: {selector}");
    let wanted = selector["matchLabels"].as_object().cloned().unwrap_or_default();
    wanted.iter().all(|(key, value)| labels.get(key).map(String::as_str) == value.as_str())
}

fn is_port(found: &Value, port: u16, protocol: &str) -> bool {
    assert!(found["endPort"].is_null() && !found["port"].is_string(), "not needed so far: {found}");
    found["protocol"].as_str().unwrap_or("TCP") == protocol
        && (found["port"].is_null() || found["port"] == port)
}

fn contains(range: &str, address: Ipv4Addr) -> bool {
    let Some((start, bits)) = range.split_once('/') else { return false };
    let (Ok(start), Ok(bits)) = (start.parse::<Ipv4Addr>(), bits.parse::<u32>()) else {
        return false;
    };
    let mask = u32::MAX.checked_shl(32 - bits).unwrap_or(0);
    u32::from(start) & mask == u32::from(address) & mask
}
