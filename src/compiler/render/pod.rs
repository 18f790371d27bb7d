//! The pods of a component: where they run, as whom, with what.

use k8s_openapi::{
    api::core::v1::{
        Affinity, ConfigMapVolumeSource, EmptyDirVolumeSource, PodAffinityTerm, PodAntiAffinity,
        PodSecurityContext, PodSpec, PodTemplateSpec, SeccompProfile, SecretVolumeSource,
        Toleration, TopologySpreadConstraint, Volume, WeightedPodAffinityTerm,
    },
    apimachinery::pkg::{api::resource::Quantity, apis::meta::v1::ObjectMeta},
};

use super::{
    config_map, container,
    object::{instance_selector, non_empty, pod_labels, selector},
    persistent_volume_claim,
};
use crate::{
    component::{self, Component, Controller, VolumeSource},
    environment::pod,
    model::Model,
};

/// Label of nodes with the node's own name.
const HOST: &str = "kubernetes.io/hostname";

pub(super) fn render(model: &Model, component: &Component) -> PodTemplateSpec {
    let labels = Some(pod_labels(model, component));
    PodTemplateSpec {
        metadata: Some(ObjectMeta { labels, ..ObjectMeta::default() }),
        spec: Some(spec(model, component)),
    }
}

fn spec(model: &Model, component: &Component) -> PodSpec {
    let pod = &component.pod;
    PodSpec {
        service_account_name: Some(component.name.clone()),
        automount_service_account_token: Some(false),
        // Without this, every Service of the namespace would become variables like
        // `ORDER_SERVICE_PORT`, beside those that `needs` gives.
        enable_service_links: Some(false),
        security_context: Some(security_context(i64::from(pod.user))),
        containers: pod.containers.iter().map(|one| container::render(model, one)).collect(),
        volumes: non_empty(volumes(component)),
        affinity: component.instance.as_ref().map(|instance| apart(model, instance)),
        topology_spread_constraints: non_empty(spread(model, component)),
        tolerations: non_empty(pod.tolerations.iter().map(toleration).collect()),
        priority_class_name: pod.priority.clone(),
        restart_policy: Some(restart_policy(component).to_owned()),
        dns_policy: Some("ClusterFirst".to_owned()),
        scheduler_name: Some("default-scheduler".to_owned()),
        termination_grace_period_seconds: Some(pod.grace_seconds.into()),
        ..PodSpec::default()
    }
}

fn security_context(user: i64) -> PodSecurityContext {
    PodSecurityContext {
        run_as_non_root: Some(true),
        run_as_user: Some(user),
        run_as_group: Some(user),
        fs_group: Some(user),
        fs_group_change_policy: Some("OnRootMismatch".to_owned()),
        seccomp_profile: Some(SeccompProfile {
            type_: "RuntimeDefault".to_owned(),
            ..SeccompProfile::default()
        }),
        ..PodSecurityContext::default()
    }
}

/// A job whose pod failed gets another pod, so that the logs of the first stay readable.
fn restart_policy(component: &Component) -> &'static str {
    match component.controller {
        Controller::Deployment(_) | Controller::StatefulSet { .. } => "Always",
        Controller::CronJob(_) => "Never",
    }
}

fn volumes(component: &Component) -> Vec<Volume> {
    let own = component.pod.volumes.iter().map(|one| volume(component, one));
    own.chain(persistent_volume_claim::volumes(component)).collect()
}

/// Modes are written out: in octal 0555 and 0444, and 0440 for what is secret. The group of the pod
/// owns the files.
fn volume(component: &Component, volume: &component::Volume) -> Volume {
    let mut rendered = Volume { name: volume.name.clone(), ..Volume::default() };
    match &volume.source {
        VolumeSource::Scratch { limit, in_memory } => {
            rendered.empty_dir = Some(EmptyDirVolumeSource {
                size_limit: Some(Quantity(limit.to_string())),
                medium: in_memory.then(|| "Memory".to_owned()),
            });
        }
        VolumeSource::Files { executable } => {
            rendered.config_map = Some(ConfigMapVolumeSource {
                name: config_map::files_name(component, &volume.name),
                default_mode: Some(if *executable { 0o555 } else { 0o444 }),
                ..ConfigMapVolumeSource::default()
            });
        }
        VolumeSource::Secret { name } => {
            rendered.secret = Some(SecretVolumeSource {
                secret_name: Some(name.clone()),
                default_mode: Some(0o440),
                ..SecretVolumeSource::default()
            });
        }
    }
    rendered
}

/// Keeps the pods of one whole on different nodes, as far as possible.
fn apart(model: &Model, instance: &str) -> Affinity {
    let term = WeightedPodAffinityTerm {
        weight: 100,
        pod_affinity_term: PodAffinityTerm {
            topology_key: HOST.to_owned(),
            label_selector: Some(instance_selector(model, instance)),
            ..PodAffinityTerm::default()
        },
    };
    Affinity {
        pod_anti_affinity: Some(PodAntiAffinity {
            preferred_during_scheduling_ignored_during_execution: Some(vec![term]),
            ..PodAntiAffinity::default()
        }),
        ..Affinity::default()
    }
}

/// Spreads the pods of one version: without the hash, pods that are about to go would count too. A
/// `StatefulSet` never has two pods for one place.
fn spread(model: &Model, component: &Component) -> Vec<TopologySpreadConstraint> {
    let hash = matches!(component.controller, Controller::Deployment(_));
    let constraint = |key: &String| TopologySpreadConstraint {
        topology_key: key.clone(),
        max_skew: 1,
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(selector(model, &component.name)),
        match_label_keys: hash.then(|| vec!["pod-template-hash".to_owned()]),
        ..TopologySpreadConstraint::default()
    };
    component.pod.spread.iter().map(constraint).collect()
}

fn toleration(toleration: &pod::Toleration) -> Toleration {
    let operator = if toleration.value.is_some() { "Equal" } else { "Exists" };
    Toleration {
        key: Some(toleration.key.to_string()),
        operator: Some(operator.to_owned()),
        value: toleration.value.as_ref().map(ToString::to_string),
        effect: toleration.effect.map(|effect| effect.as_str().to_owned()),
        ..Toleration::default()
    }
}
