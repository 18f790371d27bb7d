//! Certificates that cert-manager issues.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::object::{shared_metadata, to_json};
use crate::model::Model;

/// `Certificate` of `cert-manager.io/v1`, as far as it is used here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    api_version: &'static str,
    kind: &'static str,
    metadata: ObjectMeta,
    spec: CertificateSpec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CertificateSpec {
    secret_name: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns_names: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    common_name: Option<String>,
    #[serde(rename = "isCA", skip_serializing_if = "Option::is_none")]
    is_ca: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<String>,
    issuer_ref: IssuerRef,
    private_key: PrivateKey,
}

#[derive(Serialize)]
struct IssuerRef {
    group: &'static str,
    kind: &'static str,
    name: String,
}

impl IssuerRef {
    fn new(kind: &'static str, name: String) -> Self {
        Self { group: "cert-manager.io", kind, name }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateKey {
    algorithm: &'static str,
    size: u32,
    rotation_policy: &'static str,
}

impl PrivateKey {
    /// A key that is made `Always` anew with the certificate, or `Never`.
    fn new(rotation_policy: &'static str) -> Self {
        Self { algorithm: "ECDSA", size: 256, rotation_policy }
    }
}

/// The certificate of the host.
pub(super) fn render(model: &Model) -> Option<Value> {
    let edge = model.environment.edge.as_ref()?;
    let issuer = model.certificate_issuer.as_ref()?;
    let spec = CertificateSpec {
        secret_name: model.environment.certificate_secret(),
        dns_names: vec![edge.host.to_string()],
        common_name: None,
        is_ca: None,
        duration: None,
        issuer_ref: IssuerRef::new(issuer.kind, issuer.name.clone()),
        private_key: PrivateKey::new("Always"),
    };
    Some(certificate(model, spec))
}

/// The certificate of an authority `name`, signed by the issuer `root`. It keeps its key: what it
/// issued stays good when it is renewed.
pub(super) fn render_authority(
    model: &Model,
    name: String,
    root: String,
    common_name: &str,
    duration: &str,
) -> Value {
    let spec = CertificateSpec {
        secret_name: name,
        dns_names: Vec::new(),
        common_name: Some(common_name.to_owned()),
        is_ca: Some(true),
        duration: Some(duration.to_owned()),
        issuer_ref: IssuerRef::new("Issuer", root),
        private_key: PrivateKey::new("Never"),
    };
    certificate(model, spec)
}

fn certificate(model: &Model, spec: CertificateSpec) -> Value {
    to_json(&Certificate {
        api_version: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: shared_metadata(model, &spec.secret_name),
        spec,
    })
}
