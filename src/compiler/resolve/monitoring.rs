//! Who watches: resolved after everything that is watched.

use std::collections::BTreeMap;

use super::{
    MeaningProblem, Resolver,
    program::{service, web_port},
};
use crate::{
    component::{Component, Resolution, Service, pods_name},
    environment::{
        monitoring::{Monitoring, Scraper},
        tls::TlsSource,
    },
    model::Flow,
    monitoring::{ALERTMANAGER, PROMETHEUS, Watched, alerts},
};

/// Longest time between two scrapes, in seconds: rules look back five minutes, and must find a few
/// samples there even if some are missing.
const LONGEST_INTERVAL: u64 = 60;

/// What lets an operator's Prometheus in.
const WATCHER: &str = "`network.prometheus`, whose pods are let in to scrape";

impl Resolver<'_, '_> {
    /// Resolves what watches the components that there are.
    pub(super) fn monitoring(&mut self) {
        self.check_monitoring();
        self.jaeger();
        self.alertmanager();
        self.grafana();
        self.prometheus();
        if let Some(watched) = self.watched() {
            let groups = alerts::groups(&watched);
            self.fill_grafana();
            match self.scraper() {
                Scraper::Release => self.fill_prometheus(&groups),
                Scraper::Operator => self.rules = groups,
            }
        }
    }

    /// Returns whose Prometheus scrapes. One of the release beside an operator's has been reported.
    pub(super) fn scraper(&self) -> Scraper {
        match self.environment.prometheus {
            Some(_) => Scraper::Release,
            None => Scraper::Operator,
        }
    }

    /// Returns what is watched, if anyone watches.
    pub(super) fn watched(&self) -> Option<Watched<'_>> {
        let edge = self.environment.edge.as_ref();
        Some(Watched {
            namespace: self.environment.release.namespace.as_ref(),
            monitoring: self.environment.monitoring.as_ref()?,
            scraper: self.scraper(),
            components: &self.components,
            has_certificate: self.is_told_of_certificates()
                && edge.is_some_and(|edge| edge.tls.source == TlsSource::CertManager),
        })
    }

    /// Tells whether anyone who scrapes may scrape cert-manager's controller, which is not a part of
    /// the release. Which of the endpoints it is, nobody says.
    fn is_told_of_certificates(&self) -> bool {
        let endpoints = &self.environment.endpoints;
        let is_scraped =
            |need: &String| endpoints.get(need).is_some_and(|endpoint| endpoint.metrics.is_some());
        match &self.environment.prometheus {
            Some(prometheus) => prometheus.needs.iter().any(is_scraped),
            None => true,
        }
    }

    fn check_monitoring(&mut self) {
        let environment = self.environment;
        let incomplete = |what, needs| MeaningProblem::Incomplete { what, needs };
        let Some(monitoring) = &environment.monitoring else {
            if environment.prometheus.is_some() {
                self.report(&["prometheus"], incomplete("`[prometheus]`", "a `[monitoring]`"));
            }
            return;
        };
        match monitoring.scraped_by {
            Some(Scraper::Operator) => self.check_replaced(),
            scraped_by => {
                if scraped_by.is_some() && environment.prometheus.is_none() {
                    let problem = incomplete("`scraped_by = \"release\"`", "a `[prometheus]`");
                    self.report(&["monitoring", "scraped_by"], problem);
                }
                self.check_pair();
            }
        }
        if self.scraper() == Scraper::Operator && environment.network.prometheus.is_none() {
            let (what, needs) = ("`[monitoring]` without a `[prometheus]`", WATCHER);
            self.report(&["monitoring"], incomplete(what, needs));
        }
        if monitoring.interval.seconds() > LONGEST_INTERVAL {
            let value = monitoring.interval.to_string();
            let problem = MeaningProblem::IntervalTooLong { value, most: LONGEST_INTERVAL };
            self.report(&["monitoring", "interval"], problem);
        }
        self.check_without(monitoring);
    }

    /// Neither of the two is any good without the other.
    fn check_pair(&mut self) {
        let environment = self.environment;
        let (section, what, needs) = match (&environment.prometheus, &environment.alertmanager) {
            (Some(_), None) => (PROMETHEUS, "`[prometheus]`", "an `[alertmanager]`"),
            (None, Some(_)) => (ALERTMANAGER, "`[alertmanager]`", "a `[prometheus]`"),
            _ => return,
        };
        self.report(&[section], MeaningProblem::Incomplete { what, needs });
    }

    /// An operator's Prometheus is in place of the release's own.
    fn check_replaced(&mut self) {
        let environment = self.environment;
        for (section, is_there) in [
            (PROMETHEUS, environment.prometheus.is_some()),
            (ALERTMANAGER, environment.alertmanager.is_some()),
        ] {
            if is_there {
                self.report(&[section], MeaningProblem::Replaced { section });
            }
        }
    }

    fn check_without(&mut self, monitoring: &Monitoring) {
        for (position, name) in monitoring.without.iter().enumerate() {
            if !alerts::NAMES.contains(&name.as_ref()) {
                let (name, known) = (name.to_string(), alerts::NAMES.map(str::to_owned).into());
                let problem = MeaningProblem::Unknown { what: "built-in alert", name, known };
                self.report(&["monitoring", "without", &position.to_string()], problem);
            }
        }
    }

    /// Gives every component that tells metrics a Service whose addresses are all its pods, and
    /// lets Prometheus in there.
    pub(super) fn scrape_pods(&mut self) {
        let mut new_names = BTreeMap::new();
        for component in &mut self.components {
            let Some(metrics) = &component.metrics else {
                continue;
            };
            let port = web_port((&metrics.port_name, metrics.port));
            let is_headless = |service: &&mut Service| service.resolution == Resolution::EveryPod;
            match component.services.iter_mut().find(is_headless) {
                Some(service) if service.ports.iter().any(|one| one.port == metrics.port) => {}
                Some(service) => service.ports.push(port),
                None => {
                    let name = pods_name(&component.name);
                    new_names.insert(component.name.clone(), name.clone());
                    component.services.push(service(&name, Resolution::EveryPod, [port]));
                }
            }
            self.flows.push(Flow::between(PROMETHEUS, &component.name, metrics.port));
        }
        for (component, name) in new_names {
            let owner = self.names.get(&component).cloned().unwrap_or(component);
            let owner: Vec<_> = owner.split('.').collect();
            self.take_service_name(&name, &owner, &owner);
        }
    }

    /// Returns the component called `name`, to give it what depends on all components.
    pub(super) fn component_mut(&mut self, name: &str) -> Option<&mut Component> {
        self.components.iter_mut().find(|component| component.name == name)
    }
}
