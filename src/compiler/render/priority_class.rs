//! The priority of what keeps data: on a full node, others go first.

use std::collections::BTreeSet;

use k8s_openapi::{
    api::scheduling::v1::PriorityClass, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::Value;

use super::object::{shared_metadata, to_json};
use crate::model::Model;

/// Far above the default of 0, far below what Kubernetes keeps for itself (2 × 10⁹).
const VALUE: i32 = 1_000_000;

pub(super) fn render(model: &Model) -> Vec<Value> {
    let components = model.components.iter();
    let names: BTreeSet<_> = components.filter_map(|one| one.pod.priority.as_deref()).collect();
    let class = |name: &str| PriorityClass {
        metadata: ObjectMeta { namespace: None, ..shared_metadata(model, name) },
        value: VALUE,
        global_default: Some(false),
        preemption_policy: Some("PreemptLowerPriority".to_owned()),
        description: Some(format!("Keeps data of {}: others are evicted first", model.app())),
    };
    names.into_iter().map(|name| to_json(&class(name))).collect()
}
