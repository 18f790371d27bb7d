//! Everything else.

#![expect(clippy::too_many_lines, reason = "a table")]

use serde_json::{Value, json};

use crate::stage::{
    Stage, Subject,
    Verdict::{Accepted, Default, Refused},
};

pub(crate) fn rest(stage: &Stage) -> Vec<Subject> {
    let of_spec = |case, spec: Value, verdict| (case, json!({ "spec": spec }), verdict);
    let label = || ("a label", json!({ "metadata": { "labels": { "a": "b" } } }), Accepted);
    let rights = "rbac.authorization.k8s.io";
    let user = |name: &str| json!([{ "kind": "User", "apiGroup": rights, "name": name }]);
    let mut subjects: Vec<Subject> = ["RoleBinding", "ClusterRoleBinding"]
        .map(|kind| Subject {
            manifest: stage.manifest(
                &format!("{rights}/v1"),
                kind,
                "fixed",
                json!({
                    "roleRef": { "apiGroup": rights, "kind": "ClusterRole", "name": "view" },
                    "subjects": user("a"),
                }),
            ),
            changes: vec![
                ("another role", json!({ "roleRef": { "name": "edit" } }), Refused),
                ("another user", json!({ "subjects": user("b") }), Accepted),
            ],
        })
        .into();
    let group = format!("{}.example.com", stage.site.namespace);
    let request = |class: &str| {
        json!({ "devices": { "requests": [
            { "name": "a", "exactly": { "deviceClassName": class } }] } })
    };
    let version = |name: &str, storage: bool| {
        json!({ "name": name, "served": true, "storage": storage,
            "schema": { "openAPIV3Schema": { "type": "object" } } })
    };
    subjects.extend([
        Subject {
            manifest: stage.manifest(
                "apiextensions.k8s.io/v1",
                "CustomResourceDefinition",
                &format!("fixeds.{group}"),
                json!({ "spec": {
                    "group": group, "scope": "Namespaced",
                    "names": { "plural": "fixeds", "kind": "Fixed" },
                    "versions": [version("v1", true)],
                }}),
            ),
            changes: vec![
                of_spec("another group", json!({ "group": "example.com" }), Refused),
                of_spec("another scope", json!({ "scope": "Cluster" }), Refused),
                of_spec("another kind", json!({ "names": { "kind": "Mixed" } }), Refused),
                of_spec("another plural", json!({ "names": { "plural": "mixeds" } }), Refused),
                of_spec("a short name", json!({ "names": { "shortNames": ["fx"] } }), Accepted),
                of_spec("another list", json!({ "names": { "listKind": "Fixes" } }), Accepted),
                of_spec(
                    "one more version",
                    json!({ "versions": [version("v1", true), version("v2", false)] }),
                    Accepted,
                ),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "networking.k8s.io/v1",
                "IngressClass",
                "fixed",
                json!({
                    "spec": { "controller": "example.com/a" },
                }),
            ),
            changes: vec![
                of_spec("another controller", json!({ "controller": "example.com/b" }), Refused),
                of_spec(
                    "parameters",
                    json!({ "parameters": { "kind": "X", "name": "x" } }),
                    Accepted,
                ),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "node.k8s.io/v1",
                "RuntimeClass",
                "fixed",
                json!({
                    "handler": "a",
                }),
            ),
            changes: vec![
                ("another handler", json!({ "handler": "b" }), Refused),
                ("overhead", json!({ "overhead": { "podFixed": { "cpu": "1m" } } }), Accepted),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "scheduling.k8s.io/v1",
                "PriorityClass",
                "fixed",
                json!({
                    "value": 5,
                }),
            ),
            changes: vec![
                ("another value", json!({ "value": 6 }), Refused),
                ("no preemption", json!({ "preemptionPolicy": "Never" }), Refused),
                ("preemption", json!({ "preemptionPolicy": "PreemptLowerPriority" }), Default),
                ("a description", json!({ "description": "x" }), Accepted),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "discovery.k8s.io/v1",
                "EndpointSlice",
                "fixed",
                json!({
                    "addressType": "IPv4", "endpoints": [],
                }),
            ),
            changes: vec![
                ("another family", json!({ "addressType": "IPv6" }), Refused),
                ("a port", json!({ "ports": [{ "name": "a", "port": 1 }] }), Accepted),
            ],
        },
        Subject {
            manifest: stage.manifest(
                "resource.k8s.io/v1",
                "ResourceClaim",
                "fixed",
                json!({
                    "spec": request("a"),
                }),
            ),
            changes: vec![of_spec("another class", request("b"), Refused), label()],
        },
        Subject {
            manifest: stage.manifest(
                "resource.k8s.io/v1",
                "ResourceClaimTemplate",
                "fixed",
                json!({
                    "spec": { "spec": request("a") },
                }),
            ),
            changes: vec![
                of_spec("another class", json!({ "spec": request("b") }), Refused),
                label(),
            ],
        },
        Subject {
            // Nothing that this test makes is of its scope.
            manifest: stage.manifest(
                "v1",
                "ResourceQuota",
                "fixed",
                json!({
                    "spec": { "hard": { "pods": "500" }, "scopes": ["Terminating"] },
                }),
            ),
            changes: vec![
                of_spec("another scope", json!({ "scopes": ["NotTerminating"] }), Refused),
                of_spec("no scope", json!({ "scopes": null }), Refused),
                of_spec("another limit", json!({ "hard": { "pods": "600" } }), Accepted),
            ],
        },
    ]);
    subjects
}
