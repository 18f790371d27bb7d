//! A `StatefulSet` for each component whose pods have a name and a volume each.
//!
//! Claims outlive everything: neither deleting the set, nor taking pods away, nor going back to
//! another release deletes data. Whoever wants that deletes the claims.

use k8s_openapi::{
    api::{
        apps::v1::{
            RollingUpdateStatefulSetStrategy, StatefulSet,
            StatefulSetPersistentVolumeClaimRetentionPolicy, StatefulSetSpec,
            StatefulSetUpdateStrategy,
        },
        core::v1::PersistentVolumeClaim,
    },
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::Value;

use super::{
    object::{count, metadata_of, non_empty, pod_labels, selector, to_json},
    persistent_volume_claim, pod,
};
use crate::{
    component::{Claim, Component, Controller},
    model::Model,
};

pub(super) fn render(model: &Model, component: &Component) -> Option<Value> {
    let Controller::StatefulSet { service, claims } = &component.controller else {
        return None;
    };
    Some(to_json(&StatefulSet {
        metadata: metadata_of(model, component, &component.name),
        spec: Some(StatefulSetSpec {
            replicas: Some(count(component.replicas.min)),
            selector: selector(model, &component.name),
            service_name: Some(service.clone()),
            // In order, each pod would wait for the one before, although servers of a cluster wait for
            // each other; and one that never gets ready would not be replaced by a better one.
            pod_management_policy: Some("Parallel".to_owned()),
            revision_history_limit: Some(3),
            update_strategy: Some(StatefulSetUpdateStrategy {
                type_: Some("RollingUpdate".to_owned()),
                rolling_update: Some(RollingUpdateStatefulSetStrategy {
                    partition: Some(0),
                    ..RollingUpdateStatefulSetStrategy::default()
                }),
            }),
            persistent_volume_claim_retention_policy: Some(
                StatefulSetPersistentVolumeClaimRetentionPolicy {
                    when_deleted: Some("Retain".to_owned()),
                    when_scaled: Some("Retain".to_owned()),
                },
            ),
            template: pod::render(model, component),
            volume_claim_templates: non_empty(
                claims.iter().map(|one| claim(model, component, one)).collect(),
            ),
            ..StatefulSetSpec::default()
        }),
        ..StatefulSet::default()
    }))
}

/// The templates of claims can never change, so that nothing stands here that a release could want
/// to change, but for the size.
fn claim(model: &Model, component: &Component, claim: &Claim) -> PersistentVolumeClaim {
    PersistentVolumeClaim {
        metadata: ObjectMeta {
            name: Some(claim.volume.clone()),
            labels: Some(pod_labels(model, component)),
            ..ObjectMeta::default()
        },
        spec: Some(persistent_volume_claim::spec(claim)),
        ..PersistentVolumeClaim::default()
    }
}
