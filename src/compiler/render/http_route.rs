//! Routes of the Gateway: one for each component that has a route, and one that sends HTTP to
//! HTTPS.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::{
    gateway::{self, HTTP, HTTPS, ParentRef},
    object::{metadata_of, shared_metadata, to_json},
};
use crate::{
    component::Component,
    environment::{
        edge::{Cors, Edge},
        tls::TlsSource,
    },
    model::Model,
};

/// How long browsers may keep what a page may do, in seconds, as with ingress-nginx.
const MAX_AGE: u32 = 20 * 24 * 60 * 60;

/// `HTTPRoute` of `gateway.networking.k8s.io/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpRoute {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: HttpRouteSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct HttpRouteSpec {
    parent_refs: Vec<ParentRef>,
    hostnames: Vec<String>,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    matches: Vec<Match>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    filters: Vec<Filter>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    backend_refs: Vec<BackendRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeouts: Option<Timeouts>,
}

#[derive(Serialize)]
struct Match {
    path: PathMatch,
}

#[derive(Serialize)]
struct PathMatch {
    #[serde(rename = "type")]
    match_type: &'static str,
    value: String,
}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Filter {
    #[serde(rename = "CORS")]
    Cors { cors: CorsFilter },
    #[serde(rename = "RequestRedirect", rename_all = "camelCase")]
    Redirect { request_redirect: Redirect },
    #[serde(rename = "URLRewrite", rename_all = "camelCase")]
    Rewrite { url_rewrite: Rewrite },
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CorsFilter {
    allow_origins: Vec<String>,
    allow_methods: Vec<&'static str>,
    allow_headers: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    expose_headers: Vec<String>,
    allow_credentials: bool,
    max_age: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Redirect {
    scheme: &'static str,
    status_code: u16,
}

#[derive(Serialize)]
struct Rewrite {
    path: RewritePath,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct RewritePath {
    #[serde(rename = "type")]
    rewrite_type: &'static str,
    replace_prefix_match: &'static str,
}

#[derive(Serialize)]
struct BackendRef {
    group: &'static str,
    kind: &'static str,
    name: String,
    port: u16,
    weight: u32,
}

#[derive(Serialize)]
struct Timeouts {
    request: String,
}

pub(super) fn render(model: &Model, component: &Component) -> Option<Value> {
    let edge = gateway::edge(model)?;
    let route = component.route.as_ref()?;
    let (_, port) = component.pod.containers.first()?.ports.first()?;
    let rewrite = edge.strip_route.then_some(Filter::Rewrite {
        url_rewrite: Rewrite {
            path: RewritePath { rewrite_type: "ReplacePrefixMatch", replace_prefix_match: "/" },
        },
    });
    let rule = Rule {
        matches: prefix(route),
        filters: edge.cors.as_ref().map(cors).into_iter().chain(rewrite).collect(),
        backend_refs: vec![BackendRef {
            group: "",
            kind: "Service",
            name: component.name.clone(),
            port: *port,
            weight: 1,
        }],
        timeouts: edge.timeout_seconds.map(|time| Timeouts { request: format!("{time}s") }),
    };
    let metadata = metadata_of(model, component, &component.name);
    Some(http_route(model, edge, metadata, listeners(edge), rule))
}

/// Sends HTTP to HTTPS, but for the proofs of ACME: their routes have exact paths, which win.
pub(super) fn render_redirect(model: &Model) -> Option<Value> {
    let edge = gateway::edge(model).filter(|edge| edge.force_https)?;
    let rule = Rule {
        matches: prefix("/"),
        filters: vec![Filter::Redirect {
            request_redirect: Redirect { scheme: "https", status_code: 301 },
        }],
        backend_refs: Vec::new(),
        timeouts: None,
    };
    let metadata = shared_metadata(model, &model.environment.redirect_name());
    Some(http_route(model, edge, metadata, &[HTTP], rule))
}

fn http_route(
    model: &Model,
    edge: &Edge,
    metadata: ObjectMeta,
    listeners: &[&'static str],
    rule: Rule,
) -> Value {
    to_json(&HttpRoute {
        api_version: gateway::API_VERSION,
        kind: "HTTPRoute",
        metadata,
        spec: HttpRouteSpec {
            parent_refs: listeners.iter().map(|name| ParentRef::new(model, name)).collect(),
            hostnames: vec![edge.host.to_string()],
            rules: vec![rule],
        },
    })
}

/// Returns the listeners through which services are reached.
fn listeners(edge: &Edge) -> &'static [&'static str] {
    match (edge.tls.source, edge.force_https) {
        (TlsSource::None, _) => &[HTTP],
        (_, true) => &[HTTPS],
        (_, false) => &[HTTP, HTTPS],
    }
}

fn prefix(path: &str) -> Vec<Match> {
    vec![Match { path: PathMatch { match_type: "PathPrefix", value: path.to_owned() } }]
}

fn cors(cors: &Cors) -> Filter {
    let texts = |headers: &[_]| headers.iter().map(ToString::to_string).collect();
    Filter::Cors {
        cors: CorsFilter {
            allow_origins: cors.origins.iter().map(ToString::to_string).collect(),
            allow_methods: cors.methods.iter().map(|method| method.as_str()).collect(),
            allow_headers: texts(&cors.headers),
            expose_headers: texts(&cors.expose_headers),
            allow_credentials: cors.credentials,
            max_age: cors.max_age_seconds.unwrap_or(MAX_AGE),
        },
    }
}
