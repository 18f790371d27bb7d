//! Claims of storage: those that a `StatefulSet` makes for each of its pods, and those that the
//! pods of a `CronJob` share, one after the other.
//!
//! A claim is never pruned and never shrinks, whatever a release says.

use k8s_openapi::{
    api::core::v1::{
        PersistentVolumeClaim, PersistentVolumeClaimSpec, PersistentVolumeClaimVolumeSource,
        Volume, VolumeResourceRequirements,
    },
    apimachinery::pkg::api::resource::Quantity,
};
use serde_json::Value;

use super::object::{metadata_of, to_json};
use crate::{
    component::{Claim, Component, Controller},
    model::Model,
};

pub(super) fn render<'a>(
    model: &'a Model,
    component: &'a Component,
) -> impl Iterator<Item = Value> + 'a {
    shared_claims(component).iter().map(|claim| {
        to_json(&PersistentVolumeClaim {
            metadata: metadata_of(model, component, &name(component, claim)),
            spec: Some(spec(claim)),
            ..PersistentVolumeClaim::default()
        })
    })
}

/// Returns the volumes of the claims that the pods of `component` share.
pub(super) fn volumes(component: &Component) -> impl Iterator<Item = Volume> {
    shared_claims(component).iter().map(|claim| Volume {
        name: claim.volume.clone(),
        persistent_volume_claim: Some(PersistentVolumeClaimVolumeSource {
            claim_name: name(component, claim),
            ..PersistentVolumeClaimVolumeSource::default()
        }),
        ..Volume::default()
    })
}

pub(super) fn spec(claim: &Claim) -> PersistentVolumeClaimSpec {
    let size = Quantity(claim.size.to_string());
    PersistentVolumeClaimSpec {
        access_modes: Some(vec!["ReadWriteOnce".to_owned()]),
        storage_class_name: claim.class.clone(),
        volume_mode: Some("Filesystem".to_owned()),
        resources: Some(VolumeResourceRequirements {
            requests: Some([("storage".to_owned(), size)].into()),
            ..VolumeResourceRequirements::default()
        }),
        ..PersistentVolumeClaimSpec::default()
    }
}

fn shared_claims(component: &Component) -> &[Claim] {
    match &component.controller {
        Controller::Deployment(_) | Controller::StatefulSet { .. } => &[],
        Controller::CronJob(job) => &job.claims,
    }
}

fn name(component: &Component, claim: &Claim) -> String {
    format!("{}-{}", component.name, claim.volume)
}
