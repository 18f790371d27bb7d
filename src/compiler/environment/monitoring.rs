//! How the release is watched, whoever's Prometheus does it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::text::{HttpUrl, Interval, LabelKey, LabelValue, Percent, PrometheusName};

/// Exactly one Prometheus scrapes. It is the release's own, `[prometheus]` with its
/// `[alertmanager]`, or that of an operator in the cluster, for which there are `ServiceMonitors`
/// and a `PrometheusRule`. The alerts are the same.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Monitoring {
    /// Whose Prometheus scrapes. The default is `release` if there is a `[prometheus]`, and
    /// `operator` otherwise. With `operator` there is no `[prometheus]` and no `[alertmanager]`: what
    /// a lower layer has of them goes by `unset`. The operator's pods are `network.prometheus`.
    #[serde(default)]
    pub(crate) scraped_by: Option<Scraper>,
    /// Time between two scrapes, at most `60s`: alerts look back five minutes. The default is
    /// `30s`.
    #[serde(default = "default_interval")]
    pub(crate) interval: Interval,
    /// Labels by which the operator selects monitors and rules.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "label-key"}))]
    pub(crate) labels: BTreeMap<LabelKey, LabelValue>,
    /// Address of the operator's Prometheus, such as `http://prometheus.monitoring:9090`, for a
    /// `[grafana]` beside it. Its pods are `network.prometheus`.
    #[serde(default)]
    pub(crate) prometheus_url: Option<HttpUrl>,
    /// What services call their metrics of HTTP.
    #[serde(default)]
    pub(crate) http: HttpMetrics,
    /// When there are alerts.
    #[serde(default)]
    pub(crate) thresholds: Thresholds,
    /// More alerts, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "prometheus-name"}))]
    pub(crate) alerts: BTreeMap<PrometheusName, Alert>,
    /// Names of built-in alerts that are not wanted.
    #[serde(default)]
    pub(crate) without: Vec<PrometheusName>,
}

/// Whose Prometheus scrapes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Scraper {
    /// That of the release, `[prometheus]`. It needs neither rights nor custom resources.
    Release,
    /// That of a Prometheus operator in the cluster.
    Operator,
}

/// What services call their metrics of HTTP. The defaults are the names in most client libraries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct HttpMetrics {
    /// Counter of requests. The default is `http_requests_total`.
    pub(crate) requests: PrometheusName,
    /// Label of that counter with the status, such as `200`. The default is `status`.
    pub(crate) status: PrometheusName,
    /// Histogram of how long requests take, in seconds. The default is
    /// `http_request_duration_seconds`.
    pub(crate) duration: PrometheusName,
}

/// When there are alerts.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(default)]
pub(crate) struct Thresholds {
    /// Share of requests of each service that must not fail, over 30 days. Alerts come when the
    /// rest is used up too fast. The default is `99.9%`.
    pub(crate) availability: Percent,
    /// Time within which 95 % of the requests of each service are answered, in milliseconds. The
    /// default is 500.
    #[schemars(range(min = 1, max = 3_600_000))]
    pub(crate) latency_milliseconds: u32,
    /// Failed requests of a service, in percent, over five minutes. The default is 5.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) error_percent: u32,
    /// Use of a limit, of CPU, memory or connections, in percent. The default is 90.
    #[schemars(range(min = 1, max = 100))]
    pub(crate) saturation_percent: u32,
    /// Use of a volume, in percent. The default is 85. It is never less than 80, because a
    /// `[prometheus]` fills three quarters of its volume before it forgets.
    #[schemars(range(min = 80, max = 94))]
    pub(crate) volume_percent: u32,
    /// Restarts of a component's containers within 15 minutes. The default is 3.
    #[schemars(range(min = 1, max = 1000))]
    pub(crate) restarts: u32,
    /// How far a replica may be behind, in seconds. The default is 30.
    #[schemars(range(min = 1, max = 86_400))]
    pub(crate) replication_lag_seconds: u32,
    /// How long before its end a certificate must have been renewed, in days. The default is 14.
    /// The release's own `[prometheus]` has this alert only if it needs an endpoint with `metrics`,
    /// such as cert-manager's controller, which tells of certificates.
    #[schemars(range(min = 1, max = 365))]
    pub(crate) certificate_days: u32,
}

/// An alert of the environment's own.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Alert {
    /// PromQL expression, as it is: no placeholders. Prometheus refuses to start with one that it
    /// does not understand.
    pub(crate) expr: String,
    /// How long it must hold. The default is `5m`.
    #[serde(rename = "for", default = "default_for")]
    pub(crate) pending: Interval,
    /// How bad it is.
    pub(crate) severity: Severity,
    /// What is wrong, in one line. Prometheus' placeholders are possible, such as
    /// `{{ $labels.job }}`.
    pub(crate) summary: String,
    /// What that means and what to do. The default is the summary.
    #[serde(default)]
    pub(crate) description: Option<String>,
}

/// How bad an alert is: its label `severity`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Severity {
    /// Someone must act at once.
    Critical,
    /// Someone must act soon.
    Warning,
    /// Someone may want to know.
    Info,
    /// Nobody has to act. The alert `Watchdog`, which always fires, is of this kind: that it does
    /// not come means that alerts do not come.
    None,
}

impl Severity {
    /// Returns the label's value.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
            Self::Info => "info",
            Self::None => "none",
        }
    }
}

impl Default for HttpMetrics {
    #[expect(clippy::expect_used, reason = "constants, and tested")]
    fn default() -> Self {
        let name = |text: &str| PrometheusName::try_from(text.to_owned()).expect("a name");
        Self {
            requests: name("http_requests_total"),
            status: name("status"),
            duration: name("http_request_duration_seconds"),
        }
    }
}

impl Default for Thresholds {
    #[expect(clippy::expect_used, reason = "a constant, and tested")]
    fn default() -> Self {
        Self {
            availability: Percent::try_from("99.9%".to_owned()).expect("a share"),
            latency_milliseconds: 500,
            error_percent: 5,
            saturation_percent: 90,
            volume_percent: 85,
            restarts: 3,
            replication_lag_seconds: 30,
            certificate_days: 14,
        }
    }
}

fn default_interval() -> Interval {
    interval("30s")
}

fn default_for() -> Interval {
    interval("5m")
}

#[expect(clippy::expect_used, reason = "constants, and tested")]
fn interval(text: &str) -> Interval {
    Interval::try_from(text.to_owned()).expect("an interval")
}
