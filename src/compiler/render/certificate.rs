//! The certificate of the host, issued by cert-manager.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde_json::Value;

use super::{
    ingress::certificate_secret,
    object::{shared_metadata, to_json},
};
use crate::{environment::ingress::TlsSource, model::Model};

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
    dns_names: Vec<String>,
    issuer_ref: IssuerRef,
    private_key: PrivateKey,
}

#[derive(Serialize)]
struct IssuerRef {
    group: &'static str,
    kind: &'static str,
    name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PrivateKey {
    algorithm: &'static str,
    size: u32,
    rotation_policy: &'static str,
}

pub(super) fn render(model: &Model) -> Option<Value> {
    let ingress = model.environment.ingress.as_ref()?;
    let tls = Some(&ingress.tls).filter(|tls| tls.source == TlsSource::CertManager)?;
    let name = certificate_secret(model);
    Some(to_json(&Certificate {
        api_version: "cert-manager.io/v1",
        kind: "Certificate",
        metadata: shared_metadata(model, &name),
        spec: CertificateSpec {
            secret_name: name,
            dns_names: vec![ingress.host.to_string()],
            issuer_ref: IssuerRef {
                group: "cert-manager.io",
                kind: tls.issuer_kind.as_str(),
                name: tls.issuer.as_ref()?.to_string(),
            },
            private_key: PrivateKey { algorithm: "ECDSA", size: 256, rotation_policy: "Always" },
        },
    }))
}
