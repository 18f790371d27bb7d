//! Custom resources.

use serde_json::{Value, json};

use crate::{
    kit::Site,
    pair::{Base, Pair, spec},
};

pub(crate) fn customs(site: &Site) -> Vec<Pair> {
    let external: Base = (
        2,
        json!({
            "apiVersion": "external-secrets.io/v1",
            "kind": "ExternalSecret",
            "spec": {
                "secretStoreRef": { "name": "store", "kind": "SecretStore" },
                "target": { "name": "target" },
                "data": [{ "secretKey": "a", "remoteRef": { "key": "a" } }],
            },
        }),
    );
    let certificate: Base = (
        2,
        json!({
            "apiVersion": "cert-manager.io/v1",
            "kind": "Certificate",
            "spec": {
                "secretName": "tls",
                "dnsNames": ["a.example.com"],
                "issuerRef": { "name": "issuer" },
            },
        }),
    );
    let monitor: Base = (
        7,
        json!({
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "ServiceMonitor",
            "spec": {
                "selector": { "matchLabels": { "app": "x" } },
                "endpoints": [{ "port": "http" }],
            },
        }),
    );
    let one = |case, base, before: Value, after: Value| {
        Pair::new(site, case, base, spec(before), spec(after))
    };
    vec![
        one(
            "External secret has more keys",
            &external,
            json!({}),
            json!({
                "refreshInterval": "5m",
                "data": [
                    { "secretKey": "b", "remoteRef": { "key": "b", "property": "p" } },
                    { "secretKey": "a", "remoteRef": { "key": "c" } },
                ],
                "target": { "creationPolicy": "Merge", "deletionPolicy": "Retain" },
            }),
        ),
        one(
            "External secret has all keys",
            &external,
            json!({}),
            json!({ "data": null, "dataFrom": [{ "extract": { "key": "a" } }] }),
        ),
        one(
            "Certificate is of another key",
            &certificate,
            json!({}),
            json!({
                "dnsNames": ["a.example.com", "b.example.com"],
                "duration": "100h",
                "privateKey": { "algorithm": "ECDSA", "size": 256, "rotationPolicy": "Always" },
                "usages": ["server auth"],
            }),
        ),
        one(
            "Monitor asks more often",
            &monitor,
            json!({}),
            json!({ "jobLabel": "app", "endpoints": [
                { "port": "http", "interval": "5s" }, { "port": "more", "path": "/more" }] }),
        ),
    ]
}
