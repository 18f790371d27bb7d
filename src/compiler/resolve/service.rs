//! Resolves services: what each runs, gets, calls and may write to.

use std::collections::BTreeMap;

use a4co_bundle::is_dns_label;

use super::{MeaningProblem, Resolver, offer::Offer, offer::Target};
use crate::{
    component::{
        Check, Component, Container, Controller, Metrics, Mount, Pod, PreStop, Probe, Resolution,
        Role, Service as Name, ServicePort, Volume, VolumeSource,
    },
    environment::{
        probe::Probe as DeclaredProbe,
        service::{self, Service},
    },
    model::Whereabouts,
    template::{Scope, Template},
};

/// Name of the port on which a service answers HTTP.
pub(super) const HTTP: &str = "http";

/// Name of the port on which a component tells its metrics, if it is not one for others.
pub(super) const METRICS: &str = "metrics";

impl<'a> Resolver<'a, '_> {
    /// Offers every service to those that need it.
    pub(super) fn offer_services(&mut self) {
        for (key, service) in &self.environment.services {
            let scope = service_scope(&self.scope, key, service);
            let name = self.expand(&service.name, &scope, &["services", key, "name"]);
            self.take_service_name(&name, &["services", key], &["services", key, "name"]);
            let scope = scope.with("name", &name).with("host", &name);
            let whereabouts = Whereabouts::Component(name);
            let targets = vec![Target { whereabouts, port: service.port }];
            let provides = &service.provides;
            self.offer(key, Offer { table: "services", targets, provides, scope });
        }
    }

    /// Resolves every service.
    pub(super) fn services(&mut self) {
        for (key, service) in &self.environment.services {
            self.check_capacity(&["services", key], &service.capacity);
            self.check_rollout(key, service);
            self.check_spread(key, service);
            self.check_needs(&["services", key, "needs"], key, &service.needs);
            let scope = match self.offers.get(key) {
                Some(offer) => offer.scope.clone(),
                None => continue,
            };
            let name = scope.value("name").to_owned();
            let flows = self.flows_of(&name, &service.needs);
            self.flows.extend(flows);
            let component = self.service(key, service, &scope, name);
            self.components.push(component);
        }
    }

    fn service(
        &mut self,
        key: &str,
        service: &'a Service,
        scope: &Scope,
        name: String,
    ) -> Component {
        let capacity = &service.capacity;
        let metrics = metrics(service);
        let container = self.container(key, service, scope, &name);
        let container = self.pinned_container(container);
        let volumes = container.mounts.iter().zip(service.writable.values());
        let volumes = volumes.map(|(mount, limit)| Volume {
            name: mount.volume.clone(),
            source: VolumeSource::Scratch { limit: *limit, in_memory: false },
        });
        let ports = container.ports.iter().map(|(name, port)| ServicePort {
            name: name.clone(),
            port: *port,
            app_protocol: Some("http"),
        });
        let balanced =
            Name { name: name.clone(), ports: ports.collect(), resolution: Resolution::Balanced };
        Component {
            role: Role::Service,
            instance: None,
            controller: Controller::Deployment(service.rollout.clone()),
            replicas: capacity.replicas.clone(),
            autoscaling: capacity.autoscaling().cloned(),
            min_available: capacity.min_available(),
            services: vec![balanced],
            metrics,
            route: service.route.as_ref().map(ToString::to_string),
            files: BTreeMap::new(),
            pod: Pod {
                user: service.user,
                volumes: volumes.collect(),
                containers: vec![container],
                spread: service.spread.iter().map(ToString::to_string).collect(),
                tolerations: service.tolerations.clone(),
                priority: None,
                grace_seconds: service.rollout.termination_grace_period_seconds,
            },
            name,
        }
    }

    fn container(&mut self, key: &str, service: &Service, scope: &Scope, name: &str) -> Container {
        let capacity = &service.capacity;
        let probes = &service.probes;
        let drain = service.rollout.drain_seconds;
        Container {
            name: name.to_owned(),
            image: self.image(&service.image),
            command: self.expand_all(&service.command, scope, key, "command"),
            args: self.expand_all(&service.args, scope, key, "args"),
            ports: ports(service),
            variables: self.variables(key, service, scope),
            has_settings: true,
            requests: capacity.requests.clone(),
            limits: capacity.limits.clone(),
            liveness: probe(&probes.liveness),
            readiness: probe(&probes.readiness),
            startup: probes.startup.as_ref().map(probe),
            // It takes time until every node and the ingress controller know that a pod is gone.
            pre_stop: (drain > 0).then_some(PreStop::Sleep(drain)),
            mounts: self.mounts(key, service),
        }
    }

    fn check_spread(&mut self, key: &str, service: &Service) {
        for (position, label) in service.spread.iter().enumerate() {
            if service.spread[..position].contains(label) {
                let problem = MeaningProblem::Twice { name: label.to_string() };
                self.report(&["services", key, "spread", &position.to_string()], problem);
            }
        }
    }

    fn expand_all(
        &mut self,
        templates: &[Template],
        scope: &Scope,
        key: &str,
        list: &str,
    ) -> Vec<String> {
        let expand = |(position, template): (usize, &Template)| {
            self.expand(template, scope, &["services", key, list, &position.to_string()])
        };
        templates.iter().enumerate().map(expand).collect()
    }

    fn mounts(&mut self, key: &str, service: &Service) -> Vec<Mount> {
        let mut mounts: Vec<Mount> = Vec::new();
        for path in service.writable.keys() {
            let volume = volume_name(path.as_ref());
            if !is_dns_label(&volume) {
                let problem = MeaningProblem::NotAVolume { path: path.to_string() };
                self.report(&["services", key, "writable", path.as_ref()], problem);
            }
            if let Some(first) = mounts.iter().find(|mount| mount.volume == volume) {
                let (first, second) = (first.path.clone(), path.to_string());
                let problem = MeaningProblem::VolumeClash { volume: volume.clone(), first, second };
                self.report(&["services", key, "writable", path.as_ref()], problem);
            }
            mounts.push(Mount { volume, path: path.to_string(), read_only: false });
        }
        mounts
    }
}

/// Returns the placeholders of a service, but for its name.
fn service_scope(global: &Scope, key: &str, service: &Service) -> Scope {
    let capitals = key.to_uppercase().replace('-', "_");
    global.clone().with("service", &key).with("SERVICE", &capitals).with("port", &service.port)
}

fn metrics(service: &service::Service) -> Option<Metrics> {
    let metrics = service.metrics.as_ref()?;
    let port = metrics.port.unwrap_or(service.port);
    let port_name = if port == service.port { HTTP } else { METRICS };
    Some(Metrics { port_name: port_name.to_owned(), port, path: metrics.path.to_string() })
}

fn ports(service: &Service) -> Vec<(String, u16)> {
    let metrics = metrics(service).filter(|metrics| metrics.port != service.port);
    let metrics = metrics.map(|metrics| (metrics.port_name, metrics.port));
    [(HTTP.to_owned(), service.port)].into_iter().chain(metrics).collect()
}

fn probe(probe: &DeclaredProbe) -> Probe {
    Probe {
        check: Check::Http { path: probe.path.to_string(), port: HTTP.to_owned() },
        period_seconds: probe.period_seconds,
        timeout_seconds: probe.timeout_seconds,
        failure_threshold: probe.failure_threshold,
    }
}

/// Makes a volume's name of a path: `/app/.cache` gives `app-cache`.
fn volume_name(path: &str) -> String {
    let path = path.to_lowercase();
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-")
}
