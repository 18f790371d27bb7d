//! What a new control plane holds from the start.

use serde_json::{Value, json};

use crate::assets::KUBERNETES;

/// The life of nodes, pods and custom resources, for kwok.
pub(crate) const STAGES: [&str; 4] = [
    include_str!("stages/node.yaml"),
    include_str!("stages/pod.yaml"),
    include_str!("stages/volume.yaml"),
    include_str!("stages/custom.yaml"),
];

/// API groups of custom resources in [`STAGES`].
pub(crate) const STAGED_GROUPS: [&str; 3] =
    ["cert-manager.io/v1", "external-secrets.io/v1", "gateway.networking.k8s.io/v1"];

/// The default storage class, and an ingress class.
pub(crate) const CLASSES: &str = include_str!("classes.yaml");

const ZONES: [&str; 3] = ["zone-a", "zone-b", "zone-c"];

/// How many nodes there are: two in each zone.
pub(crate) const NODES: usize = 2 * ZONES.len();

/// Returns the nodes, far larger than a test needs.
pub(crate) fn nodes() -> String {
    let items: Vec<_> = (1..=NODES).map(node).collect();
    json!({ "apiVersion": "v1", "kind": "List", "items": items }).to_string()
}

fn node(number: usize) -> Value {
    let name = format!("node-{number}");
    let size = json!({
        "cpu": "32",
        "memory": "128Gi",
        "ephemeral-storage": "500Gi",
        "pods": "110",
    });
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/os": "linux",
                "kubernetes.io/hostname": name,
                "node-role.kubernetes.io/worker": "",
                "topology.kubernetes.io/region": "region-1",
                "topology.kubernetes.io/zone": ZONES[(number - 1) % ZONES.len()],
            },
        },
        "spec": { "podCIDR": format!("10.244.{number}.0/24") },
        "status": {
            "allocatable": size,
            "capacity": size,
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "",
                "containerRuntimeVersion": "kwok",
                "kernelVersion": "kwok",
                "kubeProxyVersion": "",
                "kubeletVersion": KUBERNETES,
                "machineID": "",
                "operatingSystem": "linux",
                "osImage": "kwok",
                "systemUUID": "",
            },
        },
    })
}
