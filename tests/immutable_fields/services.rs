//! Services.

use serde_json::{Value, json};

use crate::{
    kit::api::merge,
    stage::{
        Stage, Subject,
        Verdict::{Accepted, Ignored, Refused},
    },
};

pub(crate) fn services(stage: &Stage) -> Vec<Subject> {
    let service = |name: &str, more: Value| {
        let mut manifest = stage.manifest(
            "v1",
            "Service",
            name,
            json!({ "spec": {
                "selector": { "app": "x" },
                "ports": [{ "name": "http", "port": 80 }],
            }}),
        );
        merge(&mut manifest["spec"], more);
        manifest
    };
    let of_spec = |case, spec: Value, verdict| (case, json!({ "spec": spec }), verdict);
    let external = || {
        json!({ "type": "ExternalName", "externalName": "example.com", "clusterIP": null,
            "ports": null, "selector": null })
    };
    let balancer = json!({ "type": "LoadBalancer", "externalTrafficPolicy": "Local",
        "loadBalancerClass": "example.com/a" });
    vec![
        Subject {
            manifest: service("addressed", json!({})),
            changes: vec![
                of_spec("no address", json!({ "clusterIP": "None" }), Refused),
                of_spec(
                    "no addresses",
                    json!({ "clusterIPs": ["None"], "clusterIP": "None" }),
                    Refused,
                ),
                of_spec("a name elsewhere", external(), Accepted),
                of_spec("a port on the nodes", json!({ "type": "NodePort" }), Accepted),
                of_spec("a load balancer", json!({ "type": "LoadBalancer" }), Accepted),
                of_spec("other pods", json!({ "selector": { "app": "y" } }), Accepted),
                of_spec(
                    "another port",
                    json!({ "ports": [{ "name": "http", "port": 81 }] }),
                    Accepted,
                ),
            ],
        },
        Subject {
            manifest: service("headless", json!({ "clusterIP": "None" })),
            changes: vec![
                of_spec("an address", json!({ "clusterIP": null }), Ignored),
                of_spec("a name elsewhere", external(), Accepted),
                of_spec(
                    "another port",
                    json!({ "ports": [{ "name": "http", "port": 81 }] }),
                    Accepted,
                ),
            ],
        },
        Subject {
            manifest: service("balanced", balancer),
            changes: vec![
                of_spec("another class", json!({ "loadBalancerClass": "example.com/b" }), Refused),
                of_spec("no class", json!({ "loadBalancerClass": null }), Refused),
                of_spec(
                    "only an address",
                    json!({ "type": null, "externalTrafficPolicy": null,
                        "loadBalancerClass": null }),
                    Accepted,
                ),
                of_spec("sources", json!({ "loadBalancerSourceRanges": ["10.0.0.0/8"] }), Accepted),
            ],
        },
    ]
}
