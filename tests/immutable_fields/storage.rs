//! Storage.

#![expect(clippy::too_many_lines, reason = "a table")]

use serde_json::{Value, json};

use crate::stage::{
    Stage, Subject,
    Verdict::{Accepted, Default, Refused},
};

pub(crate) fn storage(stage: &Stage) -> Vec<Subject> {
    let unique = |name: &str| format!("{}-{name}", stage.site.namespace);
    let of_spec = |case, spec: Value, verdict| (case, json!({ "spec": spec }), verdict);
    let zone = |zone: &str| {
        json!({ "required": { "nodeSelectorTerms": [{ "matchExpressions": [
            { "key": "zone", "operator": "In", "values": [zone] }] }] } })
    };
    let size = |storage: &str| json!({ "requests": { "storage": storage } });
    let volume = |name: &str, claim: &str| {
        stage.manifest(
            "v1",
            "PersistentVolume",
            name,
            json!({ "spec": {
                "accessModes": ["ReadWriteOnce"],
                "capacity": { "storage": "1Gi" },
                "claimRef": { "namespace": stage.site.namespace, "name": claim },
                "hostPath": { "path": "/a" },
                "storageClassName": unique("class"),
            }}),
        )
    };
    let mut placed = volume("placed", "nobody");
    placed["spec"]["nodeAffinity"] = zone("a");
    vec![
        Subject {
            manifest: stage.manifest(
                "storage.k8s.io/v1",
                "StorageClass",
                "class",
                json!({
                    "provisioner": "example.com/a", "parameters": { "a": "b" },
                    "allowVolumeExpansion": true,
                }),
            ),
            changes: vec![
                ("another provisioner", json!({ "provisioner": "example.com/b" }), Refused),
                ("other parameters", json!({ "parameters": { "a": "c" } }), Refused),
                ("volumes that stay", json!({ "reclaimPolicy": "Retain" }), Refused),
                ("volumes that go", json!({ "reclaimPolicy": "Delete" }), Default),
                ("late volumes", json!({ "volumeBindingMode": "WaitForFirstConsumer" }), Refused),
                ("early volumes", json!({ "volumeBindingMode": "Immediate" }), Default),
                ("volumes that cannot grow", json!({ "allowVolumeExpansion": false }), Accepted),
                ("options", json!({ "mountOptions": ["ro"] }), Accepted),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "storage.k8s.io/v1",
                "VolumeAttributesClass",
                "gold",
                json!({
                    "driverName": "example.com", "parameters": { "a": "b" },
                }),
            ),
            changes: vec![
                ("another driver", json!({ "driverName": "example.org" }), Refused),
                ("other parameters", json!({ "parameters": { "a": "c" } }), Refused),
                ("a label", json!({ "metadata": { "labels": { "a": "b" } } }), Accepted),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "storage.k8s.io/v1",
                "CSIDriver",
                "driver",
                json!({
                    "spec": { "volumeLifecycleModes": ["Persistent"] },
                }),
            ),
            changes: vec![
                of_spec("nothing to attach", json!({ "attachRequired": false }), Refused),
                of_spec("other lives", json!({ "volumeLifecycleModes": ["Ephemeral"] }), Refused),
                of_spec("more knowledge", json!({ "podInfoOnMount": true }), Accepted),
                of_spec("other groups", json!({ "fsGroupPolicy": "None" }), Accepted),
            ],
        },
        Subject {
            manifest: volume("volume", "claim"),
            changes: vec![
                of_spec("another path", json!({ "hostPath": { "path": "/b" } }), Refused),
                of_spec(
                    "another source",
                    json!({ "hostPath": null, "nfs": { "server": "x", "path": "/a" } }),
                    Refused,
                ),
                of_spec("a device", json!({ "volumeMode": "Block" }), Refused),
                of_spec("a file system", json!({ "volumeMode": "Filesystem" }), Default),
                of_spec("a zone", json!({ "nodeAffinity": zone("a") }), Accepted),
                of_spec("more space", json!({ "capacity": { "storage": "2Gi" } }), Accepted),
                of_spec("more readers", json!({ "accessModes": ["ReadWriteMany"] }), Accepted),
                of_spec("another class", json!({ "storageClassName": "x" }), Accepted),
                of_spec("its end", json!({ "persistentVolumeReclaimPolicy": "Delete" }), Accepted),
                of_spec("options", json!({ "mountOptions": ["ro"] }), Accepted),
            ],
        },
        Subject {
            manifest: placed,
            changes: vec![
                of_spec("another zone", json!({ "nodeAffinity": zone("b") }), Refused),
                of_spec("any zone", json!({ "nodeAffinity": null }), Refused),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "v1",
                "PersistentVolumeClaim",
                "claim",
                json!({ "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": size("1Gi"),
                    "storageClassName": unique("class"),
                    "volumeName": unique("volume"),
                }}),
            ),
            changes: vec![
                of_spec("growth", json!({ "resources": size("2Gi") }), Accepted),
                of_spec("another class", json!({ "storageClassName": "x" }), Refused),
                of_spec("no class", json!({ "storageClassName": null }), Refused),
                of_spec("another volume", json!({ "volumeName": "x" }), Refused),
                of_spec(
                    "a limit",
                    json!({ "resources": { "limits": { "storage": "9Gi" } } }),
                    Refused,
                ),
                of_spec("more readers", json!({ "accessModes": ["ReadWriteMany"] }), Refused),
                of_spec("a device", json!({ "volumeMode": "Block" }), Refused),
                of_spec("a file system", json!({ "volumeMode": "Filesystem" }), Default),
                of_spec(
                    "attributes",
                    json!({ "volumeAttributesClassName": unique("gold") }),
                    Accepted,
                ),
                of_spec(
                    "a choice",
                    json!({ "selector": { "matchLabels": { "a": "b" } } }),
                    Refused,
                ),
                ("a label", json!({ "metadata": { "labels": { "a": "b" } } }), Accepted),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "v1",
                "PersistentVolumeClaim",
                "golden",
                json!({ "spec": {
                    "accessModes": ["ReadWriteOnce"],
                    "resources": size("1Gi"),
                    "storageClassName": unique("class"),
                    "volumeAttributesClassName": unique("gold"),
                }}),
            ),
            changes: vec![of_spec(
                "no attributes",
                json!({ "volumeAttributesClassName": null }),
                Refused,
            )],
        },
    ]
}
