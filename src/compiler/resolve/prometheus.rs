//! The release's own Prometheus, resolved.

use super::{
    MeaningProblem, Resolver,
    program::{
        DATA, HTTP, SetNames, WebProgram, claim, claimed, component, mounted, of_files, service,
        web_metrics, web_port,
    },
};
use crate::{
    component::{Component, Controller, Pod, Resolution, Role},
    environment::prometheus::Prometheus,
    monitoring::{
        PROMETHEUS,
        prometheus::{CONFIG_FILE, ScrapedEndpoint, Scraping, files},
        rule::Group,
    },
};

/// Port of Prometheus.
pub(super) const PORT: u16 = 9090;

/// The user `nobody` of its image.
const USER: u32 = 65534;

/// Volume with the configuration, and where it is.
const CONFIG: (&str, &str) = ("config", "/etc/prometheus");

/// Where the data is.
const DATA_PATH: &str = "/prometheus";

/// Share of the volume, in percent, beyond which the oldest data is forgotten. It stays below the
/// use at which there are alerts.
const RETAINED: u64 = 75;

/// Prometheus writes out what it has in memory before it stops.
const GRACE_SECONDS: u32 = 300;

const WEB: WebProgram = WebProgram {
    name: PROMETHEUS,
    port: PORT,
    alive: "/-/healthy",
    ready: "/-/ready",
    // Its log of the last hours may take that long to read.
    start_periods: 90,
};

impl Resolver<'_, '_> {
    /// Adds Prometheus, but for its configuration.
    pub(super) fn prometheus(&mut self) {
        let Some(prometheus) = &self.environment.prometheus else {
            return;
        };
        self.take_set_names(&SetNames::of(PROMETHEUS), &[PROMETHEUS]);
        self.check_needs(&[PROMETHEUS, "needs"], PROMETHEUS, &prometheus.needs);
        self.check_scraped(prometheus);
        let flows = self.flows_of(PROMETHEUS, &prometheus.needs);
        self.flows.extend(flows);
        let component = self.prometheus_component(prometheus);
        self.components.push(component);
        self.scrape_pods();
        self.check_jobs(prometheus);
    }

    /// Tells Prometheus what to scrape, and its rules.
    pub(super) fn fill_prometheus(&mut self, groups: &[Group]) {
        let environment = self.environment;
        let (Some(prometheus), Some(monitoring)) =
            (&environment.prometheus, &environment.monitoring)
        else {
            return;
        };
        let endpoints = prometheus.needs.iter().filter_map(|need| {
            let endpoint = environment.endpoints.get(need)?;
            let target = format!("{}:{}", endpoint.host.as_ref()?, endpoint.port);
            Some(ScrapedEndpoint { name: need, target, path: endpoint.metrics.as_ref()?.as_ref() })
        });
        let files = files(
            &Scraping {
                environment: &self.stack.name,
                app: environment.release.app.as_ref(),
                namespace: environment.release.namespace.as_ref(),
                interval: &monitoring.interval,
                components: &self.components,
                endpoints: endpoints.collect(),
                alertmanager_port: super::alertmanager::PORT,
            },
            groups,
        );
        if let Some(component) = self.component_mut(PROMETHEUS) {
            component.files.insert(CONFIG.0.to_owned(), files);
        }
    }

    /// Prometheus needs things only to scrape them.
    fn check_scraped(&mut self, prometheus: &Prometheus) {
        for (position, need) in prometheus.needs.iter().enumerate() {
            let endpoint = self.environment.endpoints.get(need);
            let is_scraped = endpoint.is_some_and(|endpoint| endpoint.metrics.is_some());
            if !is_scraped && self.offers.contains_key(need) {
                let problem = MeaningProblem::NotScraped { name: need.clone() };
                self.report(&[PROMETHEUS, "needs", &position.to_string()], problem);
            }
        }
    }

    /// Every component that is scraped is a job of its name, and so is every endpoint of its key.
    fn check_jobs(&mut self, prometheus: &Prometheus) {
        for (position, need) in prometheus.needs.iter().enumerate() {
            let is_scraped = |one: &Component| one.metrics.is_some() && one.name == *need;
            if self.environment.endpoints.contains_key(need)
                && self.components.iter().any(is_scraped)
            {
                let first = self.names.get(need).cloned().unwrap_or_default();
                let (what, value, second) = ("job", need.clone(), format!("endpoints.{need}"));
                let problem = MeaningProblem::Clash { what, value, first, second };
                self.report(&[PROMETHEUS, "needs", &position.to_string()], problem);
            }
        }
    }

    fn prometheus_component(&mut self, prometheus: &Prometheus) -> Component {
        let mut container = self.web_container(&WEB, &prometheus.program);
        container.args = args(prometheus);
        let (volumes, mounts) = mounted([of_files(CONFIG.0, CONFIG.1), claimed(DATA, DATA_PATH)]);
        container.mounts = mounts;
        let pod = Pod {
            grace_seconds: GRACE_SECONDS,
            ..self.data_pod(&prometheus.program, USER, vec![container], volumes)
        };
        let names = SetNames::of(PROMETHEUS);
        let port = || [web_port((HTTP, PORT))];
        let services = vec![
            service(&names.clients, Resolution::Balanced, port()),
            service(&names.pods, Resolution::EveryPod, port()),
        ];
        let claims = vec![claim(DATA, &prometheus.storage)];
        let controller = Controller::StatefulSet { service: names.pods, claims };
        Component {
            services,
            metrics: Some(web_metrics(&WEB)),
            ..component(PROMETHEUS, Role::Monitoring, controller, pod)
        }
    }
}

fn args(prometheus: &Prometheus) -> Vec<String> {
    let bytes = prometheus.storage.size.bytes() / 100 * RETAINED;
    vec![
        format!("--config.file={}/{CONFIG_FILE}", CONFIG.1),
        format!("--storage.tsdb.path={DATA_PATH}"),
        format!("--storage.tsdb.retention.time={}d", prometheus.retention_days),
        format!("--storage.tsdb.retention.size={bytes}B"),
        format!("--web.external-url=http://{PROMETHEUS}:{PORT}"),
        "--log.format=json".to_owned(),
    ]
}
