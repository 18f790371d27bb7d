//! Ingresses, network policies, disruption budgets and autoscalers.

#![expect(clippy::too_many_lines, reason = "a table")]

use serde_json::{Value, json};

use crate::{
    kit::Site,
    pair::{Base, Pair, spec},
};

pub(crate) fn networks(site: &Site) -> Vec<Pair> {
    let path = |path: &str, kind: &str| {
        json!({ "path": path, "pathType": kind,
            "backend": { "service": { "name": "x", "port": { "number": 80 } } } })
    };
    let ingress: Base = (
        6,
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "spec": { "rules": [
                { "host": "a.example.com", "http": { "paths": [path("/", "Prefix")] } }] },
        }),
    );
    let policy: Base = (
        1,
        json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "spec": { "podSelector": {}, "ingress": [{ "from": [{ "podSelector": {} }] }] },
        }),
    );
    let budget: Base = (
        6,
        json!({
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "spec": { "maxUnavailable": 1, "selector": { "matchLabels": { "app": "x" } } },
        }),
    );
    let load = |kind: &str| {
        json!([{ "type": "Resource", "resource": { "name": kind,
            "target": { "type": "Utilization", "averageUtilization": 70 } } }])
    };
    let autoscaler: Base = (
        6,
        json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "spec": {
                "scaleTargetRef": {
                    "apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody" },
                "minReplicas": 1,
                "maxReplicas": 3,
                "metrics": load("cpu"),
            },
        }),
    );
    let one = |case, base, before: Value, after: Value| {
        Pair::new(site, case, base, spec(before), spec(after))
    };
    let out = || json!([{ "to": [{ "podSelector": {} }] }]);
    vec![
        one(
            "Ingress gets a class, a certificate and another host",
            &ingress,
            json!({}),
            json!({
                "ingressClassName": "nginx",
                "tls": [{ "hosts": ["a.example.com"], "secretName": "tls" }],
                "rules": [{
                    "host": "b.example.com",
                    "http": { "paths": [path("/b", "Exact"), path("/", "Prefix")] },
                }],
            }),
        ),
        one(
            "Ingress has only a default",
            &ingress,
            json!({}),
            json!({ "rules": null,
                "defaultBackend": { "service": { "name": "x", "port": { "number": 80 } } } }),
        ),
        one(
            "Policy for what goes out, of default types",
            &policy,
            json!({}),
            json!({ "egress": out() }),
        ),
        one(
            "Policy only for what comes in, of default types",
            &policy,
            json!({ "egress": out() }),
            json!({}),
        ),
        one(
            "Policy for what goes out",
            &policy,
            json!({ "policyTypes": ["Ingress"] }),
            json!({ "policyTypes": ["Ingress", "Egress"], "egress": out() }),
        ),
        one(
            "Policy whose types are said",
            &policy,
            json!({}),
            json!({ "policyTypes": ["Ingress", "Egress"] }),
        ),
        one(
            "Budget of the other kind",
            &budget,
            json!({}),
            json!({ "maxUnavailable": null, "minAvailable": "50%",
                "unhealthyPodEvictionPolicy": "AlwaysAllow" }),
        ),
        one(
            "Autoscaler bounds",
            &autoscaler,
            json!({}),
            json!({ "maxReplicas": 5, "minReplicas": 2 }),
        ),
        one("Autoscaler without a minimum", &autoscaler, json!({}), json!({ "minReplicas": null })),
        one("Autoscaler of default metrics", &autoscaler, json!({}), json!({ "metrics": null })),
        one("Autoscaler of memory", &autoscaler, json!({}), json!({ "metrics": load("memory") })),
        one(
            "Autoscaler behavior",
            &autoscaler,
            json!({}),
            json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 9 } } }),
        ),
        one(
            "Autoscaler behavior of policies",
            &autoscaler,
            json!({ "behavior": { "scaleDown": { "selectPolicy": "Min",
                "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 9 }] } } }),
            json!({ "behavior": { "scaleDown": { "stabilizationWindowSeconds": 9 } } }),
        ),
    ]
}
