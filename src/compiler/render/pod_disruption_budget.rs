//! A disruption budget for each component that keeps some pods through a drain.

use k8s_openapi::{
    api::policy::v1::{PodDisruptionBudget, PodDisruptionBudgetSpec},
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde_json::Value;

use super::object::{count, metadata_of, selector, to_json};
use crate::{component::Component, model::Model};

pub(super) fn render(model: &Model, component: &Component) -> Option<Value> {
    let min_available = Some(component.min_available).filter(|least| *least > 0)?;
    Some(to_json(&PodDisruptionBudget {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(PodDisruptionBudgetSpec {
            min_available: Some(IntOrString::Int(count(min_available))),
            selector: Some(selector(model, &component.name)),
            unhealthy_pod_eviction_policy: Some("IfHealthyBudget".to_owned()),
            ..PodDisruptionBudgetSpec::default()
        }),
        ..PodDisruptionBudget::default()
    }))
}
