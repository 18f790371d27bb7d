//! Which kinds have a namespace, and which belong to the cluster as a whole.

use std::collections::BTreeMap;

use a4co_bundle::GroupKind;

use crate::{
    environment::manifests::Scope,
    tree::{Node, Value},
};

/// Kinds of a group: those with a namespace, those without.
type Group = (&'static str, &'static [&'static str], &'static [&'static str]);

/// The kinds of Kubernetes itself (1.36), and of the operators for which the compiler writes
/// objects.
const GROUPS: [Group; 28] = [
    (
        "",
        &[
            "Binding",
            "ConfigMap",
            "Endpoints",
            "Event",
            "LimitRange",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
        &["Namespace", "Node", "PersistentVolume"],
    ),
    (
        "admissionregistration.k8s.io",
        &[],
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &[], &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &[], &["APIService"]),
    ("apps", &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"], &[]),
    ("authentication.k8s.io", &[], &["SelfSubjectReview", "TokenReview"]),
    (
        "authorization.k8s.io",
        &["LocalSubjectAccessReview"],
        &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
    ),
    ("autoscaling", &["HorizontalPodAutoscaler"], &[]),
    ("autoscaling.k8s.io", &["VerticalPodAutoscaler", "VerticalPodAutoscalerCheckpoint"], &[]),
    ("batch", &["CronJob", "Job"], &[]),
    (
        "certificates.k8s.io",
        &["PodCertificateRequest"],
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    ("coordination.k8s.io", &["Lease", "LeaseCandidate"], &[]),
    ("discovery.k8s.io", &["EndpointSlice"], &[]),
    ("events.k8s.io", &["Event"], &[]),
    // No longer served; said with the kinds so that the finding is about that.
    ("extensions", &["DaemonSet", "Deployment", "Ingress", "NetworkPolicy", "ReplicaSet"], &[]),
    ("flowcontrol.apiserver.k8s.io", &[], &["FlowSchema", "PriorityLevelConfiguration"]),
    (
        "networking.k8s.io",
        &["Ingress", "NetworkPolicy"],
        &["IPAddress", "IngressClass", "ServiceCIDR"],
    ),
    ("node.k8s.io", &[], &["RuntimeClass"]),
    ("policy", &["PodDisruptionBudget"], &["PodSecurityPolicy"]),
    ("rbac.authorization.k8s.io", &["Role", "RoleBinding"], &["ClusterRole", "ClusterRoleBinding"]),
    (
        "resource.k8s.io",
        &["ResourceClaim", "ResourceClaimTemplate"],
        &["DeviceClass", "DeviceTaintRule", "ResourceSlice"],
    ),
    ("scheduling.k8s.io", &[], &["PriorityClass"]),
    (
        "storage.k8s.io",
        &["CSIStorageCapacity"],
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
    ),
    ("cert-manager.io", &["Certificate", "CertificateRequest", "Issuer"], &["ClusterIssuer"]),
    (
        "external-secrets.io",
        &["ExternalSecret", "PushSecret", "SecretStore"],
        &["ClusterExternalSecret", "ClusterPushSecret", "ClusterSecretStore"],
    ),
    (
        "gateway.networking.k8s.io",
        &[
            "BackendTLSPolicy",
            "GRPCRoute",
            "Gateway",
            "HTTPRoute",
            "ListenerSet",
            "ReferenceGrant",
            "TCPRoute",
            "TLSRoute",
            "UDPRoute",
        ],
        &["GatewayClass"],
    ),
    (
        "monitoring.coreos.com",
        &[
            "Alertmanager",
            "AlertmanagerConfig",
            "PodMonitor",
            "Probe",
            "Prometheus",
            "PrometheusAgent",
            "PrometheusRule",
            "ScrapeConfig",
            "ServiceMonitor",
            "ThanosRuler",
        ],
        &[],
    ),
    (
        "keda.sh",
        &["ScaledJob", "ScaledObject", "TriggerAuthentication"],
        &["ClusterTriggerAuthentication"],
    ),
];

/// Whether the kind at hand is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// It is, with this scope.
    As(Scope),
    /// Its group is, and has no such kind; these it has.
    NoSuchKind(Vec<String>),
    /// Nothing of it is.
    No,
}

/// The scopes of all kinds that an environment can have.
#[derive(Default)]
pub(super) struct Scopes {
    /// Those that definitions in the release give, by group and kind.
    defined: BTreeMap<(String, String), Scope>,
}

impl Scopes {
    /// Takes the scopes from those of `documents` that are definitions.
    pub(super) fn of<'a>(documents: impl IntoIterator<Item = &'a Node>) -> Self {
        let defined = documents.into_iter().filter_map(|document| {
            let kind = document.get("kind")?.as_str()?;
            let spec = document.get("spec").filter(|_| kind == "CustomResourceDefinition")?;
            let group = spec.get("group")?.as_str()?.to_owned();
            let kind = spec.get("names")?.get("kind")?.as_str()?.to_owned();
            let scope = match &spec.get("scope")?.value {
                Value::String(scope) if scope == "Cluster" => Scope::Cluster,
                _ => Scope::Namespaced,
            };
            Some(((group, kind), scope))
        });
        Self { defined: defined.collect() }
    }

    /// Returns the scope of a kind.
    pub(super) fn scope(&self, kind: &GroupKind, declared: &BTreeMap<String, Scope>) -> Known {
        let defined = self.defined.get(&(kind.group.clone(), kind.kind.clone()));
        if let Some(scope) = defined {
            return Known::As(*scope);
        }
        let group = GROUPS.iter().find(|(name, ..)| *name == kind.group);
        if let Some((_, namespaced, cluster)) = group {
            if namespaced.contains(&kind.kind.as_str()) {
                return Known::As(Scope::Namespaced);
            }
            if cluster.contains(&kind.kind.as_str()) {
                return Known::As(Scope::Cluster);
            }
        }
        match (declared.get(&kind.kind), group) {
            (Some(scope), _) => Known::As(*scope),
            (None, Some((_, namespaced, cluster))) => {
                let kinds = namespaced.iter().chain(*cluster);
                Known::NoSuchKind(kinds.map(ToString::to_string).collect())
            }
            (None, None) => Known::No,
        }
    }
}
