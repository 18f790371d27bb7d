//! An autoscaler for each component whose number of pods is a range.

use k8s_openapi::api::autoscaling::v2::{
    CrossVersionObjectReference, HPAScalingPolicy, HPAScalingRules, HorizontalPodAutoscaler,
    HorizontalPodAutoscalerBehavior, HorizontalPodAutoscalerSpec, MetricSpec, MetricTarget,
    ResourceMetricSource,
};
use serde_json::Value;

use super::object::{count, metadata_of, to_json};
use crate::{component::Component, environment::capacity::Scaling, model::Model};

pub(super) fn render(model: &Model, component: &Component) -> Option<Value> {
    let autoscaling = component.autoscaling.as_ref()?;
    Some(to_json(&HorizontalPodAutoscaler {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(HorizontalPodAutoscalerSpec {
            scale_target_ref: CrossVersionObjectReference {
                api_version: Some("apps/v1".to_owned()),
                kind: "Deployment".to_owned(),
                name: component.name.clone(),
            },
            min_replicas: Some(count(component.replicas.min)),
            max_replicas: count(component.replicas.most()),
            metrics: Some(vec![
                utilization("cpu", autoscaling.cpu),
                utilization("memory", autoscaling.memory),
            ]),
            behavior: Some(HorizontalPodAutoscalerBehavior {
                scale_up: Some(rules(&autoscaling.scale_up, "Max")),
                scale_down: Some(rules(&autoscaling.scale_down, "Min")),
            }),
        }),
        ..HorizontalPodAutoscaler::default()
    }))
}

fn utilization(resource: &str, percent: u32) -> MetricSpec {
    MetricSpec {
        type_: "Resource".to_owned(),
        resource: Some(ResourceMetricSource {
            name: resource.to_owned(),
            target: MetricTarget {
                type_: "Utilization".to_owned(),
                average_utilization: Some(count(percent)),
                ..MetricTarget::default()
            },
        }),
        ..MetricSpec::default()
    }
}

fn rules(scaling: &Scaling, select_policy: &str) -> HPAScalingRules {
    let policy = |type_: &str, value: u32| HPAScalingPolicy {
        type_: type_.to_owned(),
        value: count(value),
        period_seconds: count(scaling.period_seconds),
    };
    HPAScalingRules {
        stabilization_window_seconds: Some(count(scaling.stabilization_seconds)),
        select_policy: Some(select_policy.to_owned()),
        policies: Some(vec![policy("Percent", scaling.percent), policy("Pods", scaling.pods)]),
        ..HPAScalingRules::default()
    }
}
