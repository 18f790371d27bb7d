//! The Gateway: a listener for HTTP and one for HTTPS, both for the host only.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::object::{shared_metadata, to_json, to_map};
use crate::{
    environment::{
        edge::{Edge, EdgeController},
        tls::TlsSource,
    },
    model::Model,
};

/// Group and version of the kinds of the Gateway API.
pub(super) const GROUP: &str = "gateway.networking.k8s.io";
pub(super) const API_VERSION: &str = "gateway.networking.k8s.io/v1";

/// Names of the listeners.
pub(super) const HTTP: &str = "http";
pub(super) const HTTPS: &str = "https";

/// `Gateway` of `gateway.networking.k8s.io/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Gateway {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: GatewaySpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GatewaySpec {
    gateway_class_name: String,
    listeners: Vec<Listener>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listener {
    name: &'static str,
    protocol: &'static str,
    port: u16,
    hostname: String,
    allowed_routes: AllowedRoutes,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls: Option<Termination>,
}

#[derive(Serialize)]
struct AllowedRoutes {
    namespaces: RouteNamespaces,
}

#[derive(Serialize)]
struct RouteNamespaces {
    from: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Termination {
    mode: &'static str,
    certificate_refs: Vec<CertificateRef>,
}

#[derive(Serialize)]
struct CertificateRef {
    group: &'static str,
    kind: &'static str,
    name: String,
}

/// A listener of the Gateway, as routes name it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ParentRef {
    group: &'static str,
    kind: &'static str,
    name: String,
    section_name: &'static str,
}

impl ParentRef {
    pub(super) fn new(model: &Model, listener: &'static str) -> Self {
        Self { group: GROUP, kind: "Gateway", name: model.app().to_owned(), section_name: listener }
    }
}

/// Returns the edge if a gateway serves it and something has a route.
pub(super) fn edge<'a>(model: &Model<'a>) -> Option<&'a Edge> {
    let edge = model.environment.edge.as_ref()?;
    (edge.controller == EdgeController::GatewayApi && model.has_routes()).then_some(edge)
}

pub(super) fn render(model: &Model) -> Option<Value> {
    let edge = edge(model)?;
    let certificate =
        CertificateRef { group: "", kind: "Secret", name: model.environment.certificate_secret() };
    let tls = Termination { mode: "Terminate", certificate_refs: vec![certificate] };
    let mut listeners = vec![listener(edge, HTTP, "HTTP", 80, None)];
    if edge.tls.source != TlsSource::None {
        listeners.push(listener(edge, HTTPS, "HTTPS", 443, Some(tls)));
    }
    let mut metadata = shared_metadata(model, model.app());
    metadata.annotations = Some(to_map(&edge.annotations)).filter(|map| !map.is_empty());
    Some(to_json(&Gateway {
        api_version: API_VERSION,
        kind: "Gateway",
        metadata,
        spec: GatewaySpec { gateway_class_name: edge.class.to_string(), listeners },
    }))
}

fn listener(
    edge: &Edge,
    name: &'static str,
    protocol: &'static str,
    port: u16,
    tls: Option<Termination>,
) -> Listener {
    Listener {
        name,
        protocol,
        port,
        hostname: edge.host.to_string(),
        allowed_routes: AllowedRoutes { namespaces: RouteNamespaces { from: "Same" } },
        tls,
    }
}
