//! API versions are ones that a supported Kubernetes, or a current operator, serves.

use super::{Fault, Faults, View};
use crate::member::Member;

/// Group and version, kinds (none for all), who served it, first version that does not, the version
/// to use.
type Removed =
    (&'static str, &'static [&'static str], &'static str, &'static str, Option<&'static str>);

const KUBERNETES: &str = "Kubernetes";

const REMOVED: [Removed; 39] = [
    (
        "extensions/v1beta1",
        &["DaemonSet", "Deployment", "ReplicaSet"],
        KUBERNETES,
        "1.16",
        Some("apps/v1"),
    ),
    ("extensions/v1beta1", &["NetworkPolicy"], KUBERNETES, "1.16", Some("networking.k8s.io/v1")),
    ("extensions/v1beta1", &["Ingress"], KUBERNETES, "1.22", Some("networking.k8s.io/v1")),
    ("apps/v1beta1", &[], KUBERNETES, "1.16", Some("apps/v1")),
    ("apps/v1beta2", &[], KUBERNETES, "1.16", Some("apps/v1")),
    (
        "networking.k8s.io/v1beta1",
        &["Ingress", "IngressClass"],
        KUBERNETES,
        "1.22",
        Some("networking.k8s.io/v1"),
    ),
    (
        "rbac.authorization.k8s.io/v1alpha1",
        &[],
        KUBERNETES,
        "1.22",
        Some("rbac.authorization.k8s.io/v1"),
    ),
    (
        "rbac.authorization.k8s.io/v1beta1",
        &[],
        KUBERNETES,
        "1.22",
        Some("rbac.authorization.k8s.io/v1"),
    ),
    (
        "admissionregistration.k8s.io/v1beta1",
        &["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"],
        KUBERNETES,
        "1.22",
        Some("admissionregistration.k8s.io/v1"),
    ),
    ("apiextensions.k8s.io/v1beta1", &[], KUBERNETES, "1.22", Some("apiextensions.k8s.io/v1")),
    ("apiregistration.k8s.io/v1beta1", &[], KUBERNETES, "1.22", Some("apiregistration.k8s.io/v1")),
    (
        "authentication.k8s.io/v1beta1",
        &["TokenReview"],
        KUBERNETES,
        "1.22",
        Some("authentication.k8s.io/v1"),
    ),
    ("authorization.k8s.io/v1beta1", &[], KUBERNETES, "1.22", Some("authorization.k8s.io/v1")),
    (
        "certificates.k8s.io/v1beta1",
        &["CertificateSigningRequest"],
        KUBERNETES,
        "1.22",
        Some("certificates.k8s.io/v1"),
    ),
    ("coordination.k8s.io/v1beta1", &["Lease"], KUBERNETES, "1.22", Some("coordination.k8s.io/v1")),
    (
        "scheduling.k8s.io/v1alpha1",
        &["PriorityClass"],
        KUBERNETES,
        "1.22",
        Some("scheduling.k8s.io/v1"),
    ),
    (
        "scheduling.k8s.io/v1beta1",
        &["PriorityClass"],
        KUBERNETES,
        "1.22",
        Some("scheduling.k8s.io/v1"),
    ),
    (
        "storage.k8s.io/v1beta1",
        &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment"],
        KUBERNETES,
        "1.22",
        Some("storage.k8s.io/v1"),
    ),
    (
        "storage.k8s.io/v1beta1",
        &["CSIStorageCapacity"],
        KUBERNETES,
        "1.27",
        Some("storage.k8s.io/v1"),
    ),
    ("batch/v1beta1", &[], KUBERNETES, "1.25", Some("batch/v1")),
    ("batch/v2alpha1", &[], KUBERNETES, "1.21", Some("batch/v1")),
    ("discovery.k8s.io/v1beta1", &[], KUBERNETES, "1.25", Some("discovery.k8s.io/v1")),
    ("events.k8s.io/v1beta1", &[], KUBERNETES, "1.25", Some("events.k8s.io/v1")),
    ("autoscaling/v2beta1", &[], KUBERNETES, "1.25", Some("autoscaling/v2")),
    ("autoscaling/v2beta2", &[], KUBERNETES, "1.26", Some("autoscaling/v2")),
    ("policy/v1beta1", &["PodDisruptionBudget"], KUBERNETES, "1.25", Some("policy/v1")),
    ("policy/v1beta1", &["PodSecurityPolicy"], KUBERNETES, "1.25", None),
    ("node.k8s.io/v1beta1", &[], KUBERNETES, "1.25", Some("node.k8s.io/v1")),
    (
        "flowcontrol.apiserver.k8s.io/v1beta1",
        &[],
        KUBERNETES,
        "1.26",
        Some("flowcontrol.apiserver.k8s.io/v1"),
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta2",
        &[],
        KUBERNETES,
        "1.29",
        Some("flowcontrol.apiserver.k8s.io/v1"),
    ),
    (
        "flowcontrol.apiserver.k8s.io/v1beta3",
        &[],
        KUBERNETES,
        "1.32",
        Some("flowcontrol.apiserver.k8s.io/v1"),
    ),
    (
        "external-secrets.io/v1alpha1",
        &["ClusterSecretStore", "ExternalSecret", "SecretStore"],
        "External Secrets",
        "0.17",
        Some("external-secrets.io/v1"),
    ),
    (
        "external-secrets.io/v1beta1",
        &[],
        "External Secrets",
        "0.17",
        Some("external-secrets.io/v1"),
    ),
    ("cert-manager.io/v1alpha2", &[], "cert-manager", "1.6", Some("cert-manager.io/v1")),
    ("cert-manager.io/v1alpha3", &[], "cert-manager", "1.6", Some("cert-manager.io/v1")),
    ("cert-manager.io/v1beta1", &[], "cert-manager", "1.6", Some("cert-manager.io/v1")),
    ("certmanager.k8s.io/v1alpha1", &[], "cert-manager", "0.11", Some("cert-manager.io/v1")),
    (
        "gateway.networking.k8s.io/v1alpha1",
        &[],
        "Gateway API",
        "0.6",
        Some("gateway.networking.k8s.io/v1"),
    ),
    (
        "gateway.networking.k8s.io/v1alpha2",
        &["Gateway", "GatewayClass", "HTTPRoute"],
        "Gateway API",
        "1.0",
        Some("gateway.networking.k8s.io/v1"),
    ),
];

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for member in view.members {
        let api_version = member.api_version();
        let removed = REMOVED.iter().find(|(removed, kinds, ..)| {
            *removed == api_version && (kinds.is_empty() || kinds.contains(&member.kind()))
        });
        if let Some(&(_, _, program, since, instead)) = removed {
            let api_version = api_version.to_owned();
            faults.add(
                member,
                &["apiVersion"],
                Fault::NotServed { api_version, program, since, instead },
            );
        }
        if let Some(served) = served_by_definition(view, member)
            && !served.iter().any(|served| served == api_version)
        {
            let api_version = api_version.to_owned();
            faults.add(member, &["apiVersion"], Fault::NotDefined { api_version, served });
        }
    }
}

/// Returns the API versions in which a definition in the release serves the kind of `member`.
fn served_by_definition(view: &View<'_>, member: &Member) -> Option<Vec<String>> {
    let mut definitions = view.of_kind("apiextensions.k8s.io", "CustomResourceDefinition");
    let definition = definitions.find(|definition| {
        let spec = &definition.manifest["spec"];
        spec["group"] == member.group() && spec["names"]["kind"] == member.kind()
    })?;
    let versions = definition.manifest["spec"]["versions"].as_array().into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    let names = served.filter_map(|version| version["name"].as_str());
    Some(names.map(|name| format!("{}/{name}", member.group())).collect())
}
