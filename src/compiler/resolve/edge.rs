//! Checks how requests come in: whether the controller can do all that is asked of it.

use std::collections::{BTreeMap, BTreeSet};

use super::{EdgeProblem, MeaningProblem, Resolver};
use crate::{
    environment::{
        DEFAULT_DENY, GATEWAY, SOLVER,
        edge::{Cors, Edge, EdgeController},
        probe::Metrics,
        service::Service,
        tls::TlsSource,
    },
    model::CertificateIssuer,
    text::HttpPath,
};

impl Resolver<'_, '_> {
    pub(super) fn check_edge(&mut self) {
        self.check_routes();
        let Some(edge) = &self.environment.edge else {
            return;
        };
        self.check_tls(edge);
        if let Some(cors) = &edge.cors {
            self.check_cors(cors);
        }
        self.check_annotations(edge);
        if edge.controller == EdgeController::GatewayApi {
            self.check_gateway(edge);
        }
        self.check_controller(edge);
    }

    /// Takes the names of the network policies that are about no component.
    pub(super) fn take_policy_names(&mut self, issuer: Option<&CertificateIssuer>) {
        let environment = self.environment;
        let take =
            |policy, owner: &'static [&'static str]| (environment.policy_name(policy), owner);
        let is_proven = issuer.is_some_and(|issuer| issuer.may_ask_for_proof);
        let has_solver = is_proven && environment.network.ingress_controller.is_some();
        let policies = [
            Some(take(DEFAULT_DENY, &["release", "app"])),
            has_solver.then(|| take(SOLVER, &["edge", "tls", "issuer"])),
            environment.own_gateway().map(|_| take(GATEWAY, &["network", "ingress_controller"])),
        ];
        for (name, owner) in policies.into_iter().flatten() {
            self.take_name(&name, owner, owner);
        }
    }

    fn check_routes(&mut self) {
        let mut routes = BTreeMap::new();
        for (key, service) in &self.environment.services {
            let Some(route) = &service.route else {
                continue;
            };
            let path = ["services", key, "route"];
            if let Some(edge) = &self.environment.edge {
                self.check_route(edge, key, service, route);
            } else {
                let (what, needs) = ("`route`", "an `[edge]`");
                self.report(&path, MeaningProblem::Incomplete { what, needs });
            }
            if let Some(first) = routes.insert(route, key) {
                let (what, value) = ("route", route.to_string());
                let (first, second) = (format!("services.{first}"), format!("services.{key}"));
                self.report(&path, MeaningProblem::Clash { what, value, first, second });
            }
        }
    }

    fn check_route(&mut self, edge: &Edge, key: &str, service: &Service, route: &HttpPath) {
        // With `strip_route` the path is a regular expression, in which anything may stand.
        let is_prefix = edge.controller == EdgeController::IngressNginx && !edge.strip_route;
        if is_prefix && route.as_ref().contains(['.', '~']) {
            let route = route.to_string();
            self.report(&["services", key, "route"], EdgeProblem::RouteOfNginx { route });
        }
        if let Some(metrics) = &service.metrics
            && let Some(path) = public_path(edge, route, service.port, metrics)
        {
            let path = format!("{}{path}", edge.host);
            self.report(&["services", key, "metrics"], EdgeProblem::PublicMetrics { path });
        }
    }

    fn check_tls(&mut self, edge: &Edge) {
        if edge.tls.source == TlsSource::CertManager && edge.tls.issuer.is_none() {
            let (what, needs) = ("`source = \"cert-manager\"`", "`issuer`");
            self.report(&["edge", "tls"], MeaningProblem::Incomplete { what, needs });
        }
        let certificate = self.environment.certificate_secret();
        match edge.tls.source {
            TlsSource::CertManager => self.take_secret_name(&certificate, &["edge", "tls"]),
            TlsSource::Existing => self.require_secret(&certificate, ["tls.crt", "tls.key"]),
            TlsSource::None => {}
        }
        if edge.tls.source == TlsSource::None && edge.force_https {
            let (what, needs) = ("`force_https`", "a certificate, but `tls.source` is `none`");
            self.report(&["edge", "force_https"], MeaningProblem::Incomplete { what, needs });
        }
    }

    fn check_cors(&mut self, cors: &Cors) {
        let headers = |headers: &[_]| headers.iter().map(ToString::to_string).collect();
        let lists: [(&str, Vec<String>, bool); 4] = [
            ("origins", cors.origins.iter().map(ToString::to_string).collect(), true),
            ("methods", cors.methods.iter().map(|it| it.as_str().to_owned()).collect(), true),
            ("headers", headers(&cors.headers), true),
            ("expose_headers", headers(&cors.expose_headers), false),
        ];
        for (list, items, is_required) in lists {
            let path = ["edge", "cors", list];
            if items.is_empty() && is_required {
                self.report(&path, EdgeProblem::Empty { list });
            }
            let mut seen = BTreeSet::new();
            for (position, item) in items.iter().enumerate() {
                if !seen.insert(item) {
                    let position = position.to_string();
                    let problem = MeaningProblem::Twice { name: item.clone() };
                    self.report(&["edge", "cors", list, &position], problem);
                }
            }
        }
        if cors.origins.iter().any(|origin| origin.as_ref() == "*") {
            if cors.origins.len() > 1 {
                self.report(&["edge", "cors", "origins"], EdgeProblem::OriginsBesideAny);
            }
            if cors.credentials {
                self.report(&["edge", "cors", "credentials"], EdgeProblem::AnyoneWithCredentials);
            }
        }
    }

    /// Reports what a Gateway and its routes cannot express.
    fn check_gateway(&mut self, edge: &Edge) {
        for (is_there, key) in [
            (edge.rate_limit.is_some(), "rate_limit"),
            (edge.max_body.is_some(), "max_body"),
            (edge.firewall, "firewall"),
        ] {
            if is_there {
                self.report(&["edge", key], EdgeProblem::NotInGatewayApi { key });
            }
        }
        if edge.force_https {
            let name = self.environment.redirect_name();
            self.take_name(&name, &["edge", "force_https"], &["edge", "force_https"]);
        }
    }

    /// Reports what is not known of the pods that let requests in.
    fn check_controller(&mut self, edge: &Edge) {
        let network = &self.environment.network;
        let Some(controller) = &network.ingress_controller else {
            let (what, needs) = ("`[edge]`", "`network.ingress_controller`, to let it in");
            self.report(&["edge"], MeaningProblem::Incomplete { what, needs });
            return;
        };
        if edge.controller != EdgeController::GatewayApi || !self.environment.is_own(controller) {
            return;
        }
        let path = ["network", "ingress_controller"];
        let what = "`ingress_controller` in the namespace of the release";
        if controller.pods.is_empty() {
            let needs = "`pods`, or every pod could come in";
            self.report(&path, MeaningProblem::Incomplete { what, needs });
        }
        if network.gateway_controller.is_none() {
            let needs = "`network.gateway_controller`, which configures its pods";
            self.report(&path, MeaningProblem::Incomplete { what, needs });
        }
    }
}

/// Returns the path under which the edge leads to metrics that are not for everyone, if it does.
fn public_path(edge: &Edge, route: &HttpPath, port: u16, metrics: &Metrics) -> Option<String> {
    if metrics.public || metrics.port.is_some_and(|own| own != port) {
        return None;
    }
    let (prefix, path) = (route.as_ref().trim_end_matches('/'), metrics.path.as_ref());
    if edge.strip_route {
        return Some(format!("{prefix}{path}"));
    }
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then(|| path.to_owned())
}
