//! The Ingress: one host, a path for each route, and what ingress-nginx knows of the rest.

use std::collections::BTreeMap;

use k8s_openapi::api::networking::v1::{
    HTTPIngressPath, HTTPIngressRuleValue, Ingress, IngressBackend, IngressRule,
    IngressServiceBackend, IngressSpec, IngressTLS, ServiceBackendPort,
};
use serde_json::Value;

use super::object::{shared_metadata, to_json};
use crate::{
    component::Component,
    environment::{
        edge::{Cors, Edge, EdgeController},
        tls::TlsSource,
    },
    model::Model,
    nginx,
    quantity::Memory,
};

pub(super) fn render(model: &Model) -> Option<Value> {
    let edge = model.environment.edge.as_ref()?;
    if edge.controller != EdgeController::IngressNginx || !model.has_routes() {
        return None;
    }
    let host = Some(edge.host.to_string());
    let paths = model.components.iter().filter_map(|component| path(edge, component)).collect();
    let mut metadata = shared_metadata(model, model.app());
    metadata.annotations = Some(annotations(edge)).filter(|map| !map.is_empty());
    Some(to_json(&Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: Some(edge.class.to_string()),
            tls: (edge.tls.source != TlsSource::None).then(|| {
                let secret_name = Some(model.environment.certificate_secret());
                vec![IngressTLS { hosts: host.clone().map(|host| vec![host]), secret_name }]
            }),
            rules: Some(vec![IngressRule { host, http: Some(HTTPIngressRuleValue { paths }) }]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }))
}

/// ingress-nginx takes regular expressions only as `ImplementationSpecific`.
fn path(edge: &Edge, component: &Component) -> Option<HTTPIngressPath> {
    let route = component.route.as_ref()?;
    let (port, _) = component.pod.containers.first()?.ports.first()?;
    let (path, path_type) = if edge.strip_route {
        (stripped(route), "ImplementationSpecific")
    } else {
        (route.clone(), "Prefix")
    };
    Some(HTTPIngressPath {
        path: Some(path),
        path_type: path_type.to_owned(),
        backend: IngressBackend {
            service: Some(IngressServiceBackend {
                name: component.name.clone(),
                port: Some(ServiceBackendPort {
                    name: Some(port.clone()),
                    ..ServiceBackendPort::default()
                }),
            }),
            ..IngressBackend::default()
        },
    })
}

/// Returns the regular expression for `route` whose second group is what the service sees. It begins
/// with a slash, as the API server wants it.
fn stripped(route: &str) -> String {
    match route.trim_end_matches('/') {
        "" => "/()(.*)".to_owned(),
        route => format!("{}(/|$)(.*)", route.replace('.', r"\.")),
    }
}

/// Returns the annotations: what the edge says, and those that the environment adds.
fn annotations(edge: &Edge) -> BTreeMap<String, String> {
    let option = |(name, value)| (format!("{}{name}", nginx::PREFIX), value);
    let own = edge.annotations.iter().map(|(name, value)| (name.to_string(), value.clone()));
    nginx_options(edge).into_iter().map(option).chain(own).collect()
}

/// Returns what ingress-nginx reads from annotations.
fn nginx_options(edge: &Edge) -> BTreeMap<&'static str, String> {
    let yes = || "true".to_owned();
    let mut options = BTreeMap::from([
        ("ssl-redirect", edge.force_https.to_string()),
        ("force-ssl-redirect", edge.force_https.to_string()),
    ]);
    if edge.strip_route {
        options.extend([("use-regex", yes()), ("rewrite-target", "/$2".to_owned())]);
    }
    if let Some(limit) = &edge.rate_limit {
        options.insert("limit-rps", limit.requests_per_second.to_string());
        options.extend(limit.connections.map(|most| ("limit-connections", most.to_string())));
    }
    options.extend(edge.cors.iter().flat_map(cors_options));
    options.extend(edge.timeout_seconds.map(|time| ("proxy-read-timeout", time.to_string())));
    options.extend(edge.max_body.map(|size| ("proxy-body-size", nginx_size(size))));
    if edge.firewall {
        options.extend([("enable-modsecurity", yes()), ("enable-owasp-core-rules", yes())]);
    }
    options
}

fn cors_options(cors: &Cors) -> BTreeMap<&'static str, String> {
    let methods: Vec<_> = cors.methods.iter().map(|method| method.as_str()).collect();
    let mut options = BTreeMap::from([
        ("enable-cors", "true".to_owned()),
        ("cors-allow-origin", list(&cors.origins)),
        ("cors-allow-methods", methods.join(", ")),
        ("cors-allow-headers", list(&cors.headers)),
        ("cors-allow-credentials", cors.credentials.to_string()),
    ]);
    if !cors.expose_headers.is_empty() {
        options.insert("cors-expose-headers", list(&cors.expose_headers));
    }
    options.extend(cors.max_age_seconds.map(|age| ("cors-max-age", age.to_string())));
    options
}

fn list(items: &[impl ToString]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Writes a size as nginx does: whole mebibytes if possible, else bytes.
fn nginx_size(size: Memory) -> String {
    match (size.bytes() >> 20, size.bytes() % (1 << 20)) {
        (megabytes @ 1.., 0) => format!("{megabytes}m"),
        _ => size.bytes().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_stripped_route_is_an_absolute_path_in_which_a_dot_is_a_dot() {
        for (route, expected) in [
            ("/web", "/web(/|$)(.*)"),
            ("/api/v1.0", r"/api/v1\.0(/|$)(.*)"),
            ("/~me", "/~me(/|$)(.*)"),
            ("/", "/()(.*)"),
        ] {
            assert_eq!(stripped(route), expected, "{route}");
        }
    }

    #[test]
    fn every_annotation_is_one_that_ingress_nginx_documents() {
        let everything = json!({
            "host": "shop.example",
            "class": "nginx",
            "strip_route": true,
            "force_https": true,
            "tls": { "source": "existing" },
            "timeout_seconds": 60,
            "rate_limit": { "requests_per_second": 100, "connections": 10 },
            "cors": {
                "origins": ["https://shop.example", "https://*.shop.example"],
                "methods": ["GET", "POST"],
                "headers": ["X-Request-ID"],
                "expose_headers": ["X-Total"],
                "credentials": true,
                "max_age_seconds": 600,
            },
            "max_body": "10Mi",
            "firewall": true,
        });
        let edge: Edge = serde_json::from_value(everything).expect("an edge");
        let options = nginx_options(&edge);
        assert_eq!(options.len(), 17, "whatever there is: {options:?}");
        for (name, value) in options {
            assert_eq!(nginx::check(name, &value), Ok(()), "{name}: {value}");
        }
    }
}
