//! What the compiler knows of kinds: whether they have a namespace, when each is applied, and how to
//! tell that it is ready.

mod table;

use a4co_bundle::{GroupKind, Readiness, ReadinessRule};
use serde_json::Value;

use self::table::{GROUPS, Group};
use crate::{environment::manifests::Scope, member::group_of};

/// Waves, applied one after the other, each once the one before is ready; the objects of one wave in
/// any order.
///
/// | wave | what |
/// |---|---|
/// | 0 | what the others live in: namespaces, definitions of kinds |
/// | 1 | rules: accounts, rights, quotas, priorities, classes, volumes, network policies |
/// | 2 | configuration, secrets and certificates, claims of storage |
/// | 3 | Services, so that names resolve when pods start |
/// | 4 | jobs that prepare, such as migrations |
/// | 5 | workloads |
/// | 6 | what works on workloads or leads to them; and every kind not in this table |
const LAST_WAVE: u8 = 6;

/// A kind of an API group.
#[derive(Clone, Copy)]
struct Kind {
    name: &'static str,
    scope: Scope,
    wave: u8,
    ready: Ready,
}

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

const fn namespaced(name: &'static str, wave: u8) -> Kind {
    Kind { name, scope: Scope::Namespaced, wave, ready: Ready::ByKind }
}

const fn cluster(name: &'static str, wave: u8) -> Kind {
    Kind { name, scope: Scope::Cluster, wave, ready: Ready::ByKind }
}

impl Kind {
    const fn ready(self, ready: Ready) -> Self {
        Self { ready, ..self }
    }
}

/// Returns the names of the kinds of `group`, if it is known.
pub(crate) fn kinds_of(group: &str) -> Option<impl Iterator<Item = &'static str>> {
    Some(find_group(group)?.kinds.iter().map(|kind| kind.name))
}

/// Returns whether `kind` has a namespace, if it is known.
pub(crate) fn scope_of(kind: &GroupKind) -> Option<Scope> {
    find(kind).map(|kind| kind.scope)
}

/// Returns the wave in which `manifest` is applied.
pub(crate) fn wave_of(manifest: &Value) -> u8 {
    find(&group_kind_of(manifest)).map_or(LAST_WAVE, |kind| kind.wave)
}

/// Returns the readiness rule of the kind of `manifest`, if it needs one.
pub(crate) fn readiness_of(manifest: &Value) -> Option<ReadinessRule> {
    let group_kind = group_kind_of(manifest);
    let ready = match find(&group_kind)?.ready {
        Ready::ByKind => return None,
        Ready::Always => Readiness::None,
        Ready::Condition(condition) => Readiness::Condition(condition.to_owned()),
    };
    let GroupKind { group, kind } = group_kind;
    Some(ReadinessRule { group, kind, ready })
}

fn find_group(name: &str) -> Option<&'static Group> {
    GROUPS.iter().find(|group| group.name == name)
}

fn find(wanted: &GroupKind) -> Option<Kind> {
    let mut kinds = find_group(&wanted.group)?.kinds.iter();
    kinds.find(|kind| kind.name == wanted.kind).copied()
}

fn group_kind_of(manifest: &Value) -> GroupKind {
    let group = group_of(manifest["apiVersion"].as_str().unwrap_or_default());
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

    /// Pods, claims and secrets wait for what belongs to the cluster, so it comes before them.
    #[test]
    fn what_belongs_to_the_cluster_is_applied_before_workloads_unless_they_serve_it() {
        const SERVED: [&str; 3] =
            ["APIService", "MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];
        // Questions, of which nothing stays; and what controllers write.
        const PASSING: [&str; 7] = [
            "CertificateSigningRequest",
            "ClusterPushSecret",
            "SelfSubjectAccessReview",
            "SelfSubjectReview",
            "SelfSubjectRulesReview",
            "SubjectAccessReview",
            "TokenReview",
        ];
        const CONFIGURATION: [&str; 5] = [
            "ClusterExternalSecret",
            "ClusterIssuer",
            "ClusterSecretStore",
            "ClusterTriggerAuthentication",
            "ClusterTrustBundle",
        ];
        let kinds = GROUPS.iter().flat_map(|group| group.kinds);
        for kind in kinds.filter(|kind| kind.scope == Scope::Cluster) {
            let expected = match kind.name {
                "Namespace" | "CustomResourceDefinition" => 0,
                name if CONFIGURATION.contains(&name) => 2,
                name if SERVED.contains(&name) || PASSING.contains(&name) => LAST_WAVE,
                _ => 1,
            };
            assert_eq!(kind.wave, expected, "{}", kind.name);
        }
    }

    #[test]
    fn what_pods_mount_is_applied_before_them() {
        for (api_version, kind) in [
            ("v1", "ConfigMap"),
            ("v1", "PersistentVolume"),
            ("v1", "PersistentVolumeClaim"),
            ("cert-manager.io/v1", "Certificate"),
            ("cert-manager.io/v1", "ClusterIssuer"),
            ("external-secrets.io/v1", "ClusterSecretStore"),
            ("external-secrets.io/v1", "ExternalSecret"),
            ("resource.k8s.io/v1", "ResourceClaim"),
        ] {
            let wave = wave_of(&json!({ "apiVersion": api_version, "kind": kind }));
            assert!(wave <= 2, "{kind}: {wave}");
        }
    }

    #[test]
    fn no_kind_is_in_the_table_twice() {
        for group in &GROUPS {
            let names: std::collections::BTreeSet<_> =
                group.kinds.iter().map(|kind| kind.name).collect();
            assert_eq!(names.len(), group.kinds.len(), "{}", group.name);
        }
    }
}
