//! Resolves who issues certificates.

use super::{EdgeProblem, MeaningProblem, Resolver};
use crate::{
    environment::tls::{Issuer, IssuerKind, SelfSigned, TlsSource},
    model::{CertificateIssuer, Issuance, ResolvedIssuer},
};

/// Most characters of a common name (RFC 5280, upper bounds).
const MOST_IN_COMMON_NAME: usize = 64;

impl Resolver<'_, '_> {
    /// Resolves the issuers of the release.
    pub(super) fn issuers(&mut self) -> Vec<ResolvedIssuer> {
        let issuers = &self.environment.issuers;
        let resolved = issuers.iter().filter_map(|(name, issuer)| {
            let issuance = self.issuance(name, issuer)?;
            Some(ResolvedIssuer { name: name.clone(), issuance })
        });
        resolved.collect()
    }

    fn issuance(&mut self, name: &str, issuer: &Issuer) -> Option<Issuance> {
        let path = ["issuers", name];
        let scope = self.scope.clone();
        match (&issuer.acme, &issuer.ca, &issuer.self_signed) {
            (Some(acme), None, None) => {
                self.take_secret_name(&format!("{name}-account"), &path);
                if self.environment.edge.is_none() {
                    let (what, needs) = ("`acme`", "an `[edge]`, by which the host is proven");
                    let path = ["issuers", name, "acme"];
                    self.report(&path, MeaningProblem::Incomplete { what, needs });
                }
                let email = self.expand(&acme.email, &scope, &["issuers", name, "acme", "email"]);
                Some(Issuance::Acme { server: acme.server.url().to_owned(), email })
            }
            (None, Some(ca), None) => {
                self.require_secret(ca.secret.as_ref(), ["tls.crt", "tls.key"]);
                Some(Issuance::Ca { secret: ca.secret.to_string() })
            }
            (None, None, Some(own)) => Some(self.self_signed(name, own)),
            _ => {
                self.report(&path, EdgeProblem::Issuance { name: name.to_owned() });
                None
            }
        }
    }

    fn self_signed(&mut self, name: &str, own: &SelfSigned) -> Issuance {
        let scope = self.scope.clone();
        let path = ["issuers", name, "self_signed", "common_name"];
        let common_name = self.expand(&own.common_name, &scope, &path);
        if common_name.chars().count() > MOST_IN_COMMON_NAME {
            self.report(&path, EdgeProblem::CommonName { name: common_name.clone() });
        }
        let issuance = Issuance::SelfSigned { common_name, duration: own.duration.to_string() };
        self.take_secret_name(&ResolvedIssuer::ca_name(name), &["issuers", name]);
        let root = ResolvedIssuer::root_name(name);
        if self.environment.issuers.contains_key(&root) {
            let problem = MeaningProblem::Clash {
                what: "name",
                first: format!("issuers.{name}"),
                second: format!("issuers.{root}"),
                value: root,
            };
            self.report(&["issuers", name], problem);
        }
        issuance
    }

    /// Returns who issues the certificate of the host, if cert-manager does.
    pub(super) fn certificate_issuer(&mut self) -> Option<CertificateIssuer> {
        let tls = &self.environment.edge.as_ref()?.tls;
        let issuer = tls.issuer.as_ref().filter(|_| tls.source == TlsSource::CertManager)?;
        let issuers = &self.environment.issuers;
        let default =
            if issuers.is_empty() { IssuerKind::ClusterIssuer } else { IssuerKind::Issuer };
        let kind = tls.issuer_kind.unwrap_or(default);
        let own = issuers.get(issuer.as_ref());
        if kind == IssuerKind::Issuer && own.is_none() {
            let (name, known) = (issuer.to_string(), issuers.keys().cloned().collect());
            let problem = EdgeProblem::UnknownIssuer { name, known };
            self.report(&["edge", "tls", "issuer"], problem);
        }
        Some(CertificateIssuer {
            kind: kind.as_str(),
            name: issuer.to_string(),
            may_ask_for_proof: match kind {
                IssuerKind::ClusterIssuer => true,
                IssuerKind::Issuer => own.is_some_and(|own| own.acme.is_some()),
            },
        })
    }
}
