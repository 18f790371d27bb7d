//! A disruption budget lets at least one pod go, else no node could ever be drained.

use serde_json::Value;

use super::{Fault, Faults, Pods, View, autoscaling, pods::selects};
use crate::member::Member;

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for budget in view.of_kind("policy", "PodDisruptionBudget") {
        let spec = &budget.manifest["spec"];
        let selected: Vec<_> = view
            .pods()
            .filter(|pods| pods.member.namespace() == budget.namespace())
            .filter(|pods| selects(&spec["selector"], pods.labels()))
            .collect();
        let counts: Option<Vec<_>> = selected.iter().map(|pods| least(view, pods)).collect();
        // Nobody knows how many pods a DaemonSet has.
        let Some(pods) = counts.filter(|counts| !counts.is_empty()) else {
            continue;
        };
        let pods = pods.iter().sum();
        for (setting, blocks) in [
            ("minAvailable", up(&spec["minAvailable"], pods).is_some_and(|least| least >= pods)),
            ("maxUnavailable", up(&spec["maxUnavailable"], pods) == Some(0)),
        ] {
            if blocks {
                let value = spec[setting].to_string().replace('"', "");
                let setting_text = format!("{setting}: {value}");
                let fault = Fault::BlocksDrains { setting: setting_text, pods };
                faults.add(budget, &["spec", setting], fault);
            }
        }
    }
}

/// Returns the least number of pods that a workload has, if it is known.
fn least(view: &View<'_>, pods: &Pods<'_>) -> Option<i64> {
    let workload: &Member = pods.member;
    if !matches!(workload.kind(), "Deployment" | "StatefulSet" | "ReplicaSet") {
        return None;
    }
    let mut scalers = view.of_kind("autoscaling", "HorizontalPodAutoscaler");
    let scaler = scalers.find(|scaler| {
        autoscaling::target(view, scaler).is_some_and(|target| target.is_same_as(workload))
    });
    let count = match scaler {
        Some(scaler) => &scaler.manifest["spec"]["minReplicas"],
        None => &workload.manifest["spec"]["replicas"],
    };
    Some(count.as_i64().unwrap_or(1))
}

/// Returns how many of `pods` a number or a share is; Kubernetes rounds shares up.
fn up(value: &Value, pods: i64) -> Option<i64> {
    if let Some(number) = value.as_i64() {
        return Some(number);
    }
    let percent: i64 = value.as_str()?.strip_suffix('%')?.parse().ok()?;
    Some((pods.checked_mul(percent)?.checked_add(99)?) / 100)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn shares_are_rounded_up() {
        for (value, pods, expected) in [
            (json!(2), 3, Some(2)),
            (json!("50%"), 3, Some(2)),
            (json!("51%"), 1, Some(1)),
            (json!("0%"), 3, Some(0)),
            (json!("100%"), 3, Some(3)),
            (Value::Null, 3, None),
        ] {
            assert_eq!(up(&value, pods), expected, "{value} of {pods}");
        }
    }
}
