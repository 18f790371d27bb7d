//! Deployments, and with them everything that pods can have.

#![expect(clippy::too_many_lines, reason = "a table")]

use serde_json::{Value, json};

use crate::{
    kit::Site,
    pair::{Pair, container, pods, spec, with, workload},
};

pub(crate) fn deployments(site: &Site) -> Vec<Pair> {
    let base = workload("Deployment", spec(json!({ "replicas": 0 })));
    let one = |case, before, after| Pair::new(site, case, &base, before, after);
    let variables = |variables: Value| container(json!({ "env": variables }));
    let variable = |name: &str, value: &str| json!({ "name": name, "value": value });
    let http = json!({ "httpGet": { "path": "/", "port": 80 } });
    let volume = |volume: Value| pods(json!({ "volumes": [volume] }));
    let strategy = |strategy: Value| spec(json!({ "strategy": strategy }));
    vec![
        one("An image changes", json!({}), container(json!({ "image": "registry.example/web:2" }))),
        one(
            "An image gets a tag, and nobody says when to pull",
            container(json!({ "image": "registry.example/web", "imagePullPolicy": null })),
            container(json!({ "image": "registry.example/web:2", "imagePullPolicy": null })),
        ),
        one(
            "An image loses its tag, and nobody says when to pull",
            container(json!({ "imagePullPolicy": null })),
            container(json!({ "image": "registry.example/web", "imagePullPolicy": null })),
        ),
        one(
            "A variable is added in front",
            variables(json!([variable("a", "1")])),
            variables(json!([variable("b", "2"), variable("a", "1")])),
        ),
        one(
            "A variable is added in between",
            variables(json!([variable("a", "1"), variable("c", "3")])),
            variables(json!([variable("a", "1"), variable("b", "2"), variable("c", "3")])),
        ),
        one(
            "A variable is removed",
            variables(json!([variable("a", "1"), variable("b", "2")])),
            variables(json!([variable("b", "2")])),
        ),
        one("All variables are removed", variables(json!([variable("a", "1")])), json!({})),
        one(
            "Variables are reordered",
            variables(json!([variable("a", "1"), variable("b", "2"), variable("c", "$(a)")])),
            variables(json!([variable("c", "$(a)"), variable("b", "2"), variable("a", "1")])),
        ),
        one(
            "A variable becomes a reference",
            variables(json!([variable("a", "1")])),
            variables(json!([{ "name": "a",
                "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }])),
        ),
        one("Replicas change", json!({}), spec(json!({ "replicas": 2 }))),
        one(
            "Replicas are given up",
            spec(json!({ "replicas": 2 })),
            spec(json!({ "replicas": null })),
        ),
        one(
            "A full strategy becomes Recreate",
            strategy(json!({ "type": "RollingUpdate",
                "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } })),
            strategy(json!({ "type": "Recreate" })),
        ),
        one(
            "A default strategy becomes Recreate",
            json!({}),
            strategy(json!({ "type": "Recreate" })),
        ),
        one("Recreate becomes the default", strategy(json!({ "type": "Recreate" })), json!({})),
        one(
            "A strategy of which half is default becomes Recreate",
            strategy(json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } })),
            strategy(json!({ "type": "Recreate" })),
        ),
        one(
            "A strategy loses what it says about one half",
            strategy(json!({ "type": "RollingUpdate",
                "rollingUpdate": { "maxSurge": 1, "maxUnavailable": 0 } })),
            strategy(json!({ "type": "RollingUpdate", "rollingUpdate": { "maxSurge": 1 } })),
        ),
        one("A service account is named", json!({}), pods(json!({ "serviceAccountName": "a" }))),
        one(
            "A service account is not named any more",
            pods(json!({ "serviceAccountName": "a" })),
            json!({}),
        ),
        one(
            "Another service account is named",
            pods(json!({ "serviceAccountName": "a" })),
            pods(json!({ "serviceAccountName": "b" })),
        ),
        one(
            "Probes are added",
            json!({}),
            container(
                json!({ "livenessProbe": http, "readinessProbe": http, "startupProbe": http }),
            ),
        ),
        one(
            "Probes are removed",
            container(json!({ "livenessProbe": http, "readinessProbe": http })),
            json!({}),
        ),
        one(
            "A probe asks otherwise",
            container(json!({ "livenessProbe": http })),
            container(json!({ "livenessProbe": { "exec": { "command": ["true"] } } })),
        ),
        one(
            "Volumes are added",
            json!({}),
            pods(json!({
                "volumes": [
                    { "name": "a", "emptyDir": {} },
                    { "name": "b", "secret": { "secretName": "b" } },
                ],
                "containers": [with("web", json!({
                    "volumeMounts": [
                        { "name": "a", "mountPath": "/a" },
                        { "name": "b", "mountPath": "/b" },
                    ],
                }))],
            })),
        ),
        one("A volume is removed", volume(json!({ "name": "a", "emptyDir": {} })), json!({})),
        one(
            "A volume is of another kind",
            volume(json!({ "name": "a", "emptyDir": {} })),
            volume(json!({ "name": "a", "configMap": { "name": "a" } })),
        ),
        one(
            "A volume of no kind gets one",
            volume(json!({ "name": "a" })),
            volume(json!({ "name": "a", "configMap": { "name": "a" } })),
        ),
        one(
            "A volume of some kind gets none",
            volume(json!({ "name": "a", "configMap": { "name": "a" } })),
            volume(json!({ "name": "a" })),
        ),
        one(
            "A container is added",
            json!({}),
            pods(json!({ "containers": [with("web", json!({})), with("more", json!({}))] })),
        ),
        one(
            "A container is removed",
            pods(json!({ "containers": [with("web", json!({})), with("more", json!({}))] })),
            json!({}),
        ),
        one(
            "A container has another name",
            json!({}),
            pods(json!({ "containers": [with("other", json!({}))] })),
        ),
        one(
            "A sidecar is added",
            json!({}),
            pods(json!({ "initContainers": [
                    with("sidecar", json!({ "restartPolicy": "Always" }))] })),
        ),
        one(
            "Annotations and labels are added",
            json!({}),
            json!({
                "metadata": { "annotations": { "a": "b" }, "labels": { "a": "b" } },
                "spec": { "template": { "metadata": {
                    "annotations": { "a": "b" }, "labels": { "a": "b" } } } },
            }),
        ),
        one(
            "Security contexts are added",
            json!({}),
            pods(json!({
                "securityContext": { "runAsUser": 1000, "fsGroup": 1000 },
                "containers": [with("web", json!({
                    "securityContext": {
                        "runAsNonRoot": true, "capabilities": { "drop": ["ALL"] } },
                }))],
            })),
        ),
        one(
            "Limits are removed",
            container(json!({ "resources": {
                "limits": { "cpu": "1", "memory": "1Gi" }, "requests": { "cpu": "1" } } })),
            container(json!({ "resources": { "requests": { "cpu": "1" } } })),
        ),
        one(
            "Ports are added",
            container(json!({ "ports": [{ "containerPort": 80, "protocol": "TCP" }] })),
            container(json!({ "ports": [
                { "containerPort": 80, "protocol": "TCP" },
                { "containerPort": 80, "protocol": "UDP", "name": "quic" },
            ]})),
        ),
        one(
            "A port loses its name",
            container(json!({ "ports": [{ "containerPort": 80, "name": "http" }] })),
            container(json!({ "ports": [{ "containerPort": 80 }] })),
        ),
        one(
            "Rules of scheduling are added",
            json!({}),
            pods(json!({
                "tolerations": [{ "key": "a", "operator": "Exists" }],
                "topologySpreadConstraints": [{ "maxSkew": 1, "topologyKey": "zone",
                    "whenUnsatisfiable": "ScheduleAnyway",
                    "labelSelector": { "matchLabels": { "app": "x" } } }],
                "affinity": { "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [{
                        "topologyKey": "zone",
                        "labelSelector": { "matchLabels": { "app": "x" } },
                    }],
                } },
            })),
        ),
        one(
            "A hook and a longer end are added",
            json!({}),
            pods(json!({
                "terminationGracePeriodSeconds": 90,
                "containers": [with("web", json!({ "lifecycle": {
                    "preStop": { "httpGet": { "path": "/", "port": 80 } } } }))],
            })),
        ),
        one(
            "Defaults of pods are changed",
            json!({}),
            pods(json!({
                "automountServiceAccountToken": false,
                "dnsPolicy": "Default",
                "enableServiceLinks": false,
                "hostUsers": false,
                "schedulerName": "other",
                "shareProcessNamespace": true,
            })),
        ),
        one(
            "The network of the node is used",
            container(json!({ "ports": [{ "containerPort": 80 }] })),
            pods(json!({
                "hostNetwork": true,
                "containers": [with("web", json!({ "ports": [{ "containerPort": 80 }] }))],
            })),
        ),
        one(
            "Defaults of deployments are changed",
            json!({}),
            spec(json!({ "minReadySeconds": 3, "progressDeadlineSeconds": 99,
                    "revisionHistoryLimit": 3 })),
        ),
    ]
}
