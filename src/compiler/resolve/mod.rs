//! Resolves an environment: expands templates, follows references, collects what each service gets.
//!
//! Everything that makes no sense is reported here, all of it at once; what comes out is a
//! [`Model`], which is rendered without a possible failure.

mod alertmanager;
mod annotation;
mod capacity;
mod edge;
mod edge_problem;
mod endpoint;
mod grafana;
mod image;
mod issuer;
mod jaeger;
mod label;
mod monitoring;
mod nats;
mod offer;
mod postgresql;
mod problem;
mod program;
mod prometheus;
mod redis;
mod secret;
mod secret_problem;
mod secret_store;
mod service;
mod variables;

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{Image, applyset_id};

use self::offer::Offer;
pub use self::{
    edge_problem::EdgeProblem, nats::NatsProblem, postgresql::PostgresqlProblem,
    problem::MeaningProblem, redis::RedisProblem, secret_problem::SecretProblem,
};
use crate::{
    component::{Component, Variable},
    environment::{Environment, monitoring::Scraper, network::Peer, program::SecretKey},
    finding::Findings,
    image::ImageReference,
    layers::Stack,
    model::{Flow, Model, ResolvedSecret, Whereabouts},
    monitoring::rule::Group,
    problem::Problem,
    template::{Scope, Template},
};

/// An environment on its way to a [`Model`].
struct Resolver<'a, 'f> {
    stack: &'a Stack,
    environment: &'a Environment,
    findings: &'f mut Findings,
    /// Every image by what the environment says.
    pins: BTreeMap<ImageReference, Image>,
    /// Placeholders that have a value everywhere.
    scope: Scope,
    /// Names that are taken, with the path of what has each.
    names: BTreeMap<String, String>,
    /// Names of Secrets that the release makes, with the path of what makes each.
    secret_names: BTreeMap<String, String>,
    /// Secrets that the site provides, with the keys that they must have.
    required_secrets: BTreeMap<String, BTreeSet<String>>,
    secrets: BTreeMap<String, ResolvedSecret>,
    /// What can be needed.
    offers: BTreeMap<String, Offer<'a>>,
    components: Vec<Component>,
    flows: Vec<Flow>,
    datagrams: Vec<Flow>,
    /// Rules for an operator's Prometheus.
    rules: Vec<Group>,
}

/// Resolves `environment`, which was read from `stack`, with the pins of its lockfile.
///
/// What makes no sense is added to `findings`; then the model is not worth rendering.
pub(crate) fn resolve<'a>(
    stack: &'a Stack,
    environment: &'a Environment,
    pins: BTreeMap<ImageReference, Image>,
    findings: &mut Findings,
) -> Model<'a> {
    let mut resolver = Resolver {
        stack,
        environment,
        findings,
        pins,
        scope: global_scope(&stack.name, environment),
        names: BTreeMap::new(),
        secret_names: BTreeMap::new(),
        required_secrets: BTreeMap::new(),
        secrets: BTreeMap::new(),
        offers: BTreeMap::new(),
        components: Vec::new(),
        flows: Vec::new(),
        datagrams: Vec::new(),
        rules: Vec::new(),
    };
    resolver.secrets();
    resolver.offer_services();
    resolver.offer_endpoints();
    resolver.offer_postgresql();
    resolver.offer_nats();
    resolver.offer_redis();
    resolver.offer_tracing();
    let issuers = resolver.issuers();
    resolver.check_edge();
    resolver.services();
    resolver.postgresql();
    resolver.nats();
    resolver.redis();
    resolver.monitoring();
    resolver.outside_flows();
    resolver.check_labels();
    let certificate_issuer = resolver.certificate_issuer();
    resolver.take_policy_names(certificate_issuer.as_ref());
    let release = &environment.release;
    Model {
        environment_name: &stack.name,
        environment,
        applyset: applyset_id(release.app.as_ref(), release.namespace.as_ref()),
        settings: resolver.settings(),
        secret_access: resolver.secret_access(),
        certificate_issuer,
        issuers,
        notes: resolver.notes(),
        names: resolver.names,
        required_secrets: resolver.required_secrets,
        components: resolver.components,
        flows: resolver.flows,
        datagrams: resolver.datagrams,
        rules: resolver.rules,
        secrets: resolver.secrets.into_values().collect(),
        images: resolver.pins.into_values().collect(),
    }
}

fn global_scope(name: &str, environment: &Environment) -> Scope {
    let release = &environment.release;
    let scope = Scope::default()
        .with("environment", &name)
        .with("app", &release.app)
        .with("namespace", &release.namespace)
        .with("version", &release.version);
    match &environment.edge {
        Some(edge) => scope.with("public_host", &edge.host).with("public_url", &edge.url()),
        None => scope,
    }
}

impl Resolver<'_, '_> {
    /// Reports a problem of the value at `path`.
    fn report(&mut self, path: &[&str], problem: impl Into<Problem>) {
        self.findings.add(self.stack.tree.place_of(path), problem);
    }

    /// Expands the template at `path`; the text is empty if that fails.
    fn expand(&mut self, template: &Template, scope: &Scope, path: &[&str]) -> String {
        template.expand(scope).unwrap_or_else(|name| {
            self.report(path, MeaningProblem::UnknownPlaceholder { name, known: scope.names() });
            String::new()
        })
    }

    fn settings(&mut self) -> BTreeMap<String, String> {
        let scope = self.scope.clone();
        let settings = &self.environment.settings;
        settings
            .iter()
            .map(|(key, value)| {
                let value = self.expand(value, &scope, &["settings", key.as_ref()]);
                (key.to_string(), self.pinned(value))
            })
            .collect()
    }

    fn notes(&mut self) -> Vec<String> {
        let scope = self.scope.clone();
        let notes = self.environment.release.notes.iter().enumerate();
        let notes = notes.map(|(position, note)| {
            self.expand(note, &scope, &["release", "notes", &position.to_string()])
        });
        let mut notes: Vec<_> = notes.collect();
        notes.extend(self.nobody_is_told());
        notes
    }

    /// Returns the value that `key`, which stands at `path`, names. An unknown one is reported.
    fn secret_value(&mut self, path: &[&str], key: &SecretKey) -> Variable {
        let SecretKey { secret, key } = key;
        let Some(resolved) = self.secrets.get(secret) else {
            let known = self.secrets.keys().cloned().collect();
            let problem = MeaningProblem::Unknown { what: "secret", name: secret.clone(), known };
            self.report(&[path, &["secret"]].concat(), problem);
            return Variable::Text(String::new());
        };
        let (name, key) = (resolved.name.clone(), key.to_string());
        if !resolved.values.contains_key(&key) {
            let known = resolved.values.keys().cloned().collect();
            let problem = MeaningProblem::Unknown { what: "key", name: key.clone(), known };
            self.report(&[path, &["key"]].concat(), problem);
        }
        Variable::Secret { name, key }
    }

    /// Returns the priority class of what keeps data: it is the last to be evicted. The name has
    /// the namespace, because such classes belong to the whole cluster.
    fn data_priority(&self) -> String {
        format!("{}-data", self.environment.release.namespace)
    }

    /// Takes `name` for objects of what stands at `owner`. A name that is none, as `path` says
    /// it, or that is taken, is reported.
    fn take_name(&mut self, name: &str, owner: &[&str], path: &[&str]) {
        if !a4co_bundle::is_dns_label(name) {
            self.report(path, MeaningProblem::NotADnsLabel { name: name.to_owned() });
        }
        let second = owner.join(".");
        if let Some(first) = self.names.insert(name.to_owned(), second.clone()) {
            let (what, value) = ("name", name.to_owned());
            self.report(owner, MeaningProblem::Clash { what, value, first, second });
        }
    }

    /// Takes `name` for a Secret that what stands at `owner` makes. A name that is taken is
    /// reported.
    fn take_secret_name(&mut self, name: &str, owner: &[&str]) {
        let second = owner.join(".");
        if let Some(first) = self.secret_names.insert(name.to_owned(), second.clone()) {
            let (what, value) = ("Secret", name.to_owned());
            self.report(owner, MeaningProblem::Clash { what, value, first, second });
        }
    }

    /// Asks the site for a Secret with these keys.
    fn require_secret<K: Into<String>>(&mut self, name: &str, keys: impl IntoIterator<Item = K>) {
        let required = self.required_secrets.entry(name.to_owned()).or_default();
        required.extend(keys.into_iter().map(Into::into));
    }

    /// Lets in who stands outside of the release: the ingress controller to what has a route, and
    /// a Prometheus of others to what tells metrics, unless the release has its own.
    fn outside_flows(&mut self) {
        let network = &self.environment.network;
        let is_watched_outside = self.scraper() == Scraper::Operator;
        for component in &self.components {
            let to = Whereabouts::Component(component.name.clone());
            let mut let_in = |peer: &Option<Peer>, port: Option<u16>| {
                let from = peer.clone().map(Whereabouts::Pods);
                let flow = from.zip(port).map(|(from, port)| Flow { from, to: to.clone(), port });
                self.flows.extend(flow);
            };
            let first_port = component.pod.containers.first().and_then(|c| c.ports.first());
            let routed = first_port.filter(|_| component.route.is_some()).map(|(_, port)| *port);
            let_in(&network.ingress_controller, routed);
            let metrics = component.metrics.as_ref().filter(|_| is_watched_outside);
            let_in(&network.prometheus, metrics.map(|metrics| metrics.port));
        }
    }
}
