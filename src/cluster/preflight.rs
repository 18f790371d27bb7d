//! What must hold before anything is written. Everything here only reads, or asks the API server
//! what it would do.

use std::collections::BTreeSet;

use a4co_bundle::{Api, Bundle, GroupKind, Object, Release};
use serde::Deserialize;

use crate::{
    change::{Change, Obstacle, Step},
    client::{Client, Effect, Form},
    event::Observer,
    head::{Head, State},
    history::Action,
    live::Live,
    permission,
    place::Place,
    plan::{self, Plan},
    refusal::Refusal,
    requirements,
    step::StepError,
    survey::{Survey, by_reference},
    waves::Waves,
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
    let is_committed = head.committed.is_some_and(|stored| stored.release == statement.release);
    match &head.highest_version {
        // Build metadata does not order versions (SemVer 2.0, item 10).
        Some(highest)
            if action == Action::Apply
                && !is_committed
                && statement.version.cmp_precedence(highest).is_lt() =>
        {
            let (version, highest) = (statement.version.clone(), highest.clone());
            Err(Refusal::Downgrade { version, highest })
        }
        _ => Ok(()),
    }
}

/// Checks that the cluster can take `plan`, and that it could be brought back.
pub(crate) async fn check(
    client: &Client,
    place: &Place,
    survey: &Survey,
    release: &Release,
    plan: &Plan,
    observer: &dyn Observer,
) -> Result<(), Refusal> {
    let orphans = orphans(survey, plan, &release.config().keep);
    let obstacles: Vec<_> = plan.obstacles.iter().cloned().chain(orphans).collect();
    if !obstacles.is_empty() {
        return Err(Refusal::Obstacles { obstacles });
    }
    check_apis(survey, release)?;
    check_namespaces(client, place, release).await?;
    requirements::check(client, place, &release.config().requirements, observer).await?;
    let keep = &release.config().keep;
    let needed = permission::needed(plan, &survey.resources, &place.namespace, keep);
    let permissions = permission::missing(client, needed).await?;
    if !permissions.is_empty() {
        return Err(Refusal::Forbidden { permissions });
    }
    let waves = Waves { client, resources: &survey.resources, observer, interrupt: None };
    let errors =
        rehearse(&waves, release.objects(), plan, |step| is_rehearsed(survey, step)).await?;
    if !errors.is_empty() {
        return Err(Refusal::DryRun { errors });
    }
    let current = survey.current.as_ref().map_or(&[][..], Release::objects);
    let errors = rehearse(&waves, current, plan, |step| has_drifted(survey, step)).await?;
    if errors.is_empty() { Ok(()) } else { Err(Refusal::WayBack { errors }) }
}

/// Objects that carry the label of our set, but that no release here has: the head was lost, or
/// somebody copied the label. The way back would delete them, so they are none of ours.
fn orphans(survey: &Survey, plan: &Plan, keep: &[GroupKind]) -> Vec<Obstacle> {
    if survey.head.head.state != State::Idle {
        // What an interrupted command has left is undone before anything else.
        return Vec::new();
    }
    let current = survey.current.as_ref().map_or(&[][..], Release::objects);
    let known: BTreeSet<_> = current.iter().map(|object| object.reference().identity()).collect();
    let is_orphan = |step: &&Step| {
        step.live.is_some()
            && matches!(step.change, Change::Update(_) | Change::Restore)
            && !known.contains(&step.object.identity())
            && !plan::is_kept(&step.object, keep)
            && survey.inventory.get(&step.object).is_none()
    };
    let orphans = plan.steps.iter().filter(is_orphan);
    orphans.map(|step| Obstacle::Orphan(step.object.clone())).collect()
}

/// Objects that do not exist yet are typed by the compiler and undone by deleting them, so asking
/// about them would only double the work; but for rights, which only the API server can weigh.
fn is_rehearsed(survey: &Survey, step: &Step) -> bool {
    match step.change {
        // What a definition of this release will make the API server serve is checked in its wave.
        Change::Update(_) | Change::Restore => survey.resources.is_served(&step.object),
        Change::Create => {
            step.object.group() == "rbac.authorization.k8s.io" && survey.head.exists()
        }
        _ => false,
    }
}

/// The way back to what was left as it was cannot meet anybody; to what others changed, it can.
fn has_drifted(survey: &Survey, step: &Step) -> bool {
    let record = survey.inventory.get(&step.object);
    let is_touched = |live: &Live| record.is_none_or(|record| !record.is_untouched(live));
    matches!(step.change, Change::Update(_)) && step.live.as_ref().is_some_and(is_touched)
}

/// Asks the API server what it would say to some steps of `plan`, with the manifests of `objects`.
async fn rehearse(
    waves: &Waves<'_>,
    objects: &[Object],
    plan: &Plan,
    is_wanted: impl Fn(&Step) -> bool,
) -> Result<Vec<StepError>, Refusal> {
    let steps: Vec<&Step> = plan.writes().filter(|step| is_wanted(step)).collect();
    let (_, mut errors) = waves.write(&steps, &by_reference(objects), Effect::DryRun).await;
    if let Some(index) = errors.iter().position(StepError::is_unanswered) {
        return Err(match errors.swap_remove(index) {
            StepError::Write { error, .. } | StepError::Api(error) => error.into(),
            other => Refusal::DryRun { errors: vec![other] },
        });
    }
    errors.sort_by_key(ToString::to_string);
    Ok(errors)
}

fn check_apis(survey: &Survey, release: &Release) -> Result<(), Refusal> {
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

async fn check_namespaces(
    client: &Client,
    place: &Place,
    release: &Release,
) -> Result<(), Refusal> {
    let mut used: BTreeSet<&str> = BTreeSet::from([place.namespace.as_str()]);
    let mut brought = BTreeSet::new();
    for object in release.objects() {
        used.extend(object.reference().namespace.as_deref());
        if object.reference().kind == "Namespace" {
            brought.insert(object.reference().name.as_str());
        }
    }
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
