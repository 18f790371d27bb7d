//! Where certificates come from.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    template::Template,
    text::{AcmeServer, DnsLabel, Interval},
};

/// Where the certificate of the host comes from.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Tls {
    /// Who provides it.
    pub(crate) source: TlsSource,
    /// Issuer of cert-manager; required if that is the source. One of `[issuers]`, or one that the
    /// cluster has.
    #[serde(default)]
    pub(crate) issuer: Option<DnsLabel>,
    /// Whose the issuer is. The default is `Issuer` if there are `[issuers]`, else
    /// `ClusterIssuer`.
    #[serde(default)]
    pub(crate) issuer_kind: Option<IssuerKind>,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum IssuerKind {
    /// The cluster's.
    ClusterIssuer,
    /// The release's, one of `[issuers]`.
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

/// Each is an issuer of cert-manager. Exactly one of `acme`, `ca` and `self_signed` says how it
/// issues.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Issuer {
    /// From a server on the network, which asks for a proof that the host is ours.
    #[serde(default)]
    pub(crate) acme: Option<Acme>,
    /// By a certification authority that the site has.
    #[serde(default)]
    pub(crate) ca: Option<Ca>,
    /// By a certification authority of the release's own, for sites without a network. Clients
    /// have to trust the certificate in the Secret `<issuer>-ca`.
    #[serde(default)]
    pub(crate) self_signed: Option<SelfSigned>,
}

/// A server that issues by the ACME protocol (RFC 8555). The proof is by HTTP on port 80 of the
/// host of `[edge]`.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Acme {
    /// `letsencrypt-staging`, whose certificates nobody trusts, `letsencrypt-production`, or the
    /// URL of another server's directory.
    pub(crate) server: AcmeServer,
    /// Where the server sends warnings. Placeholders: those of `release.notes`.
    pub(crate) email: Template,
}

/// A certification authority that the site has.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Ca {
    /// Secret of the site with the keys `tls.crt` and `tls.key`; applying checks that it is there.
    pub(crate) secret: DnsLabel,
}

/// A certification authority of the release's own.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct SelfSigned {
    /// Name in its certificate. The default is `{app} {environment} CA`. Placeholders: those of
    /// `release.notes`.
    #[serde(default = "default_common_name")]
    pub(crate) common_name: Template,
    /// How long its certificate is good. It is renewed with the same key, so that clients that
    /// trust the old one trust what the new one issues. The default is ten years.
    #[serde(default = "default_duration")]
    pub(crate) duration: Interval,
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_common_name() -> Template {
    Template::parse("{app} {environment} CA").expect("a template")
}

#[expect(clippy::expect_used, reason = "a constant, and tested")]
fn default_duration() -> Interval {
    Interval::try_from("87600h".to_owned()).expect("an interval")
}
