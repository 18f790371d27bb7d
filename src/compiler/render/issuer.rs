//! Issuers of cert-manager that belong to the release.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::{
    certificate,
    gateway::{HTTP, ParentRef},
    object::{shared_metadata, to_json},
};
use crate::{
    environment::edge::EdgeController,
    model::{Issuance, Model, ResolvedIssuer},
};

/// `Issuer` of `cert-manager.io/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Issuer {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: IssuerSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
enum IssuerSpec {
    Acme(Acme),
    #[serde(rename_all = "camelCase")]
    Ca {
        secret_name: String,
    },
    SelfSigned {},
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Acme {
    server: String,
    email: String,
    private_key_secret_ref: SecretRef,
    solvers: Vec<Solver>,
}

#[derive(Serialize)]
struct SecretRef {
    name: String,
}

#[derive(Serialize)]
struct Solver {
    http01: Http01,
}

#[derive(Serialize)]
enum Http01 {
    #[serde(rename = "ingress", rename_all = "camelCase")]
    Ingress { ingress_class_name: String, service_type: &'static str },
    #[serde(rename = "gatewayHTTPRoute", rename_all = "camelCase")]
    Gateway { parent_refs: Vec<ParentRef>, service_type: &'static str },
}

/// The kind of Service that leads to a solver: no other is reachable, nor need be.
const SERVICE_TYPE: &str = "ClusterIP";

pub(super) fn render(model: &Model) -> Vec<Value> {
    model.issuers.iter().flat_map(|issuer| render_one(model, issuer)).collect()
}

fn render_one(model: &Model, resolved: &ResolvedIssuer) -> Vec<Value> {
    let name = resolved.name.as_str();
    match &resolved.issuance {
        Issuance::Acme { server, email } => {
            let acme = Acme {
                server: server.clone(),
                email: email.clone(),
                private_key_secret_ref: SecretRef { name: format!("{name}-account") },
                solvers: solver(model).into_iter().collect(),
            };
            vec![issuer(model, name, IssuerSpec::Acme(acme))]
        }
        Issuance::Ca { secret } => {
            vec![issuer(model, name, IssuerSpec::Ca { secret_name: secret.clone() })]
        }
        Issuance::SelfSigned { common_name, duration } => {
            let (root, ca) = (ResolvedIssuer::root_name(name), ResolvedIssuer::ca_name(name));
            vec![
                issuer(model, &root, IssuerSpec::SelfSigned {}),
                issuer(model, name, IssuerSpec::Ca { secret_name: ca.clone() }),
                certificate::render_authority(model, ca, root, common_name, duration),
            ]
        }
    }
}

fn issuer(model: &Model, name: &str, spec: IssuerSpec) -> Value {
    to_json(&Issuer {
        api_version: "cert-manager.io/v1",
        kind: "Issuer",
        metadata: shared_metadata(model, name),
        spec,
    })
}

/// Returns how the host is proven: on the way by which every request comes in.
fn solver(model: &Model) -> Option<Solver> {
    let edge = model.environment.edge.as_ref()?;
    let service_type = SERVICE_TYPE;
    let http01 = match edge.controller {
        EdgeController::IngressNginx => {
            Http01::Ingress { ingress_class_name: edge.class.to_string(), service_type }
        }
        EdgeController::GatewayApi => {
            Http01::Gateway { parent_refs: vec![ParentRef::new(model, HTTP)], service_type }
        }
    };
    Some(Solver { http01 })
}
