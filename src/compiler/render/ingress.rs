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
    environment::ingress::{self, TlsSource},
    model::Model,
    quantity::Memory,
};

/// Returns the name of the Secret that has the certificate.
pub(crate) fn certificate_secret(model: &Model) -> String {
    format!("{}-tls", model.app())
}

pub(super) fn render(model: &Model) -> Option<Value> {
    let ingress = model.environment.ingress.as_ref()?;
    let host = Some(ingress.host.to_string());
    let paths: Vec<_> = model.components.iter().filter_map(|c| path(ingress, c)).collect();
    if paths.is_empty() {
        return None;
    }
    let mut metadata = shared_metadata(model, model.app());
    metadata.annotations = Some(annotations(ingress)).filter(|map| !map.is_empty());
    Some(to_json(&Ingress {
        metadata,
        spec: Some(IngressSpec {
            ingress_class_name: Some(ingress.class.to_string()),
            tls: (ingress.tls.source != TlsSource::None).then(|| {
                let secret_name = Some(certificate_secret(model));
                vec![IngressTLS { hosts: host.clone().map(|host| vec![host]), secret_name }]
            }),
            rules: Some(vec![IngressRule { host, http: Some(HTTPIngressRuleValue { paths }) }]),
            ..IngressSpec::default()
        }),
        ..Ingress::default()
    }))
}

/// With `strip_route` the path is a regular expression whose second group is what the service sees;
/// ingress-nginx takes those only as `ImplementationSpecific`.
fn path(ingress: &ingress::Ingress, component: &Component) -> Option<HTTPIngressPath> {
    let route = component.route.as_ref()?;
    let (port, _) = component.pod.containers.first()?.ports.first()?;
    let (path, path_type) = if ingress.strip_route {
        let route = route.trim_end_matches('/').replace('.', r"\.");
        (format!("{route}(/|$)(.*)"), "ImplementationSpecific")
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

/// Returns the annotations; those of the environment win.
fn annotations(ingress: &ingress::Ingress) -> BTreeMap<String, String> {
    let prefix = |(key, value)| (format!("nginx.ingress.kubernetes.io/{key}"), value);
    let own = ingress.annotations.iter();
    let own = own.map(|(key, value)| (key.to_string(), value.clone()));
    nginx_options(ingress).into_iter().map(prefix).chain(own).collect()
}

/// Returns what ingress-nginx reads from annotations.
fn nginx_options(ingress: &ingress::Ingress) -> BTreeMap<&'static str, String> {
    let yes = || "true".to_owned();
    let mut options = BTreeMap::from([
        ("ssl-redirect", ingress.force_https.to_string()),
        ("force-ssl-redirect", ingress.force_https.to_string()),
    ]);
    if ingress.strip_route {
        options.extend([("use-regex", yes()), ("rewrite-target", "/$2".to_owned())]);
    }
    if let Some(limit) = &ingress.rate_limit {
        options.insert("limit-rps", limit.requests_per_second.to_string());
        options.extend(limit.connections.map(|most| ("limit-connections", most.to_string())));
    }
    if let Some(cors) = &ingress.cors {
        let origins: Vec<_> = cors.origins.iter().map(ToString::to_string).collect();
        options.extend([
            ("enable-cors", yes()),
            ("cors-allow-origin", origins.join(", ")),
            ("cors-allow-methods", cors.methods.join(", ")),
            ("cors-allow-headers", cors.headers.join(", ")),
            ("cors-allow-credentials", cors.credentials.to_string()),
        ]);
    }
    options.extend(ingress.max_body.map(|size| ("proxy-body-size", nginx_size(size))));
    if ingress.firewall {
        options.extend([("enable-modsecurity", yes()), ("enable-owasp-core-rules", yes())]);
    }
    options
}

/// Writes a size as nginx does: whole mebibytes if possible, else bytes.
fn nginx_size(size: Memory) -> String {
    match (size.bytes() >> 20, size.bytes() % (1 << 20)) {
        (megabytes @ 1.., 0) => format!("{megabytes}m"),
        _ => size.bytes().to_string(),
    }
}
