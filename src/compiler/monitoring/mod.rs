//! What the programs that watch are told: rules, configuration, dashboards.
//!
//! Pure functions of the components that run. Nothing here knows how the programs themselves run;
//! that is [`crate::resolve`].

pub(crate) mod alertmanager;
pub(crate) mod alerts;
pub(crate) mod dashboards;
#[cfg(test)]
mod fixture;
pub(crate) mod grafana;
pub(crate) mod jaeger;
pub(crate) mod prometheus;
pub(crate) mod rule;
mod watched;

pub(crate) use self::watched::Watched;

/// Name of the release's own Prometheus.
pub(crate) const PROMETHEUS: &str = "prometheus";

/// Name of its Alertmanager.
pub(crate) const ALERTMANAGER: &str = "alertmanager";

/// Name of Grafana.
pub(crate) const GRAFANA: &str = "grafana";

/// Name of Jaeger, and the key by which it is needed.
pub(crate) const JAEGER: &str = "jaeger";
