//! Who else takes part in the network.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::text::{Cidr, DnsLabel, LabelKey, LabelValue};

/// Pods are named by their namespace and their labels.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Network {
    /// Who resolves names. The default is any pod of `kube-system`.
    pub(crate) dns: Peer,
    /// Addresses at which names are resolved, too. The default is those of `NodeLocal DNSCache` and
    /// of Cloud DNS on GKE, `169.254.20.10/32` and `169.254.169.254/32`: pods ask there where a node
    /// has one of them, and no selector of pods can name it.
    pub(crate) dns_addresses: Vec<Cidr>,
    /// Who lets requests from outside in: the pods of ingress-nginx, or of the gateway; required if
    /// there is an `[edge]`.
    pub(crate) ingress_controller: Option<Peer>,
    /// Who configures the pods of the gateway; required if those run in the namespace of the
    /// release, as they do with most controllers. Such pods have the label
    /// `gateway.networking.k8s.io/gateway-name`, with the name of the application.
    pub(crate) gateway_controller: Option<Peer>,
    /// Who else scrapes metrics. With a `[prometheus]` of the release's own, nobody does.
    pub(crate) prometheus: Option<Peer>,
    /// Address ranges that are not the internet. The default is the private, the shared and the
    /// link-local ranges, in which clouds have their metadata servers.
    pub(crate) private_ranges: Vec<Cidr>,
}

/// A set of pods.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Peer {
    /// Their namespace. The default is the release's own.
    pub(crate) namespace: Option<DnsLabel>,
    /// Their labels. The default is all pods of the namespace.
    #[schemars(extend("propertyNames" = {"format": "label-key"}))]
    pub(crate) pods: BTreeMap<LabelKey, LabelValue>,
}

impl Default for Network {
    fn default() -> Self {
        let namespace = DnsLabel::try_from("kube-system".to_owned()).ok();
        // RFC 1918, RFC 6598 and RFC 3927.
        let private =
            ["10.0.0.0/8", "100.64.0.0/10", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"];
        Self {
            dns: Peer { namespace, pods: BTreeMap::new() },
            dns_addresses: ranges(["169.254.20.10/32", "169.254.169.254/32"]),
            ingress_controller: None,
            gateway_controller: None,
            prometheus: None,
            private_ranges: ranges(private),
        }
    }
}

/// Makes ranges of constants.
fn ranges<const N: usize>(texts: [&str; N]) -> Vec<Cidr> {
    texts.into_iter().filter_map(|range| Cidr::try_from(range.to_owned()).ok()).collect()
}
