//! What must hold before anything is written. Everything here only reads, or asks the API server
//! what it would do.

use std::collections::BTreeSet;

use a4co_bundle::{Api, Bundle, GroupKind, Object, ReleaseConfig, ReleaseId};
use futures::future::join4;
use semver::Version;
use serde::Deserialize;

use crate::{
    change::{Change, Obstacle, Step},
    client::{Client, Form},
    event::Observer,
    head::{Head, State},
    history::Action,
    permission,
    place::Place,
    plan::{self, Plan},
    refusal::Refusal,
    rehearse::{Extent, rehearse},
    requirements,
    resource::Resources,
    site_release::SiteRelease,
    survey::Survey,
};

#[derive(Deserialize)]
struct Namespace {
    metadata: NamespaceMetadata,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NamespaceMetadata {
    deletion_timestamp: Option<String>,
}

/// Refuses a bundle that does not belong here or is older than what was here.
pub(crate) fn guard(
    head: &Head,
    place: &Place,
    bundle: &Bundle,
    action: Action,
) -> Result<(), Refusal> {
    let statement = bundle.statement();
    if head.environment != statement.environment {
        return Err(Refusal::Environment {
            bundle: statement.environment.clone(),
            namespace: place.namespace.clone(),
            cluster: head.environment.clone(),
        });
    }
    let have = bundle.trust().file().version;
    if have < head.trust {
        return Err(Refusal::TrustDowngrade { have, used: head.trust });
    }
    let version = statement.version.clone();
    match bar(head, statement.release, &version, action) {
        Some(highest) => Err(Refusal::Downgrade { version, highest: highest.clone() }),
        None => Ok(()),
    }
}

/// The version that keeps an older `release` out. Only a rollback goes back behind it.
fn bar<'a>(
    head: &'a Head,
    release: ReleaseId,
    version: &Version,
    action: Action,
) -> Option<&'a Version> {
    // The release on its way in was let in before; its bundle may be needed to go back.
    let mut known = [head.committed, head.to].into_iter().flatten();
    let is_known = known.any(|stored| stored.release == release);
    let goes_back = action == Action::Rollback;
    // Build metadata does not order versions (SemVer 2.0, item 10).
    let is_older = |highest: &&Version| version.cmp_precedence(highest).is_lt();
    head.highest_version.as_ref().filter(|_| !is_known && !goes_back).filter(is_older)
}

/// Checks that the cluster can take `plan`, and returns it with what only the cluster can tell.
pub(crate) async fn check(
    client: &Client,
    place: &Place,
    survey: &Survey<'_>,
    plan: Plan,
    extent: Extent,
    observer: &dyn Observer,
) -> Result<Plan, Refusal> {
    let release = &survey.target;
    let orphans = orphans(survey, &plan, &release.config().keep);
    let obstacles: Vec<_> = plan.obstacles.iter().cloned().chain(orphans).collect();
    if !obstacles.is_empty() {
        return Err(Refusal::Obstacles { obstacles });
    }
    check_apis(survey, release)?;
    let ReleaseConfig { keep, requirements, .. } = release.config();
    let needed = permission::needed(&plan, &survey.resources, &place.namespace, keep);
    // Side by side, for each of them is a round or more; what is told is the first in this order,
    // for it explains the others.
    let (namespaces, requirements, rights, rehearsed) = join4(
        check_namespaces(client, place, release),
        requirements::check(client, place, requirements, observer),
        permission::require(client, needed),
        rehearse(client, survey, release, plan, extent, observer),
    )
    .await;
    namespaces.and(requirements).and(rights)?;
    let plan = rehearsed?;
    if plan.count(|change| matches!(change, Change::Recreate(_))) > 0 {
        check_rights(client, place, &survey.resources, keep, &plan).await?;
    }
    Ok(plan)
}

/// Checks that the user may do what `plan` takes.
pub(crate) async fn check_rights(
    client: &Client,
    place: &Place,
    resources: &Resources,
    keep: &[GroupKind],
    plan: &Plan,
) -> Result<(), Refusal> {
    let needed = permission::needed(plan, resources, &place.namespace, keep);
    permission::require(client, needed).await
}

/// Objects that carry the label of our set, but that no release here has: the head was lost, or
/// somebody copied the label. The way back would delete them, so they are none of ours.
fn orphans(survey: &Survey<'_>, plan: &Plan, keep: &[GroupKind]) -> Vec<Obstacle> {
    if survey.head.head.state != State::Idle {
        // What an interrupted command has left is undone before anything else.
        return Vec::new();
    }
    let current = survey.current.as_ref().map_or(&[][..], SiteRelease::objects);
    let known: BTreeSet<_> = current.iter().map(|object| object.reference().identity()).collect();
    let is_orphan = |step: &&Step| {
        step.live.is_some()
            && matches!(step.change, Change::Update(_) | Change::Restore)
            && !known.contains(&step.object.identity())
            && !plan::is_kept(&step.object, keep)
            && survey.inventory.get(&step.object).is_none()
            // A late creation of an overtaken command; it was expected.
            && !survey.head.head.leftover.contains(&step.object)
    };
    let orphans = plan.steps.iter().filter(is_orphan);
    orphans.map(|step| Obstacle::Orphan(step.object.clone())).collect()
}

fn check_apis(survey: &Survey<'_>, release: &SiteRelease) -> Result<(), Refusal> {
    let mut missing = BTreeSet::new();
    for object in release.objects() {
        let reference = object.reference();
        match survey.resources.of(reference) {
            None => {
                let (api_version, kind) = (reference.api_version.clone(), reference.kind.clone());
                missing.insert(Api { api_version, kind });
            }
            Some(resource) if resource.namespaced != reference.namespace.is_some() => {
                let namespaced = resource.namespaced;
                return Err(Refusal::Scope { object: reference.to_string(), namespaced });
            }
            Some(_) => {}
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::NotServed { kinds: missing.into_iter().collect() })
}

/// Namespaces that a release is about.
pub(crate) struct Namespaces<'a> {
    /// Those that hold its objects or its state.
    pub(crate) used: BTreeSet<&'a str>,
    /// Those that it brings itself.
    pub(crate) brought: BTreeSet<&'a str>,
}

impl<'a> Namespaces<'a> {
    pub(crate) fn of(place: &'a Place, release: &'a SiteRelease) -> Self {
        let mut used = BTreeSet::from([place.namespace.as_str()]);
        let mut brought = BTreeSet::new();
        for object in release.objects().iter().map(Object::reference) {
            used.extend(object.namespace.as_deref());
            // Others have a kind of that name, too.
            if object.group().is_empty() && object.kind == "Namespace" {
                brought.insert(object.name.as_str());
            }
        }
        Self { used, brought }
    }
}

async fn check_namespaces(
    client: &Client,
    place: &Place,
    release: &SiteRelease,
) -> Result<(), Refusal> {
    let Namespaces { used, brought } = Namespaces::of(place, release);
    for namespace in used {
        let found: Option<Namespace> =
            client.get(&format!("/api/v1/namespaces/{namespace}"), Form::Metadata).await?;
        let namespace = namespace.to_owned();
        match found.map(|found| found.metadata.deletion_timestamp) {
            Some(Some(since)) => return Err(Refusal::NamespaceDeleting { namespace, since }),
            None if !brought.contains(namespace.as_str()) => {
                return Err(Refusal::NamespaceMissing { namespace });
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use a4co_bundle::Digest;

    use super::*;
    use crate::head::Stored;

    #[test]
    fn only_a_rollback_goes_back_behind_the_highest_version() {
        let stored = |name: &str| {
            Some(Stored {
                release: ReleaseId::of(name.as_bytes()),
                bundle: Digest::of(b"b"),
                overlay: None,
            })
        };
        let head = Head {
            committed: stored("committed"),
            to: stored("on its way"),
            highest_version: Some(Version::new(2, 0, 0)),
            ..Head::new("staging")
        };
        for (case, release, version, action, is_barred) in [
            ("an older bundle is applied", "other", "1.9.0", Action::Apply, true),
            ("an older bundle is adopted", "other", "1.9.0", Action::Adopt, true),
            ("a rollback", "other", "1.9.0", Action::Rollback, false),
            ("the same version", "other", "2.0.0", Action::Adopt, false),
            ("another build of it", "other", "2.0.0+x", Action::Apply, false),
            ("a newer one", "other", "2.0.1", Action::Adopt, false),
            ("what is committed", "committed", "1.9.0", Action::Adopt, false),
            ("what was on its way in", "on its way", "1.9.0", Action::Apply, false),
        ] {
            let (release, version) = (ReleaseId::of(release.as_bytes()), version.parse().unwrap());
            assert_eq!(bar(&head, release, &version, action).is_some(), is_barred, "{case}");
        }
    }
}
