//! Who watches: resolved after everything that is watched.

use std::collections::BTreeMap;

use super::{MeaningProblem, Resolver, service::METRICS};
use crate::{
    component::{
        Check, Component, Container, Metrics, Mount, Probe, Resolution, Service, ServicePort,
    },
    environment::{
        monitoring::{Monitoring, Scraper},
        program::Program,
        tls::TlsSource,
    },
    model::{Flow, Whereabouts},
    monitoring::{ALERTMANAGER, PROMETHEUS, Watched, alerts, prometheus::pods_name},
};

/// Longest time between two scrapes, in seconds: rules look back five minutes, and must find a few
/// samples there even if some are missing.
const LONGEST_INTERVAL: u64 = 60;

/// What lets an operator's Prometheus in.
const WATCHER: &str = "`network.prometheus`, whose pods are let in to scrape";

/// A program that answers HTTP on one port, which its probes and its metrics have too.
pub(super) struct WebProgram<'a> {
    pub(super) name: &'a str,
    pub(super) port: u16,
    /// Path that tells whether it lives.
    pub(super) alive: &'a str,
    /// Path that tells whether it is ready.
    pub(super) ready: &'a str,
    /// How long it may take to start, in periods of ten seconds.
    pub(super) start_periods: u32,
}

/// Name of the port on which such a program answers.
pub(super) const HTTP: &str = "http";

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
            let port = || ServicePort {
                name: metrics.port_name.clone(),
                port: metrics.port,
                app_protocol: Some("http"),
            };
            let is_headless = |service: &&mut Service| service.resolution == Resolution::EveryPod;
            match component.services.iter_mut().find(is_headless) {
                Some(service) if service.ports.iter().any(|one| one.port == metrics.port) => {}
                Some(service) => service.ports.push(port()),
                None => {
                    let name = pods_name(&component.name);
                    new_names.insert(component.name.clone(), name.clone());
                    let resolution = Resolution::EveryPod;
                    component.services.push(Service { name, ports: vec![port()], resolution });
                }
            }
            self.flows.push(Flow {
                from: Whereabouts::Component(PROMETHEUS.to_owned()),
                to: Whereabouts::Component(component.name.clone()),
                port: metrics.port,
            });
        }
        for (component, name) in new_names {
            let owner = self.names.get(&component).cloned().unwrap_or(component);
            let owner: Vec<_> = owner.split('.').collect();
            self.take_name(&name, &owner, &owner);
        }
    }

    /// Returns the container of a program that watches, with everything but its arguments, its
    /// variables and its mounts.
    pub(super) fn web_container(&mut self, web: &WebProgram, program: &Program) -> Container {
        self.check_limits(&[web.name], &program.requests, &program.limits);
        let probe = |path: &str, failure_threshold| Probe {
            check: Check::Http { path: path.to_owned(), port: HTTP.to_owned() },
            period_seconds: 10,
            timeout_seconds: 3,
            failure_threshold,
        };
        Container {
            name: web.name.to_owned(),
            image: self.image(&program.image),
            command: Vec::new(),
            args: Vec::new(),
            ports: vec![(HTTP.to_owned(), web.port)],
            variables: [].into(),
            has_settings: false,
            requests: program.requests.clone(),
            limits: program.limits.clone(),
            liveness: probe(web.alive, 6),
            readiness: probe(web.ready, 3),
            startup: Some(probe(web.ready, web.start_periods)),
            pre_stop: None,
            mounts: Vec::new(),
        }
    }

    /// Returns the component called `name`, to give it what depends on all components.
    pub(super) fn component_mut(&mut self, name: &str) -> Option<&mut Component> {
        self.components.iter_mut().find(|component| component.name == name)
    }

    /// Lets the component `from` call the component `to`.
    pub(super) fn let_through(&mut self, from: &str, to: &str, port: u16) {
        self.flows.push(Flow {
            from: Whereabouts::Component(from.to_owned()),
            to: Whereabouts::Component(to.to_owned()),
            port,
        });
    }
}

/// Returns where a [`WebProgram`] tells its metrics.
pub(super) fn web_metrics(web: &WebProgram) -> Metrics {
    Metrics { port_name: HTTP.to_owned(), port: web.port, path: "/metrics".to_owned() }
}

/// Returns the names of a program: one that leads to any pod, and one that leads to all.
pub(super) fn service(name: &str, ports: &[(&str, u16)], resolution: Resolution) -> Service {
    let port = |(name, port): &(&str, u16)| ServicePort {
        name: (*name).to_owned(),
        port: *port,
        app_protocol: [HTTP, METRICS].contains(name).then_some("http"),
    };
    Service { name: name.to_owned(), ports: ports.iter().map(port).collect(), resolution }
}

/// Mounts the volume `volume`, which nothing in the container changes.
pub(super) fn read_only(volume: &str, path: &str) -> Mount {
    Mount { volume: volume.to_owned(), path: path.to_owned(), read_only: true }
}

/// Mounts the volume `volume`, to be written to.
pub(super) fn writable(volume: &str, path: &str) -> Mount {
    Mount { volume: volume.to_owned(), path: path.to_owned(), read_only: false }
}
