//! Pairs that cannot be had, or not be taken back.

#![expect(clippy::too_many_lines, reason = "a table")]

use serde_json::{Value, json};

use crate::{
    kit::{Site, api::merge},
    pair::{Base, Pair, container, spec, with, workload},
    services,
};

/// Pairs that cannot be had, or not be taken back.
pub(crate) fn refused(site: &Site) -> Vec<Pair> {
    let deployment = workload("Deployment", spec(json!({ "replicas": 0 })));
    let service = services::service_base();
    let one = |case, base, before, after| Pair::new(site, case, base, before, after);
    let core = |wave: u8, kind: &str, more: Value| -> Base {
        let mut manifest = json!({ "apiVersion": "v1", "kind": kind });
        merge(&mut manifest, more);
        (wave, manifest)
    };
    let templates = |storage: &str| {
        spec(json!({ "replicas": 0, "serviceName": "x", "volumeClaimTemplates": [{
            "metadata": { "name": "data" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": storage } },
            },
        }] }))
    };
    let stateful = workload("StatefulSet", json!({}));
    let config = core(2, "ConfigMap", json!({ "data": { "a": "1" } }));
    let secret = core(2, "Secret", json!({ "data": { "a": "aGk=" } }));
    let claim = core(
        2,
        "PersistentVolumeClaim",
        spec(json!({
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
        })),
    );
    let rights = "rbac.authorization.k8s.io";
    let binding: Base = (
        1,
        json!({
            "apiVersion": format!("{rights}/v1"),
            "kind": "RoleBinding",
            "roleRef": { "apiGroup": rights, "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "User", "name": "a" }],
        }),
    );
    let job: Base = (
        4,
        json!({ "apiVersion": "batch/v1", "kind": "Job", "spec": {
            "template": { "spec": {
                "restartPolicy": "Never", "containers": [with("web", json!({}))] } },
        }}),
    );
    let priority: Base =
        (0, json!({ "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 5 }));
    let class: Base = (
        0,
        json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x" }),
    );
    let node_port = || spec(json!({ "type": "NodePort" }));
    let external = json!({ "type": "ExternalName", "externalName": "example.com", "ports": null });
    vec![
        one(
            "Another selector",
            &deployment,
            json!({}),
            json!({ "spec": {
                "selector": { "matchLabels": { "more": "x" } },
                "template": { "metadata": { "labels": { "more": "x" } } },
            }}),
        ),
        one("Larger claims of a stateful set", &stateful, templates("1Gi"), templates("2Gi")),
        one("Another image of a job", &job, json!({}), container(json!({ "image": "x" }))),
        one(
            "A service without an address",
            &service,
            json!({}),
            spec(json!({ "clusterIP": "None" })),
        ),
        one(
            "A service with an address again",
            &service,
            spec(json!({ "clusterIP": "None" })),
            json!({}),
        ),
        one("A secret of another type", &secret, json!({}), json!({ "type": "example.com/a" })),
        one(
            "Immutable data",
            &config,
            json!({ "immutable": true }),
            json!({ "immutable": true, "data": { "a": "2" } }),
        ),
        one(
            "A binding to another role",
            &binding,
            json!({}),
            json!({ "roleRef": { "name": "edit" } }),
        ),
        one("Another priority", &priority, json!({}), json!({ "value": 6 })),
        one("Another provisioner", &class, json!({}), json!({ "provisioner": "y" })),
        one(
            "A claim of another class",
            &claim,
            json!({}),
            spec(json!({ "storageClassName": "other" })),
        ),
        one("Data that becomes immutable", &config, json!({}), json!({ "immutable": true })),
        one("A service that gives up its port on the nodes", &service, node_port(), json!({})),
        one("A service that gives up its address", &service, json!({}), spec(external)),
    ]
}
