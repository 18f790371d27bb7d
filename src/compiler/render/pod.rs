//! The pods of a component: where they run, as whom, with what.

use k8s_openapi::{
    api::core::v1::{
        EmptyDirVolumeSource, PodSecurityContext, PodSpec, SeccompProfile, Toleration,
        TopologySpreadConstraint, Volume,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use super::{
    container,
    object::{non_empty, selector},
};
use crate::{
    environment::pod,
    model::{Component, Folder, Model},
};

pub(super) fn render(model: &Model, component: &Component) -> PodSpec {
    let service = component.service;
    let rollout = &service.rollout;
    PodSpec {
        service_account_name: Some(component.name.clone()),
        automount_service_account_token: Some(false),
        // Without this, every Service of the namespace would become variables like
        // `ORDER_SERVICE_PORT`, beside those that `needs` gives.
        enable_service_links: Some(false),
        security_context: Some(security_context(i64::from(service.user))),
        containers: vec![container::render(model, component)],
        volumes: non_empty(component.folders.iter().map(volume).collect()),
        topology_spread_constraints: non_empty(spread(model, component)),
        tolerations: non_empty(service.tolerations.iter().map(toleration).collect()),
        restart_policy: Some("Always".to_owned()),
        dns_policy: Some("ClusterFirst".to_owned()),
        scheduler_name: Some("default-scheduler".to_owned()),
        termination_grace_period_seconds: Some(rollout.termination_grace_period_seconds.into()),
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

fn volume(folder: &Folder) -> Volume {
    Volume {
        name: folder.volume.clone(),
        empty_dir: Some(EmptyDirVolumeSource {
            size_limit: Some(Quantity(folder.limit.to_string())),
            ..EmptyDirVolumeSource::default()
        }),
        ..Volume::default()
    }
}

/// Spreads the pods of one version: without the hash, pods that are about to go would count too.
fn spread(model: &Model, component: &Component) -> Vec<TopologySpreadConstraint> {
    let constraint = |key: &str| TopologySpreadConstraint {
        topology_key: key.to_owned(),
        max_skew: 1,
        when_unsatisfiable: "ScheduleAnyway".to_owned(),
        label_selector: Some(selector(model, &component.name)),
        match_label_keys: Some(vec!["pod-template-hash".to_owned()]),
        ..TopologySpreadConstraint::default()
    };
    component.service.spread.iter().map(|key| constraint(key.as_ref())).collect()
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
