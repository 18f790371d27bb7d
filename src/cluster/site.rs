//! Whether a site can take a release: all that is missing at once, unlike the preflight of a
//! command, which ends with the first refusal.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use a4co_bundle::{Api, Bundle, Object, Release};
use serde_json::Value;

use crate::{
    client::{Client, Form},
    error::ApiError,
    event::{Event, Observer},
    finding::Finding,
    history::Action,
    permission::{self, Needed},
    place::Place,
    preflight::{self, Namespaces},
    refusal::Refusal,
    requirements,
    resource::Resources,
    site_release::{OverlayChoice, SiteRelease},
    survey::{Survey, choose},
};

/// Keeps the warnings that a check gives.
#[derive(Default)]
struct Ear(Mutex<Vec<String>>);

impl Observer for Ear {
    fn observe(&self, event: &Event<'_>) {
        if let Event::Warning(text) = event {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push((*text).to_owned());
        }
    }
}

/// Checks whether the site can take the release of `bundle`.
pub(crate) async fn check(
    client: &Client,
    place: &Place,
    bundle: &Bundle,
    overlay: &OverlayChoice,
) -> Vec<Finding> {
    let mut findings = vec![order(client, place, bundle).await];
    let chosen = chosen(client, place, bundle.release(), overlay).await;
    let release = &chosen.unwrap_or_else(|refusal| {
        findings.push(Finding::refused("overlay", &refusal));
        SiteRelease::plain(bundle.release().clone())
    });
    findings.extend(namespaces(client, place, release).await);
    findings.push(apis(client, release).await);
    findings.extend(needs(client, place, release).await);
    findings.push(permissions(client, place, bundle.release(), overlay).await);
    findings
}

/// The release with the overlay that it would be applied with.
async fn chosen(
    client: &Client,
    place: &Place,
    release: &Release,
    overlay: &OverlayChoice,
) -> Result<SiteRelease, Refusal> {
    choose(client, place, &place.head_object(client).await?, release, overlay).await
}

/// Whether the bundle belongs here, and is not older than what was here.
async fn order(client: &Client, place: &Place, bundle: &Bundle) -> Finding {
    let head = place.head_object(client).await;
    match head.and_then(|head| preflight::guard(&head.head, place, bundle, Action::Apply)) {
        Ok(()) => Finding::good("bundle", "it belongs here, and is not older than what was here"),
        Err(refusal) => Finding::refused("bundle", &refusal),
    }
}

async fn namespaces(client: &Client, place: &Place, release: &SiteRelease) -> Vec<Finding> {
    let Namespaces { used, brought } = Namespaces::of(place, release);
    let mut findings = Vec::new();
    for name in used {
        let found: Result<Option<Value>, _> =
            client.get(&format!("/api/v1/namespaces/{name}"), Form::Metadata).await;
        findings.push(match found {
            Ok(found) => namespace(name, brought.contains(name), found.as_ref()),
            Err(error) => Finding::unknown("namespace", &format!("whether `{name}` exists"), error),
        });
    }
    findings
}

fn namespace(name: &str, is_brought: bool, found: Option<&Value>) -> Finding {
    let namespace = name.to_owned();
    let since = found.and_then(|found| found["metadata"]["deletionTimestamp"].as_str());
    match (found, since) {
        (_, Some(since)) => {
            let since = since.to_owned();
            Finding::refused("namespace", &Refusal::NamespaceDeleting { namespace, since })
        }
        (Some(_), None) => Finding::good("namespace", format!("`{name}` exists")),
        (None, None) if is_brought => {
            Finding::good("namespace", format!("`{name}` comes with the release"))
        }
        (None, None) => Finding::refused("namespace", &Refusal::NamespaceMissing { namespace }),
    }
}

async fn apis(client: &Client, release: &SiteRelease) -> Finding {
    let resources = match Resources::discover(client, release.objects()).await {
        Ok(resources) => resources,
        Err(error) => return Finding::unknown("apis", "which kinds are served", error),
    };
    let mut kinds = BTreeSet::new();
    let mut missing = BTreeSet::new();
    for object in release.objects().iter().map(Object::reference) {
        let (api_version, kind) = (object.api_version.clone(), object.kind.clone());
        let api = Api { api_version, kind };
        if resources.of(object).is_none() {
            missing.insert(api.clone());
        }
        kinds.insert(api);
    }
    if missing.is_empty() {
        let text = format!("all {} kinds of the release are served", kinds.len());
        return Finding::good("apis", text);
    }
    Finding::refused("apis", &Refusal::NotServed { kinds: missing.into_iter().collect() })
}

/// Classes and Secrets that the site has to provide.
async fn needs(client: &Client, place: &Place, release: &SiteRelease) -> Vec<Finding> {
    let ear = Ear::default();
    let checked = requirements::check(client, place, &release.config().requirements, &ear).await;
    let warnings = ear.0.into_inner().unwrap_or_else(PoisonError::into_inner);
    let warnings = warnings.into_iter().map(|text| Finding::warning("site", text, ""));
    let mut findings: Vec<Finding> = warnings.collect();
    match checked {
        Err(Refusal::Api(error)) => {
            findings.push(Finding::unknown("site", "what the site provides", error));
        }
        Err(refusal) => findings.push(Finding::refused("site", &refusal)),
        Ok(()) if findings.is_empty() => findings.push(Finding::good(
            "site",
            "it has the classes and the Secrets that the release needs",
        )),
        Ok(()) => {}
    }
    findings
}

async fn permissions(
    client: &Client,
    place: &Place,
    release: &Release,
    overlay: &OverlayChoice,
) -> Finding {
    let needed = match needed(client, place, release, overlay).await {
        Ok(needed) => needed,
        Err(Refusal::Api(error)) => {
            return Finding::unknown("permissions", "what is needed", error);
        }
        Err(refusal) => return Finding::refused("permissions", &refusal),
    };
    let count = needed.len();
    let missing: Result<_, ApiError> = permission::missing(client, needed).await;
    match missing {
        Ok(missing) if missing.is_empty() => {
            Finding::good("permissions", format!("you have all {count} that applying it takes"))
        }
        Ok(permissions) => Finding::refused("permissions", &Refusal::Forbidden { permissions }),
        Err(error) => Finding::unknown("permissions", "what you may do", error),
    }
}

/// The permissions that applying `release` takes.
async fn needed(
    client: &Client,
    place: &Place,
    release: &Release,
    overlay: &OverlayChoice,
) -> Result<Needed, Refusal> {
    let survey = Survey::take(client, place, release, overlay, false, None).await?;
    let plan = survey.plan();
    let keep = &release.config().keep;
    Ok(permission::needed(&plan, &survey.resources, &place.namespace, keep))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::finding::Level;

    #[test]
    fn a_namespace_has_to_be_there_or_to_come() {
        let going = json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" } });
        let there = json!({ "metadata": {} });
        for (case, is_brought, found, expected) in [
            ("it exists", false, Some(&there), Level::Good),
            ("it comes with the release", true, None, Level::Good),
            ("it is missing", false, None, Level::Error),
            ("it is being deleted", true, Some(&going), Level::Error),
        ] {
            assert_eq!(namespace("shop", is_brought, found).level, expected, "{case}");
        }
    }
}
