//! Every kind of Kubernetes itself (1.36), and of the operators for which the compiler writes
//! objects.

use super::{
    Kind,
    Ready::{Always, Condition},
    cluster, namespaced,
};

/// The kinds of an API group.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) kinds: &'static [Kind],
}

pub(super) const GROUPS: [Group; 28] = [
    Group {
        name: "",
        kinds: &[
            namespaced("Binding", 6),
            namespaced("ConfigMap", 2),
            namespaced("Endpoints", 3),
            namespaced("Event", 6),
            namespaced("LimitRange", 1),
            cluster("Namespace", 0),
            cluster("Node", 1),
            cluster("PersistentVolume", 1),
            namespaced("PersistentVolumeClaim", 2),
            namespaced("Pod", 5),
            namespaced("PodTemplate", 5),
            namespaced("ReplicationController", 5),
            namespaced("ResourceQuota", 1),
            namespaced("Secret", 2),
            namespaced("Service", 3),
            namespaced("ServiceAccount", 1),
        ],
    },
    Group {
        name: "admissionregistration.k8s.io",
        kinds: &[
            cluster("MutatingAdmissionPolicy", 1),
            cluster("MutatingAdmissionPolicyBinding", 1),
            cluster("MutatingWebhookConfiguration", 6),
            cluster("ValidatingAdmissionPolicy", 1),
            cluster("ValidatingAdmissionPolicyBinding", 1),
            cluster("ValidatingWebhookConfiguration", 6),
        ],
    },
    Group { name: "apiextensions.k8s.io", kinds: &[cluster("CustomResourceDefinition", 0)] },
    Group { name: "apiregistration.k8s.io", kinds: &[cluster("APIService", 6)] },
    Group {
        name: "apps",
        kinds: &[
            namespaced("ControllerRevision", 5),
            namespaced("DaemonSet", 5),
            namespaced("Deployment", 5),
            namespaced("ReplicaSet", 5),
            namespaced("StatefulSet", 5),
        ],
    },
    Group {
        name: "authentication.k8s.io",
        kinds: &[cluster("SelfSubjectReview", 6), cluster("TokenReview", 6)],
    },
    Group {
        name: "authorization.k8s.io",
        kinds: &[
            namespaced("LocalSubjectAccessReview", 6),
            cluster("SelfSubjectAccessReview", 6),
            cluster("SelfSubjectRulesReview", 6),
            cluster("SubjectAccessReview", 6),
        ],
    },
    Group { name: "autoscaling", kinds: &[namespaced("HorizontalPodAutoscaler", 6)] },
    Group {
        name: "autoscaling.k8s.io",
        kinds: &[
            namespaced("VerticalPodAutoscaler", 6),
            namespaced("VerticalPodAutoscalerCheckpoint", 6),
        ],
    },
    Group { name: "batch", kinds: &[namespaced("CronJob", 5), namespaced("Job", 4)] },
    Group {
        name: "certificates.k8s.io",
        kinds: &[
            cluster("CertificateSigningRequest", 6),
            cluster("ClusterTrustBundle", 2),
            namespaced("PodCertificateRequest", 6),
        ],
    },
    Group {
        name: "coordination.k8s.io",
        kinds: &[namespaced("Lease", 6), namespaced("LeaseCandidate", 6)],
    },
    Group { name: "discovery.k8s.io", kinds: &[namespaced("EndpointSlice", 3)] },
    Group { name: "events.k8s.io", kinds: &[namespaced("Event", 6)] },
    // No longer served; here so that the finding is about that.
    Group {
        name: "extensions",
        kinds: &[
            namespaced("DaemonSet", 6),
            namespaced("Deployment", 6),
            namespaced("Ingress", 6),
            namespaced("NetworkPolicy", 6),
            namespaced("ReplicaSet", 6),
        ],
    },
    Group {
        name: "flowcontrol.apiserver.k8s.io",
        kinds: &[cluster("FlowSchema", 1), cluster("PriorityLevelConfiguration", 1)],
    },
    Group {
        name: "networking.k8s.io",
        kinds: &[
            cluster("IPAddress", 1),
            namespaced("Ingress", 6),
            cluster("IngressClass", 1),
            namespaced("NetworkPolicy", 1),
            cluster("ServiceCIDR", 1),
        ],
    },
    Group { name: "node.k8s.io", kinds: &[cluster("RuntimeClass", 1)] },
    Group {
        name: "policy",
        kinds: &[namespaced("PodDisruptionBudget", 6), cluster("PodSecurityPolicy", 1)],
    },
    Group {
        name: "rbac.authorization.k8s.io",
        kinds: &[
            cluster("ClusterRole", 1),
            cluster("ClusterRoleBinding", 1),
            namespaced("Role", 1),
            namespaced("RoleBinding", 1),
        ],
    },
    Group {
        name: "resource.k8s.io",
        kinds: &[
            cluster("DeviceClass", 1),
            cluster("DeviceTaintRule", 1),
            namespaced("ResourceClaim", 2),
            namespaced("ResourceClaimTemplate", 2),
            cluster("ResourceSlice", 1),
        ],
    },
    Group { name: "scheduling.k8s.io", kinds: &[cluster("PriorityClass", 1)] },
    Group {
        name: "storage.k8s.io",
        kinds: &[
            cluster("CSIDriver", 1),
            cluster("CSINode", 1),
            namespaced("CSIStorageCapacity", 1),
            cluster("StorageClass", 1),
            cluster("VolumeAttachment", 1),
            cluster("VolumeAttributesClass", 1),
        ],
    },
    Group {
        name: "cert-manager.io",
        kinds: &[
            // An issuer may answer only after the host's name leads here, which may be after the
            // release.
            namespaced("Certificate", 2).ready(Always),
            namespaced("CertificateRequest", 6),
            cluster("ClusterIssuer", 2).ready(Always),
            // It may have to register with a server outside, for which no release should wait; an
            // issuer of the site's own is ready in a moment.
            namespaced("Issuer", 2).ready(Always),
        ],
    },
    Group {
        name: "external-secrets.io",
        kinds: &[
            cluster("ClusterExternalSecret", 2),
            cluster("ClusterPushSecret", 6),
            cluster("ClusterSecretStore", 2).ready(Condition("Ready")),
            namespaced("ExternalSecret", 2).ready(Condition("Ready")),
            namespaced("PushSecret", 6),
            namespaced("SecretStore", 2).ready(Condition("Ready")),
        ],
    },
    Group {
        name: "gateway.networking.k8s.io",
        kinds: &[
            namespaced("BackendTLSPolicy", 6),
            namespaced("GRPCRoute", 6),
            namespaced("Gateway", 6).ready(Condition("Programmed")),
            cluster("GatewayClass", 1),
            namespaced("HTTPRoute", 6).ready(Always),
            namespaced("ListenerSet", 6),
            namespaced("ReferenceGrant", 1),
            namespaced("TCPRoute", 6),
            namespaced("TLSRoute", 6),
            namespaced("UDPRoute", 6),
        ],
    },
    Group {
        name: "monitoring.coreos.com",
        kinds: &[
            namespaced("Alertmanager", 6),
            namespaced("AlertmanagerConfig", 6),
            namespaced("PodMonitor", 6).ready(Always),
            namespaced("Probe", 6),
            namespaced("Prometheus", 6),
            namespaced("PrometheusAgent", 6),
            namespaced("PrometheusRule", 6).ready(Always),
            namespaced("ScrapeConfig", 6),
            namespaced("ServiceMonitor", 6).ready(Always),
            namespaced("ThanosRuler", 6),
        ],
    },
    Group {
        name: "keda.sh",
        kinds: &[
            cluster("ClusterTriggerAuthentication", 2),
            namespaced("ScaledJob", 6),
            namespaced("ScaledObject", 6),
            namespaced("TriggerAuthentication", 2),
        ],
    },
];
