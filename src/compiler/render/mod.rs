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
use crate::{component::Component, model::Model, totals::Totals};

/// An object, and where the environment declares what it was rendered from.
pub(crate) struct Rendered {
    /// The object.
    pub(crate) manifest: Value,
    /// Path in the environment, with dots between.
    pub(crate) declared: String,
}

/// Renders what the namespace may hold, if it is limited: enough for `totals`.
pub(crate) fn render_quota(model: &Model, totals: &Totals) -> Vec<Rendered> {
    declared("quota", resource_quota::render(model, totals)).collect()
}

/// Renders every other object of `model`, in no particular order.
pub(crate) fn render(model: &Model) -> Vec<Rendered> {
    let mut objects = Vec::new();
    objects.extend(declared("release", [namespace::render(model)]));
    objects.extend(declared("release", [network_policy::render_default_deny(model)]));
    objects.extend(declared("release", priority_class::render(model)));
    for (path, object) in [
        ("settings", config_map::render_settings(model)),
        ("edge", ingress::render(model)),
        ("edge", gateway::render(model)),
        ("edge.force_https", http_route::render_redirect(model)),
        ("edge.tls", certificate::render(model)),
        ("edge.tls", network_policy::render_solver(model)),
        ("network.ingress_controller", network_policy::render_gateway(model)),
        ("secret_store", secret_store::render(model)),
        ("secret_store", secret_store::render_account(model)),
        ("monitoring", prometheus_rule::render(model)),
    ] {
        objects.extend(declared(path, object));
    }
    objects.extend(declared("secrets", external_secret::render(model)));
    objects.extend(declared("issuers", issuer::render(model)));
    for component in &model.components {
        let path = model.names.get(&component.name).map_or("release", String::as_str);
        objects.extend(declared(path, render_component(model, component)));
    }
    objects
}

fn declared(
    path: &str,
    objects: impl IntoIterator<Item = Value>,
) -> impl Iterator<Item = Rendered> {
    objects.into_iter().map(move |manifest| Rendered { manifest, declared: path.to_owned() })
}

fn render_component(model: &Model, component: &Component) -> Vec<Value> {
    let mut objects =
        vec![service_account::render(model, component), network_policy::render(model, component)];
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
    objects
}
