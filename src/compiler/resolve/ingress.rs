//! Checks how requests come in.

use std::collections::BTreeMap;

use super::{MeaningProblem, Resolver};
use crate::environment::ingress::{Ingress, TlsSource};

impl Resolver<'_, '_> {
    pub(super) fn check_ingress(&mut self) {
        self.check_routes();
        if let Some(ingress) = &self.environment.ingress {
            self.check_edge(ingress);
        }
    }

    fn check_routes(&mut self) {
        let mut routes = BTreeMap::new();
        for (key, service) in &self.environment.services {
            let Some(route) = &service.route else {
                continue;
            };
            let path = ["services", key, "route"];
            if self.environment.ingress.is_none() {
                let (what, needs) = ("`route`", "an `[ingress]`");
                self.report(&path, MeaningProblem::Incomplete { what, needs });
            }
            if let Some(first) = routes.insert(route, key) {
                let (what, value) = ("route", route.to_string());
                let (first, second) = (format!("services.{first}"), format!("services.{key}"));
                self.report(&path, MeaningProblem::Clash { what, value, first, second });
            }
        }
    }

    fn check_edge(&mut self, ingress: &Ingress) {
        if ingress.tls.source == TlsSource::CertManager && ingress.tls.issuer.is_none() {
            let (what, needs) = ("`source = \"cert-manager\"`", "`issuer`");
            self.report(&["ingress", "tls"], MeaningProblem::Incomplete { what, needs });
        }
        if ingress.tls.source == TlsSource::None && ingress.force_https {
            let (what, needs) = ("`force_https`", "a certificate, but `tls.source` is `none`");
            self.report(&["ingress", "force_https"], MeaningProblem::Incomplete { what, needs });
        }
        if self.environment.network.ingress_controller.is_none() {
            let (what, needs) = ("`[ingress]`", "`network.ingress_controller`, to let it in");
            self.report(&["ingress"], MeaningProblem::Incomplete { what, needs });
        }
    }
}
