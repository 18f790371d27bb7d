//! The configuration of the release's own Prometheus.
//!
//! Every component is a job of the same name, whose pods are the addresses of a headless Service:
//! no right in the cluster is needed, and nothing outside of the release is found.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{
    ALERTMANAGER,
    rule::{Group, RuleFile},
};
use crate::{
    component::{Component, pods_name},
    text::Interval,
    yaml::to_document,
};

/// Name of the configuration file.
pub(crate) const CONFIG_FILE: &str = "prometheus.yml";

/// Name of the rule file beside it.
const RULE_FILE: &str = "rules.yml";

/// Longest time that a scrape may take, in seconds.
const TIMEOUT: u64 = 10;

/// How often names are looked up.
const REFRESH: &str = "15s";

/// What Prometheus is told.
pub(crate) struct Scraping<'a> {
    /// Name of the environment.
    pub(crate) environment: &'a str,
    /// Name of the application.
    pub(crate) app: &'a str,
    /// Namespace of the release.
    pub(crate) namespace: &'a str,
    /// Time between two scrapes.
    pub(crate) interval: &'a Interval,
    /// What runs.
    pub(crate) components: &'a [Component],
    /// What does not run here, but is scraped.
    pub(crate) endpoints: Vec<ScrapedEndpoint<'a>>,
    /// Port of Alertmanager.
    pub(crate) alertmanager_port: u16,
}

/// Something that is scraped at one address.
pub(crate) struct ScrapedEndpoint<'a> {
    /// Name of the job.
    pub(crate) name: &'a str,
    /// Host and port.
    pub(crate) target: String,
    /// Path in the Prometheus format.
    pub(crate) path: &'a str,
}

#[derive(Serialize)]
struct Config {
    global: Global,
    rule_files: [&'static str; 1],
    alerting: Alerting,
    scrape_configs: Vec<Job>,
}

#[derive(Serialize)]
struct Global {
    scrape_interval: String,
    scrape_timeout: String,
    evaluation_interval: String,
    external_labels: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Alerting {
    alertmanagers: [Discovery; 1],
}

#[derive(Serialize)]
struct Discovery {
    dns_sd_configs: [Names; 1],
}

#[derive(Serialize)]
struct Names {
    #[serde(rename = "names")]
    services: [String; 1],
    #[serde(rename = "type")]
    record_type: &'static str,
    port: u16,
    refresh_interval: &'static str,
}

#[derive(Serialize)]
struct Job {
    #[serde(rename = "job_name")]
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    honor_labels: Option<bool>,
    metrics_path: String,
    #[serde(flatten)]
    targets: Targets,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Targets {
    Pods { dns_sd_configs: [Names; 1], relabel_configs: Vec<Relabeling> },
    Address { static_configs: [Static; 1] },
}

#[derive(Serialize)]
struct Relabeling {
    target_label: &'static str,
    replacement: String,
}

#[derive(Serialize)]
struct Static {
    targets: [String; 1],
}

/// Returns the files that Prometheus reads: its configuration, and the rules.
pub(crate) fn files(scraping: &Scraping, groups: &[Group]) -> BTreeMap<String, String> {
    [
        (CONFIG_FILE.to_owned(), to_document(&config(scraping))),
        (RULE_FILE.to_owned(), to_document(&RuleFile { groups })),
    ]
    .into()
}

fn config(scraping: &Scraping) -> Config {
    let interval = scraping.interval.to_string();
    let pods = scraping.components.iter().filter_map(|component| pods(scraping, component));
    Config {
        global: Global {
            scrape_interval: interval.clone(),
            scrape_timeout: format!("{}s", TIMEOUT.min(scraping.interval.seconds())),
            evaluation_interval: interval,
            external_labels: [
                ("app", scraping.app.to_owned()),
                ("environment", scraping.environment.to_owned()),
            ]
            .into(),
        },
        rule_files: [RULE_FILE],
        alerting: Alerting {
            alertmanagers: [Discovery {
                dns_sd_configs: [names(pods_name(ALERTMANAGER), scraping.alertmanager_port)],
            }],
        },
        scrape_configs: pods.chain(scraping.endpoints.iter().map(address)).collect(),
    }
}

fn pods(scraping: &Scraping, component: &Component) -> Option<Job> {
    let metrics = component.metrics.as_ref()?;
    let service = component.every_pod()?;
    let label =
        |target_label, text: &str| Relabeling { target_label, replacement: text.to_owned() };
    Some(Job {
        name: component.name.clone(),
        honor_labels: None,
        metrics_path: metrics.path.clone(),
        targets: Targets::Pods {
            dns_sd_configs: [names(service.name.clone(), metrics.port)],
            relabel_configs: vec![
                label("namespace", scraping.namespace),
                label("component", &component.name),
                label("role", component.role.as_str()),
            ],
        },
    })
}

/// What is not ours may tell of many things, each with labels of its own: they are kept.
fn address(endpoint: &ScrapedEndpoint) -> Job {
    Job {
        name: endpoint.name.to_owned(),
        honor_labels: Some(true),
        metrics_path: endpoint.path.to_owned(),
        targets: Targets::Address {
            static_configs: [Static { targets: [endpoint.target.clone()] }],
        },
    }
}

/// The addresses behind `name`, which is resolved in the pod's own namespace.
fn names(name: String, port: u16) -> Names {
    Names { services: [name], record_type: "A", port, refresh_interval: REFRESH }
}
