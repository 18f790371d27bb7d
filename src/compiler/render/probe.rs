//! Probes, with every number written out.

use k8s_openapi::{
    api::core::v1::{HTTPGetAction, Probe},
    apimachinery::pkg::util::intstr::IntOrString,
};

use super::{object::count, service};
use crate::environment::probe;

pub(super) fn render(probe: &probe::Probe) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(probe.path.to_string()),
            port: IntOrString::String(service::HTTP.to_owned()),
            scheme: Some("HTTP".to_owned()),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(count(probe.period_seconds)),
        timeout_seconds: Some(count(probe.timeout_seconds)),
        failure_threshold: Some(count(probe.failure_threshold)),
        success_threshold: Some(1),
        ..Probe::default()
    }
}
