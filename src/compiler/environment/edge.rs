//! How requests come in from outside.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::tls::{Tls, TlsSource};
use crate::{
    quantity::Memory,
    text::{DnsLabel, HeaderName, HostName, LabelKey, Origin},
};

/// There is one host, on which every service has its `route`. The same declaration becomes an
/// Ingress, or a Gateway with its routes.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Edge {
    /// Name of the host; the placeholders `{public_host}` and `{public_url}`.
    pub(crate) host: HostName,
    /// What lets requests in. The default is `ingress-nginx`.
    #[serde(default)]
    pub(crate) controller: EdgeController,
    /// Ingress class, or gateway class. The cluster must have it.
    pub(crate) class: DnsLabel,
    /// Whether services see paths without their route: `/api/v1/orders/health` as `/health`.
    #[serde(default)]
    pub(crate) strip_route: bool,
    /// Whether HTTP is redirected to HTTPS.
    #[serde(default)]
    pub(crate) force_https: bool,
    /// Where the certificate comes from.
    pub(crate) tls: Tls,
    /// How long a service may take to answer, in seconds. ingress-nginx counts anew with each part
    /// of an answer, a gateway counts the whole. The default is that of the controller.
    #[serde(default)]
    #[schemars(range(min = 1, max = 3600))]
    pub(crate) timeout_seconds: Option<u32>,
    /// How much a client may ask for. The Gateway API has nothing for it.
    #[serde(default)]
    pub(crate) rate_limit: Option<RateLimit>,
    /// Which pages of other hosts may call the services.
    #[serde(default)]
    pub(crate) cors: Option<Cors>,
    /// Greatest size of a request's body. The default is that of the controller. The Gateway API
    /// has nothing for it.
    #[serde(default)]
    pub(crate) max_body: Option<Memory>,
    /// Whether ModSecurity checks requests by the OWASP core rules. ingress-nginx runs it so that
    /// it logs and blocks nothing; whoever runs the controller makes it block, by
    /// `SecRuleEngine On` in the controller's settings. The Gateway API has nothing for it.
    #[serde(default)]
    pub(crate) firewall: bool,
    /// More annotations for the controller: of the Ingress, or of the Gateway. Those of
    /// ingress-nginx must be ones that it knows, and none that another key sets.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "label-key"}))]
    pub(crate) annotations: BTreeMap<LabelKey, String>,
}

impl Edge {
    /// Returns the URL of the host, without a path.
    pub(crate) fn url(&self) -> String {
        let scheme = match self.tls.source {
            TlsSource::None => "http",
            TlsSource::CertManager | TlsSource::Existing => "https",
        };
        format!("{scheme}://{}", self.host)
    }
}

/// What lets requests in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum EdgeController {
    /// The controller ingress-nginx, by an Ingress.
    #[default]
    IngressNginx,
    /// Any controller of the Gateway API 1.5 or later, by a Gateway and a route for each service.
    GatewayApi,
}

/// How much a client, by its address, may ask for.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct RateLimit {
    /// Requests a second.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) requests_per_second: u32,
    /// Connections at once. The default is any number.
    #[serde(default)]
    #[schemars(range(min = 1, max = 1_000_000))]
    pub(crate) connections: Option<u32>,
}

/// Which pages of other hosts may call the services.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Cors {
    /// Origins of the pages, or `*` alone. `https://*.example.com` is its subdomains: one level of
    /// them with ingress-nginx, any with a gateway.
    pub(crate) origins: Vec<Origin>,
    /// Methods that they may use.
    pub(crate) methods: Vec<Method>,
    /// Headers that they may send.
    pub(crate) headers: Vec<HeaderName>,
    /// Headers of answers that they may read, besides the usual ones.
    #[serde(default)]
    pub(crate) expose_headers: Vec<HeaderName>,
    /// Whether they may send cookies. Not with the origin `*`: browsers would refuse that.
    #[serde(default)]
    pub(crate) credentials: bool,
    /// How long browsers may keep the answer to whether they may call, in seconds. The default is
    /// 20 days; browsers have limits of their own below that.
    #[serde(default)]
    #[schemars(range(min = 1, max = 31_536_000))]
    pub(crate) max_age_seconds: Option<u32>,
}

/// A method of HTTP that pages use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Method {
    Get,
    Head,
    Post,
    Put,
    Patch,
    Delete,
    Options,
}

impl Method {
    /// Returns the name that HTTP uses.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
        }
    }
}
