//! Grafana, resolved.

use std::collections::BTreeMap;

use super::{
    MeaningProblem, Resolver,
    program::{
        DATA, HTTP, WebProgram, component, files, folders, mounted, of_files, pod, scratch,
        service, text, variables, web_metrics, web_port,
    },
};
use crate::{
    component::{Component, Controller, Resolution, Role, Variable},
    environment::{grafana::Grafana, monitoring::Scraper, pod::Rollout},
    model::{Flow, Whereabouts},
    monitoring::{
        GRAFANA, JAEGER, PROMETHEUS, dashboards,
        grafana::{DASHBOARDS, providers, sources},
        jaeger,
    },
    quantity::Memory,
};

/// Port of Grafana.
const PORT: u16 = 3000;

/// The user of its image.
const USER: u32 = 472;

/// Volumes with files, and where they are.
const SOURCES: (&str, &str) = ("sources", "/etc/grafana/provisioning/datasources");
const PROVIDERS: (&str, &str) = ("providers", "/etc/grafana/provisioning/dashboards");
const FILES: (&str, &str) = ("dashboards", DASHBOARDS);

/// Volumes that it writes to, where they are, and how much they may hold, in MiB.
const SCRATCH: [(&str, &str, u64); 2] = [(DATA, "/var/lib/grafana", 256), ("tmp", "/tmp", 64)];

const WEB: WebProgram = WebProgram {
    name: GRAFANA,
    port: PORT,
    alive: "/api/health",
    ready: "/api/health",
    start_periods: 30,
};

/// Settings: nobody comes in without a password, and nothing is sent or fetched outside.
const SETTINGS: [(&str, &str); 15] = [
    ("GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES", "false"),
    ("GF_ANALYTICS_CHECK_FOR_UPDATES", "false"),
    ("GF_ANALYTICS_FEEDBACK_LINKS_ENABLED", "false"),
    ("GF_ANALYTICS_REPORTING_ENABLED", "false"),
    ("GF_AUTH_ANONYMOUS_ENABLED", "false"),
    ("GF_LOG_CONSOLE_FORMAT", "json"),
    ("GF_LOG_MODE", "console"),
    ("GF_NEWS_NEWS_FEED_ENABLED", "false"),
    ("GF_PLUGINS_PLUGIN_ADMIN_ENABLED", "false"),
    ("GF_PLUGINS_PREINSTALL_DISABLED", "true"),
    ("GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED", "true"),
    ("GF_SECURITY_DISABLE_GRAVATAR", "true"),
    ("GF_SNAPSHOTS_EXTERNAL_ENABLED", "false"),
    ("GF_USERS_ALLOW_SIGN_UP", "false"),
    ("GF_USERS_VIEWERS_CAN_EDIT", "false"),
];

impl Resolver<'_, '_> {
    /// Adds Grafana, but for its dashboards.
    pub(super) fn grafana(&mut self) {
        let Some(grafana) = &self.environment.grafana else {
            return;
        };
        self.take_service_name(GRAFANA, &[GRAFANA], &[GRAFANA]);
        let source = self.metrics_source();
        let has_jaeger = self.environment.jaeger.is_some();
        if has_jaeger {
            self.let_through(GRAFANA, JAEGER, jaeger::QUERY);
        }
        let traces = has_jaeger.then(|| format!("http://{JAEGER}:{}", jaeger::QUERY));
        let interval = self.environment.monitoring.as_ref().map(|one| one.interval.to_string());
        let sources = sources(source.as_deref(), &interval.unwrap_or_default(), traces.as_deref());
        let component = self.grafana_component(grafana, &sources);
        self.components.push(component);
    }

    /// Gives Grafana the dashboards.
    pub(super) fn fill_grafana(&mut self) {
        let Some(watched) = self.watched() else {
            return;
        };
        let files = dashboards::files(&watched);
        if let Some(component) = self.component_mut(GRAFANA) {
            component.files.insert(FILES.0.to_owned(), files);
        }
    }

    /// Returns where the metrics are, and lets Grafana go there.
    fn metrics_source(&mut self) -> Option<String> {
        let environment = self.environment;
        let Some(monitoring) = &environment.monitoring else {
            let (what, needs) = ("`[grafana]`", "a `[monitoring]`");
            self.report(&[GRAFANA], MeaningProblem::Incomplete { what, needs });
            return None;
        };
        if self.scraper() == Scraper::Release {
            self.let_through(GRAFANA, PROMETHEUS, super::prometheus::PORT);
            return Some(format!("http://{PROMETHEUS}:{}", super::prometheus::PORT));
        }
        let (Some(url), Some(peer)) = (&monitoring.prometheus_url, &environment.network.prometheus)
        else {
            let what = "`[grafana]` without a `[prometheus]`";
            let needs =
                "`monitoring.prometheus_url` and `network.prometheus`, to find the cluster's";
            self.report(&[GRAFANA], MeaningProblem::Incomplete { what, needs });
            return None;
        };
        self.flows.push(Flow {
            from: Whereabouts::component(GRAFANA),
            to: Whereabouts::Pods(peer.clone()),
            port: url.port(),
        });
        Some(url.to_string())
    }

    fn grafana_component(&mut self, grafana: &Grafana, sources: &str) -> Component {
        let program = &grafana.program;
        let read = [SOURCES, PROVIDERS, FILES].into_iter().map(|(name, path)| of_files(name, path));
        let written = SCRATCH
            .into_iter()
            .map(|(name, path, limit)| scratch(name, path, Memory::from_mebibytes(limit), false));
        let (volumes, mounts) = mounted(read.chain(written));
        let mut container = self.web_container(&WEB, program);
        container.variables = self.grafana_variables(grafana);
        container.mounts = mounts;
        let controller = Controller::Deployment(Rollout::default());
        let pod = pod(program, USER, vec![container], volumes);
        Component {
            services: vec![service(GRAFANA, Resolution::Balanced, [web_port((HTTP, PORT))])],
            metrics: Some(web_metrics(&WEB)),
            files: folders([
                (SOURCES.0, files([("sources.yaml", sources)])),
                (PROVIDERS.0, files([("providers.yaml", &providers())])),
            ]),
            ..component(GRAFANA, Role::Monitoring, controller, pod)
        }
    }

    fn grafana_variables(&mut self, grafana: &Grafana) -> BTreeMap<String, Variable> {
        let scope = self.scope.clone();
        let root_url = self.expand(&grafana.root_url, &scope, &[GRAFANA, "root_url"]);
        let is_https = root_url.starts_with("https://");
        let user = self.secret_value(&[GRAFANA, "user"], &grafana.user);
        let password = self.secret_value(&[GRAFANA, "password"], &grafana.password);
        let own = [
            ("GF_SECURITY_ADMIN_USER", user),
            ("GF_SECURITY_ADMIN_PASSWORD", password),
            ("GF_SERVER_ROOT_URL", text(root_url)),
            ("GF_SECURITY_COOKIE_SECURE", text(is_https.to_string())),
        ];
        variables(SETTINGS.into_iter().map(|(name, value)| (name, text(value))).chain(own))
    }
}
