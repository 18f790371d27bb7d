//! Looks at everything that a command needs, changes nothing, and finds all faults at once.

use a4co_bundle::Bundle;

use crate::{
    client::Client, finding::Finding, health, place::Place, refusal::Refusal, server::Server, site,
    site_release::OverlayChoice,
};

/// What to look at.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// A bundle to apply; it says where its release belongs.
    pub bundle: Option<&'a Bundle>,
    /// Where its images are to come from.
    pub overlay: &'a OverlayChoice,
    /// Namespace of a release that is there.
    pub namespace: Option<&'a str>,
    /// Application, where a namespace has several.
    pub app: Option<&'a str>,
}

/// What was looked at, and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// Place of the release; `None` when there is none, or it cannot be told.
    pub place: Option<Place>,
    /// What was found, in the order in which it was looked at.
    pub findings: Vec<Finding>,
}

/// Looks at a cluster. What cannot be looked at is a finding, too.
pub async fn examine(client: &Client, scope: Scope<'_>) -> Examination {
    let mut findings = match Server::ask(client).await {
        Ok(server) => server.findings(client),
        Err(error) => {
            let findings = vec![Finding::refused("connection", &error.into())];
            return Examination { place: None, findings };
        }
    };
    let place = match find(client, scope).await {
        Ok(place) => place,
        // Nothing was applied yet; that is how every cluster begins.
        Err(refusal @ Refusal::NoRelease { .. }) => {
            findings.push(Finding::good("head", refusal.to_string()));
            return Examination { place: None, findings };
        }
        Err(refusal) => {
            findings.push(Finding::refused("head", &refusal));
            return Examination { place: None, findings };
        }
    };
    findings.extend(health::check(client, &place).await);
    if let Some(bundle) = scope.bundle {
        findings.extend(site::check(client, &place, bundle, scope.overlay).await);
    }
    findings.push(health::check_fence(client, &place).await);
    Examination { place: Some(place), findings }
}

async fn find(client: &Client, scope: Scope<'_>) -> Result<Place, Refusal> {
    match scope.bundle {
        Some(bundle) => Ok(Place::of(bundle.release())),
        None => Place::find(client, scope.namespace, scope.app).await,
    }
}
