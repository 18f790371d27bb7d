//! Turns a model into Kubernetes objects: one file a kind, no failure possible.
//!
//! Invariants of every object: it carries the common labels and its namespace; it says nothing of
//! the release that holds it, so equal parts of two releases are equal objects; and fields that the
//! API server would otherwise fill in are written out where server-side apply could not take them
//! back when a later release says otherwise.

mod certificate;
mod config_map;
mod container;
mod cron_job;
mod deployment;
mod external_secret;
mod gateway;
mod horizontal_pod_autoscaler;
mod http_route;
mod ingress;
mod issuer;
mod namespace;
mod network_policy;
mod object;
mod persistent_volume_claim;
mod pod;
mod pod_disruption_budget;
mod priority_class;
mod probe;
mod prometheus_rule;
mod resource_quota;
mod secret_store;
mod service;
mod service_account;
mod service_monitor;
mod stateful_set;

use serde_json::Value;

pub(crate) use self::object::{MANAGED_BY, MANAGER, PART_OF};
use crate::{model::Model, totals::Totals};

/// Renders what the namespace may hold, if it is limited: enough for `totals`.
pub(crate) fn render_quota(model: &Model, totals: &Totals) -> Vec<Value> {
    resource_quota::render(model, totals)
}

/// Renders every other object of `model`, in no particular order.
pub(crate) fn render(model: &Model) -> Vec<Value> {
    let shared = [namespace::render(model), network_policy::render_default_deny(model)];
    let optional = [
        config_map::render_settings(model),
        ingress::render(model),
        gateway::render(model),
        http_route::render_redirect(model),
        certificate::render(model),
        network_policy::render_solver(model),
        network_policy::render_gateway(model),
        secret_store::render(model),
        secret_store::render_account(model),
        prometheus_rule::render(model),
    ];
    let mut objects: Vec<_> = shared.into_iter().chain(optional.into_iter().flatten()).collect();
    objects.extend(priority_class::render(model));
    objects.extend(external_secret::render(model));
    objects.extend(issuer::render(model));
    for component in &model.components {
        objects.extend([
            service_account::render(model, component),
            network_policy::render(model, component),
        ]);
        objects.extend(config_map::render_files(model, component));
        objects.extend(service::render(model, component));
        objects.extend(deployment::render(model, component));
        objects.extend(stateful_set::render(model, component));
        objects.extend(persistent_volume_claim::render(model, component));
        objects.extend(cron_job::render(model, component));
        objects.extend(horizontal_pod_autoscaler::render(model, component));
        objects.extend(pod_disruption_budget::render(model, component));
        objects.extend(service_monitor::render(model, component));
        objects.extend(http_route::render(model, component));
    }
    objects
}
