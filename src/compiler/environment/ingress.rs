//! How requests come in from outside.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    quantity::Memory,
    text::{DnsLabel, HostName, LabelKey, Origin},
};

/// How requests come in from outside: one host, on which every service has its `route`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Ingress {
    /// Name of the host; the placeholders `{public_host}` and `{public_url}`.
    pub(crate) host: HostName,
    /// Ingress class. The cluster must have it.
    pub(crate) class: DnsLabel,
    /// Whether services see paths without their route: `/api/v1/orders/health` as `/health`.
    #[serde(default)]
    pub(crate) strip_route: bool,
    /// Whether HTTP is redirected to HTTPS.
    #[serde(default)]
    pub(crate) force_https: bool,
    /// Where the certificate comes from.
    pub(crate) tls: Tls,
    /// How much a client may ask for.
    #[serde(default)]
    pub(crate) rate_limit: Option<RateLimit>,
    /// Which pages of other hosts may call the services.
    #[serde(default)]
    pub(crate) cors: Option<Cors>,
    /// Greatest size of a request's body. The default is that of the controller.
    #[serde(default)]
    pub(crate) max_body: Option<Memory>,
    /// Whether requests pass a web application firewall with the OWASP core rules.
    #[serde(default)]
    pub(crate) firewall: bool,
    /// More annotations for the controller.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "label-key"}))]
    pub(crate) annotations: BTreeMap<LabelKey, String>,
}

impl Ingress {
    /// Returns the URL of the host, without a path.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.tls.source {
            TlsSource::None => "http",
            TlsSource::CertManager | TlsSource::Existing => "https",
        };
        format!("{scheme}://{}", self.host)
    }
}

/// Where the certificate comes from.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Tls {
    /// Who provides it.
    pub(crate) source: TlsSource,
    /// Issuer of cert-manager; required if that is the source.
    #[serde(default)]
    pub(crate) issuer: Option<DnsLabel>,
    /// Whether the issuer belongs to the cluster or to the namespace. The default is
    /// `ClusterIssuer`.
    #[serde(default)]
    pub(crate) issuer_kind: IssuerKind,
}

/// Who provides the certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TlsSource {
    /// cert-manager issues it.
    CertManager,
    /// The site has created the Secret `<app>-tls`; applying checks that it is there.
    Existing,
    /// Nobody: plain HTTP.
    None,
}

/// Whose an issuer is.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema)]
pub(crate) enum IssuerKind {
    /// The cluster's.
    #[default]
    ClusterIssuer,
    /// The namespace's.
    Issuer,
}

impl IssuerKind {
    /// Returns the kind's name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::ClusterIssuer => "ClusterIssuer",
            Self::Issuer => "Issuer",
        }
    }
}

/// How much a client, by its address, may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RateLimit {
    /// Requests a second.
    #[schemars(range(min = 1))]
    pub(crate) requests_per_second: u32,
    /// Connections at once. The default is any number.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(crate) connections: Option<u32>,
}

/// Which pages of other hosts may call the services.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Cors {
    /// Origins of the pages, or `*`.
    pub(crate) origins: Vec<Origin>,
    /// Methods that they may use.
    pub(crate) methods: Vec<String>,
    /// Headers that they may send.
    pub(crate) headers: Vec<String>,
    /// Whether they may send cookies.
    #[serde(default)]
    pub(crate) credentials: bool,
}
