//! What Grafana is given: where its data comes from, and where its dashboards are.

use serde::Serialize;

use crate::yaml::to_document;

/// Folder with the dashboards.
pub(crate) const DASHBOARDS: &str = "/etc/dashboards";

/// Id of the data source with metrics, by which dashboards name it.
pub(crate) const METRICS: &str = "prometheus";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Sources<'a> {
    api_version: u8,
    /// Sources of an earlier release that this one lacks go away.
    prune: bool,
    datasources: Vec<Source<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Source<'a> {
    name: &'static str,
    uid: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    access: &'static str,
    url: &'a str,
    is_default: bool,
    editable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    json_data: Option<MetricsOptions<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MetricsOptions<'a> {
    http_method: &'static str,
    time_interval: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Providers {
    api_version: u8,
    providers: [Provider; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    disable_deletion: bool,
    allow_ui_updates: bool,
    options: ProviderOptions,
}

#[derive(Serialize)]
struct ProviderOptions {
    path: &'static str,
}

/// Returns the data sources: the Prometheus at `prometheus`, which scrapes every `interval`, and
/// the Jaeger at `jaeger`, as far as there are.
pub(crate) fn sources(prometheus: Option<&str>, interval: &str, jaeger: Option<&str>) -> String {
    let source = |name, uid, url| Source {
        name,
        uid,
        kind: uid,
        access: "proxy",
        url,
        is_default: uid == METRICS,
        editable: false,
        json_data: (uid == METRICS)
            .then_some(MetricsOptions { http_method: "POST", time_interval: interval }),
    };
    let metrics = prometheus.map(|url| source("Prometheus", METRICS, url));
    let traces = jaeger.map(|url| source("Jaeger", "jaeger", url));
    let datasources = metrics.into_iter().chain(traces).collect();
    to_document(&Sources { api_version: 1, prune: true, datasources })
}

/// Returns where Grafana finds its dashboards.
pub(crate) fn providers() -> String {
    to_document(&Providers {
        api_version: 1,
        providers: [Provider {
            name: "release",
            kind: "file",
            disable_deletion: true,
            allow_ui_updates: false,
            options: ProviderOptions { path: DASHBOARDS },
        }],
    })
}
