//! Autoscalers can work: they alone say how many pods there are, and they can measure.

use serde_json::Value;

use super::{Fault, Faults, View, pods::Pods};
use crate::member::{Member, group_of};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    let scalers: Vec<_> = view
        .of_kind("autoscaling", "HorizontalPodAutoscaler")
        .chain(view.of_kind("keda.sh", "ScaledObject"))
        .collect();
    for (position, scaler) in scalers.iter().enumerate() {
        check_range(scaler, faults);
        check_metrics(view, scaler, faults);
        let Some(target) = target(view, scaler) else {
            continue;
        };
        let is_same = |other: &Member| {
            self::target(view, other).is_some_and(|other| other.is_same_as(target))
        };
        if let Some(other) = scalers[..position].iter().find(|other| is_same(other)) {
            let (target, other) = (target.title(), other.title());
            faults.add(
                scaler,
                &["spec", "scaleTargetRef"],
                Fault::TwoAutoscalers { target, other },
            );
        }
        if !target.manifest["spec"]["replicas"].is_null() {
            let autoscaler = scaler.title();
            faults.add(target, &["spec", "replicas"], Fault::FixedReplicas { autoscaler });
        }
        check_requests(scaler, target, faults);
    }
}

/// Returns the workload that `scaler` scales, if the release holds it.
pub(super) fn target<'a>(view: &View<'a>, scaler: &Member) -> Option<&'a Member> {
    let reference = &scaler.manifest["spec"]["scaleTargetRef"];
    let kind = reference["kind"].as_str().unwrap_or("Deployment");
    let group = reference["apiVersion"].as_str().map_or("apps", group_of);
    view.find(group, kind, scaler.namespace(), reference["name"].as_str()?)
}

fn check_range(scaler: &Member, faults: &mut Faults<'_, '_>) {
    let spec = &scaler.manifest["spec"];
    let min = spec["minReplicas"].as_i64().unwrap_or(1);
    if let Some(max) = spec["maxReplicas"].as_i64()
        && min > max
    {
        faults.add(scaler, &["spec", "minReplicas"], Fault::RangeReversed { min, max });
    }
}

fn check_metrics(view: &View<'_>, scaler: &Member, faults: &mut Faults<'_, '_>) {
    if view.environment.site.custom_metrics || scaler.group() != "autoscaling" {
        return;
    }
    for (position, metric) in metrics(scaler).enumerate() {
        let kind = metric["type"].as_str().unwrap_or_default();
        if !matches!(kind, "Resource" | "ContainerResource") {
            let path = ["spec", "metrics", &position.to_string(), "type"];
            faults.add(scaler, &path, Fault::CustomMetric { metric: kind.to_owned() });
        }
    }
}

/// Reports containers without the requests of which the scaler wants a share.
fn check_requests(scaler: &Member, target: &Member, faults: &mut Faults<'_, '_>) {
    let Some(pods) = Pods::of(target) else {
        return;
    };
    for (position, metric) in metrics(scaler).enumerate() {
        let only = metric["containerResource"]["container"].as_str();
        let metric = match metric["type"].as_str() {
            Some("Resource") => &metric["resource"],
            Some("ContainerResource") => &metric["containerResource"],
            _ => continue,
        };
        let resource = metric["name"].as_str().unwrap_or_default();
        if metric["target"]["averageUtilization"].is_null() {
            continue;
        }
        for container in pods.containers().filter(|it| only.is_none_or(|only| only == it.name())) {
            let resources = &container.value["resources"];
            let has = |kind: &str| !resources[kind][resource].is_null();
            if !has("requests") && !has("limits") {
                let (container, target) = (container.name().to_owned(), target.title());
                let fault = Fault::NoRequest { resource: resource.to_owned(), container, target };
                faults.add(scaler, &["spec", "metrics", &position.to_string()], fault);
            }
        }
    }
}

fn metrics(scaler: &Member) -> impl Iterator<Item = &Value> {
    scaler.manifest["spec"]["metrics"].as_array().into_iter().flatten()
}
