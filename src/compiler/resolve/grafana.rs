//! Grafana, resolved.

use std::collections::BTreeMap;

use super::{
    MeaningProblem, Resolver,
    monitoring::{HTTP, WebProgram, read_only, service, web_metrics, writable},
};
use crate::{
    component::{Component, Controller, Pod, Resolution, Role, Variable, Volume, VolumeSource},
    environment::{capacity::Replicas, grafana::Grafana, monitoring::Scraper, pod::Rollout},
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

/// Volumes that it writes to, where they are, and how much they may hold.
const SCRATCH: [(&str, &str, &str); 2] =
    [("data", "/var/lib/grafana", "256Mi"), ("tmp", "/tmp", "64Mi")];

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
        self.take_name(GRAFANA, &[GRAFANA], &[GRAFANA]);
        let source = self.metrics_source();
        let has_jaeger = self.environment.jaeger.is_some();
        if has_jaeger {
            self.let_through(GRAFANA, JAEGER, jaeger::QUERY);
        }
        let traces = has_jaeger.then(|| format!("http://{JAEGER}:{}", jaeger::QUERY));
        let interval = self.environment.monitoring.as_ref().map(|one| one.interval.to_string());
        let sources = sources(source.as_deref(), &interval.unwrap_or_default(), traces.as_deref());
        let component = self.grafana_component(grafana, sources);
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
            from: Whereabouts::Component(GRAFANA.to_owned()),
            to: Whereabouts::Pods(peer.clone()),
            port: url.port(),
        });
        Some(url.to_string())
    }

    fn grafana_component(&mut self, grafana: &Grafana, sources: String) -> Component {
        let program = &grafana.program;
        let mut container = self.web_container(&WEB, program);
        container.variables = self.grafana_variables(grafana);
        let files = [SOURCES, PROVIDERS, FILES];
        let read = files.into_iter().map(|(volume, path)| read_only(volume, path));
        let written = SCRATCH.into_iter().map(|(volume, path, _)| writable(volume, path));
        container.mounts = read.chain(written).collect();
        let file = |volume: (&str, &str), text: String| {
            (volume.0.to_owned(), BTreeMap::from([(format!("{}.yaml", volume.0), text)]))
        };
        Component {
            name: GRAFANA.to_owned(),
            role: Role::Monitoring,
            instance: None,
            controller: Controller::Deployment(Rollout::default()),
            replicas: Replicas { min: 1, max: None },
            autoscaling: None,
            min_available: 0,
            pod: Pod {
                user: USER,
                containers: vec![container],
                volumes: volumes(&files.map(|(volume, _)| volume)),
                spread: program.spread.iter().map(ToString::to_string).collect(),
                tolerations: program.tolerations.clone(),
                priority: None,
                grace_seconds: 30,
            },
            services: vec![service(GRAFANA, &[(HTTP, PORT)], Resolution::Balanced)],
            metrics: Some(web_metrics(&WEB)),
            route: None,
            files: [file(SOURCES, sources), file(PROVIDERS, providers())].into(),
        }
    }

    fn grafana_variables(&mut self, grafana: &Grafana) -> BTreeMap<String, Variable> {
        let scope = self.scope.clone();
        let root_url = self.expand(&grafana.root_url, &scope, &[GRAFANA, "root_url"]);
        let is_https = root_url.starts_with("https://");
        let text = |name: &str, value: &str| (name.to_owned(), Variable::Text(value.to_owned()));
        let user = self.secret_value(&[GRAFANA, "user"], &grafana.user);
        let password = self.secret_value(&[GRAFANA, "password"], &grafana.password);
        let own = [
            ("GF_SECURITY_ADMIN_USER".to_owned(), user),
            ("GF_SECURITY_ADMIN_PASSWORD".to_owned(), password),
            text("GF_SERVER_ROOT_URL", &root_url),
            text("GF_SECURITY_COOKIE_SECURE", if is_https { "true" } else { "false" }),
        ];
        SETTINGS.into_iter().map(|(name, value)| text(name, value)).chain(own).collect()
    }
}

#[expect(clippy::expect_used, reason = "constants, and tested")]
fn volumes(files: &[&str]) -> Vec<Volume> {
    let files = files.iter().map(|name| Volume {
        name: (*name).to_owned(),
        source: VolumeSource::Files { executable: false },
    });
    let scratch = SCRATCH.into_iter().map(|(name, _, limit)| Volume {
        name: name.to_owned(),
        source: VolumeSource::Scratch {
            limit: Memory::try_from(limit.to_owned()).expect("a memory quantity"),
            in_memory: false,
        },
    });
    files.chain(scratch).collect()
}
