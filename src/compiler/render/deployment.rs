//! A Deployment for each component whose pods can replace each other. No old pod goes before a new
//! one is ready.

use k8s_openapi::{
    api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
    apimachinery::pkg::util::intstr::IntOrString,
};
use serde_json::Value;

use super::{
    object::{count, metadata_of, selector, to_json},
    pod,
};
use crate::{
    component::{Component, Controller},
    environment::pod::Rollout,
    model::Model,
};

pub(super) fn render(model: &Model, component: &Component) -> Option<Value> {
    let Controller::Deployment(rollout) = &component.controller else {
        return None;
    };
    let is_fixed = component.autoscaling.is_none();
    Some(to_json(&Deployment {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(DeploymentSpec {
            // With an autoscaler the number is the autoscaler's; to write it here would undo its
            // work at every apply.
            replicas: is_fixed.then(|| count(component.replicas.min)),
            selector: selector(model, &component.name),
            strategy: Some(strategy(rollout)),
            revision_history_limit: Some(count(rollout.revision_history_limit)),
            progress_deadline_seconds: Some(count(rollout.progress_deadline_seconds)),
            template: pod::render(model, component),
            ..DeploymentSpec::default()
        }),
        ..Deployment::default()
    }))
}

/// Writes the numbers out: numbers that the server filled in could not be removed by an apply, and
/// would make a later change of the type fail.
fn strategy(rollout: &Rollout) -> DeploymentStrategy {
    let surge = AsRef::<str>::as_ref(&rollout.max_surge);
    let max_surge = match surge.parse() {
        Ok(number) => IntOrString::Int(number),
        Err(_) => IntOrString::String(surge.to_owned()),
    };
    DeploymentStrategy {
        type_: Some("RollingUpdate".to_owned()),
        rolling_update: Some(RollingUpdateDeployment {
            max_surge: Some(max_surge),
            max_unavailable: Some(IntOrString::Int(0)),
        }),
    }
}
