//! Resolves endpoints: where each is.

use super::{MeaningProblem, Resolver};
use crate::{
    environment::{endpoint::Endpoint, network::Peer},
    model::{Target, Whereabouts},
    template::Scope,
};

impl Resolver<'_, '_> {
    /// Returns the placeholders of what `endpoint` provides.
    pub(super) fn endpoint_scope(&self, endpoint: &Endpoint) -> Scope {
        let scope = self.scope.clone().with("port", &endpoint.port);
        match &endpoint.host {
            Some(host) => scope.with("host", host),
            None => scope,
        }
    }

    pub(super) fn check_endpoints(&mut self) {
        for (name, endpoint) in &self.environment.endpoints {
            let places = [
                !endpoint.pods.is_empty() || endpoint.namespace.is_some(),
                !endpoint.addresses.is_empty(),
                endpoint.internet,
            ];
            if places.into_iter().filter(|is_there| *is_there).count() != 1 {
                let problem = MeaningProblem::Whereabouts { name: name.clone() };
                self.report(&["endpoints", name], problem);
            }
        }
    }

    pub(super) fn endpoint_target(&self, name: &str) -> Option<Target> {
        let endpoint = self.environment.endpoints.get(name)?;
        let whereabouts = if endpoint.internet {
            Whereabouts::Internet
        } else if endpoint.addresses.is_empty() {
            let (namespace, pods) = (endpoint.namespace.clone(), endpoint.pods.clone());
            Whereabouts::Pods(Peer { namespace, pods })
        } else {
            Whereabouts::Addresses(endpoint.addresses.clone())
        };
        Some(Target { whereabouts, port: endpoint.port })
    }
}
