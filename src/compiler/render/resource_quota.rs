//! What the namespace may hold, and what containers get that say nothing.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{LimitRange, LimitRangeItem, LimitRangeSpec, ResourceQuota, ResourceQuotaSpec},
    apimachinery::pkg::api::resource::Quantity,
};
use serde_json::Value;

use super::object::{quantities, shared_metadata, to_json};
use crate::{
    model::Model,
    totals::{Demand, Totals},
};

pub(super) fn render(model: &Model, totals: &Totals) -> Vec<Value> {
    let Some(quota) = &model.environment.quota else {
        return Vec::new();
    };
    let mut hard = hard(&totals.peak, quota.headroom_percent);
    if model.environment.has_gateway() {
        // Its controller opens it to the outside by a Service of its own, in this namespace.
        hard.retain(|name, _| !name.starts_with("services."));
    }
    let limits = LimitRangeItem {
        type_: "Container".to_owned(),
        default_request: Some(quantities(&quota.default_requests)),
        default: Some(quantities(&quota.default_limits)),
        ..LimitRangeItem::default()
    };
    vec![
        to_json(&ResourceQuota {
            metadata: shared_metadata(model, model.app()),
            spec: Some(ResourceQuotaSpec { hard: Some(hard), ..ResourceQuotaSpec::default() }),
            ..ResourceQuota::default()
        }),
        to_json(&LimitRange {
            metadata: shared_metadata(model, model.app()),
            spec: Some(LimitRangeSpec { limits: vec![limits] }),
        }),
    ]
}

/// Nothing of a release is open to the outside but through the ingress controller or the gateway. Storage has no
/// bound: claims outlive everything, and those of a datastore that is gone must not be in the way of
/// another.
fn hard(peak: &Demand, headroom_percent: u32) -> BTreeMap<String, Quantity> {
    let with_room = |amount: u64| {
        let room = amount.saturating_mul(headroom_percent.into()).div_ceil(100);
        amount.saturating_add(room)
    };
    let mebibytes = |bytes: u64| format!("{}Mi", with_room(bytes).div_ceil(1 << 20));
    let hard = [
        ("pods", with_room(peak.pods.into()).to_string()),
        ("requests.cpu", format!("{}m", with_room(peak.cpu.millicores()))),
        ("requests.memory", mebibytes(peak.memory.bytes())),
        ("limits.cpu", format!("{}m", with_room(peak.cpu_limit.millicores()))),
        ("limits.memory", mebibytes(peak.memory_limit.bytes())),
        ("services.loadbalancers", "0".to_owned()),
        ("services.nodeports", "0".to_owned()),
    ];
    hard.into_iter().map(|(name, text)| (name.to_owned(), Quantity(text))).collect()
}
