//! What the compiler knows of kinds: when each is applied, and how to tell that it is ready.

use a4co_bundle::{GroupKind, Readiness, ReadinessRule};
use serde_json::Value;

/// Waves, applied one after the other; the objects of one wave in any order.
///
/// | wave | what |
/// |---|---|
/// | 0 | what the others live in: namespaces, definitions of kinds |
/// | 1 | rules: accounts, rights, quotas, priorities, network policies |
/// | 2 | configuration and secrets, claims of storage |
/// | 3 | Services, so that names resolve when pods start |
/// | 4 | jobs that prepare, such as migrations |
/// | 5 | workloads |
/// | 6 | what works on workloads or leads to them; and every kind not in this table |
const LAST_WAVE: u8 = 6;

/// How to tell that an object is ready.
#[derive(Clone, Copy)]
enum Ready {
    /// Kubernetes has a rule of its own, or there is nothing to wait for.
    ByKind,
    /// A condition of the object's status.
    Condition(&'static str),
    /// As soon as it exists.
    Always,
}

/// Group, kind, wave, readiness.
const KINDS: [(&str, &str, u8, Ready); 34] = [
    ("", "Namespace", 0, Ready::ByKind),
    ("apiextensions.k8s.io", "CustomResourceDefinition", 0, Ready::ByKind),
    ("", "ServiceAccount", 1, Ready::ByKind),
    ("", "ResourceQuota", 1, Ready::ByKind),
    ("", "LimitRange", 1, Ready::ByKind),
    ("rbac.authorization.k8s.io", "Role", 1, Ready::ByKind),
    ("rbac.authorization.k8s.io", "RoleBinding", 1, Ready::ByKind),
    ("rbac.authorization.k8s.io", "ClusterRole", 1, Ready::ByKind),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", 1, Ready::ByKind),
    ("scheduling.k8s.io", "PriorityClass", 1, Ready::ByKind),
    ("storage.k8s.io", "StorageClass", 1, Ready::ByKind),
    ("networking.k8s.io", "NetworkPolicy", 1, Ready::ByKind),
    ("", "ConfigMap", 2, Ready::ByKind),
    ("", "Secret", 2, Ready::ByKind),
    ("", "PersistentVolumeClaim", 2, Ready::ByKind),
    ("external-secrets.io", "SecretStore", 2, Ready::Condition("Ready")),
    ("external-secrets.io", "ExternalSecret", 2, Ready::Condition("Ready")),
    // It may have to register with a server outside, for which no release should wait; an issuer of
    // the site's own is ready in a moment.
    ("cert-manager.io", "Issuer", 2, Ready::Always),
    ("", "Service", 3, Ready::ByKind),
    ("batch", "Job", 4, Ready::ByKind),
    ("", "Pod", 5, Ready::ByKind),
    ("apps", "Deployment", 5, Ready::ByKind),
    ("apps", "StatefulSet", 5, Ready::ByKind),
    ("apps", "DaemonSet", 5, Ready::ByKind),
    ("batch", "CronJob", 5, Ready::ByKind),
    ("autoscaling", "HorizontalPodAutoscaler", 6, Ready::ByKind),
    ("policy", "PodDisruptionBudget", 6, Ready::ByKind),
    ("networking.k8s.io", "Ingress", 6, Ready::ByKind),
    // An issuer may answer only after the host's name leads here, which may be after the release.
    ("cert-manager.io", "Certificate", 6, Ready::Always),
    ("gateway.networking.k8s.io", "Gateway", 6, Ready::Condition("Programmed")),
    ("gateway.networking.k8s.io", "HTTPRoute", 6, Ready::Always),
    ("monitoring.coreos.com", "ServiceMonitor", 6, Ready::Always),
    ("monitoring.coreos.com", "PodMonitor", 6, Ready::Always),
    ("monitoring.coreos.com", "PrometheusRule", 6, Ready::Always),
];

/// Returns the wave in which `manifest` is applied.
pub(crate) fn wave_of(manifest: &Value) -> u8 {
    let group_kind = group_kind_of(manifest);
    let known = KINDS.iter().find(|(group, kind, ..)| is_kind(&group_kind, group, kind));
    known.map_or(LAST_WAVE, |(.., wave, _)| *wave)
}

/// Returns the readiness rule of the kind of `manifest`, if it needs one.
pub(crate) fn readiness_of(manifest: &Value) -> Option<ReadinessRule> {
    let GroupKind { group, kind } = group_kind_of(manifest);
    let known = KINDS.iter().find(|(g, k, ..)| *g == group && *k == kind);
    let ready = match known?.3 {
        Ready::ByKind => return None,
        Ready::Always => Readiness::None,
        Ready::Condition(condition) => Readiness::Condition(condition.to_owned()),
    };
    Some(ReadinessRule { group, kind, ready })
}

fn is_kind(found: &GroupKind, group: &str, kind: &str) -> bool {
    found.group == group && found.kind == kind
}

fn group_kind_of(manifest: &Value) -> GroupKind {
    let api_version = manifest["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = manifest["kind"].as_str().unwrap_or_default();
    GroupKind { group: group.to_owned(), kind: kind.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_need_is_applied_before_them() {
        let wave = |api_version: &str, kind: &str| {
            wave_of(&json!({ "apiVersion": api_version, "kind": kind }))
        };
        let order = [
            wave("v1", "Namespace"),
            wave("v1", "ServiceAccount"),
            wave("external-secrets.io/v1", "ExternalSecret"),
            wave("v1", "Service"),
            wave("batch/v1", "Job"),
            wave("apps/v1", "Deployment"),
            wave("example.com/v1", "Whatever"),
        ];
        assert_eq!(order, [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(wave("example.com/v1", "Service"), LAST_WAVE, "a kind of another group");
    }
}
