//! What the user must be allowed to do, asked before anything is done.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use a4co_bundle::GroupKind;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde_json::json;

use crate::{
    change::Change,
    client::Client,
    error::ApiError,
    fetch::{BY_NAME, CONCURRENCY},
    plan::{self, Plan},
    refusal::Refusal,
    resource::{Resource, Resources},
};

/// Something that one must be allowed to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Permission {
    /// Verb, such as `patch`.
    pub verb: &'static str,
    /// API group; empty for the core group.
    pub group: String,
    /// Plural of the kind, such as `deployments`.
    pub resource: String,
    /// Namespace; `None` for the whole cluster.
    pub namespace: Option<String>,
}

#[derive(Deserialize)]
struct Review {
    status: ReviewStatus,
}

#[derive(Deserialize)]
struct ReviewStatus {
    allowed: bool,
}

/// Permissions, each with the names of the objects that it is needed for.
pub(crate) type Needed = BTreeMap<Permission, BTreeSet<String>>;

/// Lists what carrying out `plan`, which may be a deletion of the release, and keeping the state in
/// `namespace` takes. Kinds in `keep` are never deleted.
pub(crate) fn needed(
    plan: &Plan,
    resources: &Resources,
    namespace: &str,
    keep: &[GroupKind],
) -> Needed {
    let mut needed = state(plan, namespace);
    let mut counts: BTreeMap<(&Resource, Option<&str>), usize> = BTreeMap::new();
    for step in &plan.steps {
        let Some(resource) = resources.readable(&step.object) else { continue };
        *counts.entry((resource, step.object.namespace.as_deref())).or_default() += 1;
    }
    for step in plan.writes() {
        let Some(resource) = resources.of(&step.object) else { continue };
        let namespace = step.object.namespace.as_deref();
        let verbs: &[_] = match step.change {
            // What was created has to be deleted again when the release fails.
            Change::Create | Change::Recreate(_) if !plan::is_kept(&step.object, keep) => {
                &["create", "patch", "delete"]
            }
            Change::Create => &["create", "patch"],
            Change::Prune => &["delete"],
            _ => &["patch"],
        };
        let is_listed = counts.get(&(resource, namespace)).is_some_and(|count| *count > BY_NAME);
        let reading = if is_listed { "list" } else { "get" };
        for verb in verbs.iter().chain([&reading]) {
            let permission = Permission {
                verb,
                group: resource.group().to_owned(),
                resource: resource.plural.clone(),
                namespace: namespace.filter(|_| resource.namespaced).map(str::to_owned),
            };
            needed.entry(permission).or_default().insert(step.object.name.clone());
        }
    }
    needed
}

/// What keeping the state takes, and looking at namespaces.
fn state(plan: &Plan, namespace: &str) -> Needed {
    let mut needed = Needed::new();
    let goes = plan.to.is_none();
    let of_namespaces = |verb, names: BTreeSet<String>| {
        let (group, resource) = (String::new(), "namespaces".to_owned());
        (Permission { verb, group, resource, namespace: None }, names)
    };
    if goes {
        // They stay, but carry our label no more.
        let left = plan.steps.iter().filter(|step| step.change == Change::Leave);
        let left = left.map(|step| &step.object).filter(|object| object.kind == "Namespace");
        let left: BTreeSet<String> = left.map(|object| object.name.clone()).collect();
        needed.extend((!left.is_empty()).then(|| of_namespaces("patch", left)));
    } else {
        let used = plan.steps.iter().filter_map(|step| step.object.namespace.clone());
        let used = used.chain([namespace.to_owned()]).collect();
        needed.extend([of_namespaces("get", used)]);
    }
    // Whoever may not delete what nothing needs any more would leave copies of Secrets behind, and
    // what was stored before and is needed again is written over.
    for (group, resource, verbs) in [
        ("", "configmaps", ["get", "create", "update"].as_slice()),
        ("", "configmaps", if goes { &["delete"] } else { &[] }),
        ("", "secrets", &["get", "list", "create", "patch", "delete"]),
        ("coordination.k8s.io", "leases", &["get", "create", "update"]),
    ] {
        needed.extend(verbs.iter().map(|verb| {
            let (group, resource) = (group.to_owned(), resource.to_owned());
            let namespace = Some(namespace.to_owned());
            (Permission { verb, group, resource, namespace }, BTreeSet::new())
        }));
    }
    needed
}

/// Refuses when the user does not have all of `needed`.
pub(crate) async fn require(client: &Client, needed: Needed) -> Result<(), Refusal> {
    let permissions = missing(client, needed).await?;
    if permissions.is_empty() { Ok(()) } else { Err(Refusal::Forbidden { permissions }) }
}

/// Returns those of `needed` that the user does not have, neither for all objects of the kind nor
/// for those by name.
pub(crate) async fn missing(client: &Client, needed: Needed) -> Result<Vec<Permission>, ApiError> {
    let answers: Vec<_> = stream::iter(needed)
        .map(async |(permission, names)| {
            let has = has(client, &permission, None).await?
                || has_by_name(client, &permission, &names).await?;
            Ok::<_, ApiError>((!has).then_some(permission))
        })
        .buffered(CONCURRENCY)
        .try_collect()
        .await?;
    Ok(answers.into_iter().flatten().collect())
}

/// Roles may name objects, but what has no name yet cannot be named.
async fn has_by_name(
    client: &Client,
    permission: &Permission,
    names: &BTreeSet<String>,
) -> Result<bool, ApiError> {
    if matches!(permission.verb, "create" | "list") || names.is_empty() {
        return Ok(false);
    }
    let answers = stream::iter(names).map(|name| has(client, permission, Some(name)));
    answers.buffer_unordered(CONCURRENCY).try_all(async |has| has).await
}

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

async fn has(
    client: &Client,
    permission: &Permission,
    name: Option<&str>,
) -> Result<bool, ApiError> {
    let review = json!({
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": { "resourceAttributes": {
            "verb": permission.verb,
            "group": permission.group,
            "resource": permission.resource,
            "namespace": permission.namespace,
            "name": name,
        }},
    });
    let review: Review = client.create(REVIEWS, &review).await?;
    Ok(review.status.allowed)
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { verb, group, resource, namespace } = self;
        write!(f, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(f, ".{group}")?;
        }
        match namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => write!(f, " in the cluster"),
        }
    }
}
