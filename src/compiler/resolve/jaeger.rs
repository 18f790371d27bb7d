//! Jaeger, resolved.

use super::{
    Resolver,
    monitoring::{read_only, service},
    offer::{Offer, Target},
    service::METRICS,
};
use crate::{
    component::{
        Check, Component, Container, Controller, Metrics, Pod, PreStop, Probe, Resolution, Role,
        Variable, Volume, VolumeSource,
    },
    environment::{capacity::Replicas, jaeger::Jaeger, pod::Rollout},
    model::Whereabouts,
    monitoring::{
        JAEGER,
        jaeger::{self, CONFIG_FILE, files},
    },
};

/// The user of its image.
const USER: u32 = 10001;

/// Volume with the configuration, and where it is.
const CONFIG: (&str, &str) = ("config", "/etc/jaeger");

/// Share of the memory limit, in percent, beyond which Go frees memory at any price.
const GO_MEMORY: u64 = 80;

/// Ports for others, and the one of the metrics.
const PORTS: [(&str, u16); 4] = [
    ("otlp-grpc", jaeger::OTLP_GRPC),
    ("otlp-http", jaeger::OTLP_HTTP),
    ("query", jaeger::QUERY),
    (METRICS, jaeger::METRICS),
];

/// Port on which it tells how it does.
const HEALTH: (&str, u16) = ("health", jaeger::HEALTH);

impl Resolver<'_, '_> {
    /// Offers what takes traces to those that need it.
    pub(super) fn offer_tracing(&mut self) {
        let Some(declared) = &self.environment.jaeger else {
            return;
        };
        self.take_name(JAEGER, &[JAEGER], &[JAEGER]);
        let target = |port| Target { whereabouts: Whereabouts::Component(JAEGER.to_owned()), port };
        let targets = vec![target(jaeger::OTLP_HTTP), target(jaeger::OTLP_GRPC)];
        let scope = self.scope.clone();
        let scope = scope
            .with("host", &JAEGER)
            .with("port", &jaeger::OTLP_HTTP)
            .with("grpc_port", &jaeger::OTLP_GRPC);
        self.offer(JAEGER, Offer { table: JAEGER, targets, provides: &declared.provides, scope });
    }

    /// Adds Jaeger.
    pub(super) fn jaeger(&mut self) {
        let Some(jaeger) = &self.environment.jaeger else {
            return;
        };
        let program = &jaeger.program;
        self.check_limits(&[JAEGER], &program.requests, &program.limits);
        let container = self.jaeger_container(jaeger);
        self.components.push(Component {
            name: JAEGER.to_owned(),
            role: Role::Tracing,
            instance: None,
            controller: Controller::Deployment(Rollout::default()),
            replicas: Replicas { min: 1, max: None },
            autoscaling: None,
            min_available: 0,
            pod: Pod {
                user: USER,
                containers: vec![container],
                volumes: vec![Volume {
                    name: CONFIG.0.to_owned(),
                    source: VolumeSource::Files { executable: false },
                }],
                spread: program.spread.iter().map(ToString::to_string).collect(),
                tolerations: program.tolerations.clone(),
                priority: None,
                grace_seconds: 30,
            },
            services: vec![service(JAEGER, &PORTS, Resolution::Balanced)],
            metrics: Some(Metrics {
                port_name: METRICS.to_owned(),
                port: jaeger::METRICS,
                path: "/metrics".to_owned(),
            }),
            route: None,
            files: [(CONFIG.0.to_owned(), files(jaeger.max_traces))].into(),
        });
    }

    fn jaeger_container(&mut self, jaeger: &Jaeger) -> Container {
        let program = &jaeger.program;
        let memory = program.limits.memory.bytes() / 100 * GO_MEMORY;
        let probe = |failure_threshold| Probe {
            check: Check::Http { path: "/status".to_owned(), port: HEALTH.0.to_owned() },
            period_seconds: 10,
            timeout_seconds: 3,
            failure_threshold,
        };
        let ports = PORTS.into_iter().chain([HEALTH]);
        Container {
            name: JAEGER.to_owned(),
            image: self.image(&program.image),
            command: Vec::new(),
            args: vec![format!("--config={}/{CONFIG_FILE}", CONFIG.1)],
            ports: ports.map(|(name, port)| (name.to_owned(), port)).collect(),
            variables: [("GOMEMLIMIT".to_owned(), Variable::Text(memory.to_string()))].into(),
            has_settings: false,
            requests: program.requests.clone(),
            limits: program.limits.clone(),
            liveness: probe(6),
            readiness: probe(3),
            startup: Some(probe(30)),
            // Services go on sending for a moment.
            pre_stop: Some(PreStop::Sleep(5)),
            mounts: vec![read_only(CONFIG.0, CONFIG.1)],
        }
    }
}
