//! Services.

use serde_json::{Value, json};

use crate::{
    kit::Site,
    pair::{Base, Pair, spec},
};

pub(crate) fn service_base() -> Base {
    let spec = json!({ "selector": { "app": "x" }, "ports": [{ "name": "http", "port": 80 }] });
    (3, json!({ "apiVersion": "v1", "kind": "Service", "spec": spec }))
}

pub(crate) fn services(site: &Site) -> Vec<Pair> {
    let base = service_base();
    let one =
        |case, before: Value, after: Value| Pair::new(site, case, &base, spec(before), spec(after));
    let ports = |ports: Value| json!({ "ports": ports });
    vec![
        one("Service opens a port on the nodes", json!({}), json!({ "type": "NodePort" })),
        one("Service gets a load balancer", json!({}), json!({ "type": "LoadBalancer" })),
        one(
            "Service with a port on the nodes gets a load balancer",
            json!({ "type": "NodePort" }),
            json!({ "type": "LoadBalancer" }),
        ),
        one(
            "Service gets a load balancer of some class",
            json!({}),
            json!({ "type": "LoadBalancer", "loadBalancerClass": "example.com/a" }),
        ),
        one(
            "Service whose load balancer needs no port on the nodes gets one",
            json!({ "type": "LoadBalancer", "allocateLoadBalancerNodePorts": false }),
            json!({ "type": "LoadBalancer" }),
        ),
        one(
            "Service keeps the sources of requests",
            json!({ "type": "LoadBalancer" }),
            json!({ "type": "LoadBalancer", "externalTrafficPolicy": "Local" }),
        ),
        one(
            "Service gets a port",
            json!({}),
            ports(json!([
                { "name": "http", "port": 80 },
                { "name": "more", "port": 81, "targetPort": "more" },
            ])),
        ),
        one(
            "Service gets the other protocol",
            ports(json!([{ "name": "http", "port": 80, "protocol": "TCP" }])),
            ports(json!([
                { "name": "http", "port": 80, "protocol": "TCP" },
                { "name": "quic", "port": 80, "protocol": "UDP" },
            ])),
        ),
        one("Service port loses its name", json!({}), ports(json!([{ "port": 80 }]))),
        one(
            "Service port has another name",
            json!({}),
            ports(json!([{ "name": "web", "port": 80 }])),
        ),
        one("Service port moves", json!({}), ports(json!([{ "name": "http", "port": 81 }]))),
        one(
            "Service port leads elsewhere",
            json!({}),
            ports(json!([{ "name": "http", "port": 80, "targetPort": 8080 }])),
        ),
        one(
            "Service keeps clients at one pod",
            json!({}),
            json!({ "sessionAffinity": "ClientIP" }),
        ),
        one(
            "Service does not keep clients at one pod for long",
            json!({ "sessionAffinity": "ClientIP",
                "sessionAffinityConfig": { "clientIP": { "timeoutSeconds": 9 } } }),
            json!({ "sessionAffinity": "ClientIP" }),
        ),
        one(
            "Service without an address gets a port",
            json!({ "clusterIP": "None" }),
            json!({ "clusterIP": "None",
                "ports": [{ "name": "http", "port": 80 }, { "name": "more", "port": 81 }] }),
        ),
        one(
            "Service elsewhere comes here",
            json!({ "type": "ExternalName", "externalName": "example.com",
                "ports": null, "selector": null }),
            json!({}),
        ),
        one(
            "Service is of other pods",
            json!({}),
            json!({ "selector": { "app": "y" }, "publishNotReadyAddresses": true,
                "internalTrafficPolicy": "Local" }),
        ),
    ]
}
