//! Jaeger, resolved.

use super::{
    Resolver,
    offer::{Offer, Target},
    program::{
        component, folders, metrics, mounted, of_files, pod, port, service, text, variables,
        web_port, web_probes,
    },
    service::METRICS,
};
use crate::{
    component::{Component, Container, Controller, Mount, PreStop, Resolution, Role},
    environment::{jaeger::Jaeger, pod::Rollout},
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

/// Ports for others.
const PORTS: [(&str, u16); 3] =
    [("otlp-grpc", jaeger::OTLP_GRPC), ("otlp-http", jaeger::OTLP_HTTP), ("query", jaeger::QUERY)];

/// Port on which it tells its metrics.
const METRICS_PORT: (&str, u16) = (METRICS, jaeger::METRICS);

/// Port on which it tells how it does.
const HEALTH: (&str, u16) = ("health", jaeger::HEALTH);

impl Resolver<'_, '_> {
    /// Offers what takes traces to those that need it.
    pub(super) fn offer_tracing(&mut self) {
        let Some(declared) = &self.environment.jaeger else {
            return;
        };
        self.take_service_name(JAEGER, &[JAEGER], &[JAEGER]);
        let target = |port| Target { whereabouts: Whereabouts::component(JAEGER), port };
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
        self.check_program(&[JAEGER], program, None);
        let (volumes, mounts) = mounted([of_files(CONFIG.0, CONFIG.1)]);
        let container = self.jaeger_container(jaeger, mounts);
        let controller = Controller::Deployment(Rollout::default());
        let pod = pod(program, USER, vec![container], volumes);
        let ports = PORTS.map(port).into_iter().chain([web_port(METRICS_PORT)]);
        self.components.push(Component {
            services: vec![service(JAEGER, Resolution::Balanced, ports)],
            metrics: Some(metrics(jaeger::METRICS)),
            files: folders([(CONFIG.0, files(jaeger.max_traces))]),
            ..component(JAEGER, Role::Tracing, controller, pod)
        });
    }

    fn jaeger_container(&mut self, jaeger: &Jaeger, mounts: Vec<Mount>) -> Container {
        let program = &jaeger.program;
        let memory = program.limits.memory.bytes() / 100 * GO_MEMORY;
        let ports = PORTS.into_iter().chain([METRICS_PORT, HEALTH]);
        Container {
            args: vec![format!("--config={}/{CONFIG_FILE}", CONFIG.1)],
            ports: ports.map(|(name, port)| (name.to_owned(), port)).collect(),
            variables: variables([("GOMEMLIMIT", text(memory.to_string()))]),
            // Services go on sending for a moment.
            pre_stop: Some(PreStop::Sleep(5)),
            mounts,
            ..self.program_container(
                JAEGER,
                program,
                web_probes(HEALTH.0, "/status", "/status", 30),
            )
        }
    }
}
