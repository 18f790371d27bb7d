//! Resolves endpoints: where each is.

use super::{MeaningProblem, Resolver, offer::Offer, offer::Target};
use crate::{
    environment::{endpoint::Endpoint, network::Peer},
    model::Whereabouts,
    template::Scope,
};

impl Resolver<'_, '_> {
    /// Offers every endpoint to those that need it.
    pub(super) fn offer_endpoints(&mut self) {
        for (key, endpoint) in &self.environment.endpoints {
            let places = [
                !endpoint.pods.is_empty() || endpoint.namespace.is_some(),
                !endpoint.addresses.is_empty(),
                endpoint.internet,
            ];
            if places.into_iter().filter(|is_there| *is_there).count() != 1 {
                let problem = MeaningProblem::Whereabouts { name: key.clone() };
                self.report(&["endpoints", key], problem);
            }
            if endpoint.metrics.is_some() && endpoint.host.is_none() {
                let (what, needs) = ("`metrics`", "a `host`, to be found");
                let path = ["endpoints", key, "metrics"];
                self.report(&path, MeaningProblem::Incomplete { what, needs });
            }
            let scope = self.endpoint_scope(endpoint);
            let target = Target { whereabouts: whereabouts(endpoint), port: endpoint.port };
            let provides = &endpoint.provides;
            self.offer(key, Offer { table: "endpoints", targets: vec![target], provides, scope });
        }
    }

    fn endpoint_scope(&self, endpoint: &Endpoint) -> Scope {
        let scope = self.scope.clone().with("port", &endpoint.port);
        match &endpoint.host {
            Some(host) => scope.with("host", host),
            None => scope,
        }
    }
}

fn whereabouts(endpoint: &Endpoint) -> Whereabouts {
    if endpoint.internet {
        Whereabouts::Internet
    } else if endpoint.addresses.is_empty() {
        let (namespace, pods) = (endpoint.namespace.clone(), endpoint.pods.clone());
        Whereabouts::Pods(Peer { namespace, pods })
    } else {
        Whereabouts::Addresses(endpoint.addresses.clone())
    }
}
