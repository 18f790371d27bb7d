//! Why a command was refused before it changed anything.

use std::fmt::Write as _;

use a4co_bundle::{Api, BundleError, Digest, ObjectRef, OverlayError, ReleaseError, ReleaseId};
use semver::Version;
use thiserror::Error;

use crate::{
    change::Obstacle, connect::ConnectError, error::ApiError, head::HeadError,
    history::SelectError, lease::LeaseError, one_way::OneWay, permission::Permission,
    rehearse::POLICY_ANNOTATION, step::StepError, store::StoreError, text,
};

/// Why a command was refused before it changed anything.
#[derive(Debug, Error)]
pub enum Refusal {
    /// No connection could be set up.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// A request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The head cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Stored content is not to be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A stored release is not trusted any more.
    #[error("the stored release {release} is refused")]
    Stored {
        /// Release.
        release: ReleaseId,
        /// Why.
        source: BundleError,
    },
    /// A stored site overlay is malformed.
    #[error("the stored site overlay {digest} is malformed")]
    StoredOverlay {
        /// Its digest.
        digest: Digest,
        /// Why.
        source: OverlayError,
    },
    /// With the site overlay, the release would not be one.
    #[error("the site overlay does not fit the release")]
    Overlay(#[source] ReleaseError),
    /// Somebody else is at work.
    #[error(transparent)]
    Lease(#[from] LeaseError),
    /// The bundle is for another environment.
    #[error("the bundle is for environment `{bundle}`, but namespace `{namespace}` is `{cluster}`")]
    Environment {
        /// Environment of the bundle.
        bundle: String,
        /// Namespace.
        namespace: String,
        /// Environment that the namespace is.
        cluster: String,
    },
    /// The bundle is older than what was here before.
    #[error("version {version} is older than {highest}, which was applied here before")]
    Downgrade {
        /// Version of the bundle.
        version: Version,
        /// Highest version applied here.
        highest: Version,
    },
    /// The trust file is older than the one used here before.
    #[error("trust version {have} is older than {used}, which was used here before")]
    TrustDowngrade {
        /// Version of the trust file at hand.
        have: u64,
        /// Version used here before.
        used: u64,
    },
    /// A namespace is being deleted.
    #[error("namespace `{namespace}` is being deleted since {since}")]
    NamespaceDeleting {
        /// Namespace.
        namespace: String,
        /// When the deletion began.
        since: String,
    },
    /// A namespace does not exist and the release does not bring it.
    #[error("namespace `{namespace}` does not exist, and the release does not bring it")]
    NamespaceMissing {
        /// Namespace.
        namespace: String,
    },
    /// The cluster does not serve kinds that the release needs.
    #[error("the cluster does not serve{}", list(kinds, |api| format!("{} ({})", api.kind, api.api_version)))]
    NotServed {
        /// Kinds.
        kinds: Vec<Api>,
    },
    /// An object has a namespace that its kind does not have, or lacks one.
    #[error("{object} {}", if *namespaced { "lacks a namespace" } else { "has a namespace, but its kind has none" })]
    Scope {
        /// Object.
        object: String,
        /// Whether its kind lives in namespaces.
        namespaced: bool,
    },
    /// The user may not do what is needed.
    #[error("you may not do what this needs:{}", list(permissions, ToString::to_string))]
    Forbidden {
        /// What is missing.
        permissions: Vec<Permission>,
    },
    /// Storage classes or Secrets that the site provides are missing.
    #[error("the site has to provide{}", list(needs, Clone::clone))]
    Needs {
        /// What is missing.
        needs: Vec<String>,
    },
    /// Objects stand in the way, or cannot become what the release has.
    #[error("objects stand in the way, or cannot change:{}", list(obstacles, ToString::to_string))]
    Obstacles {
        /// Which, and why.
        obstacles: Vec<Obstacle>,
    },
    /// The API server would refuse writes.
    #[error("the API server would refuse this:{}", list(errors, ToString::to_string))]
    DryRun {
        /// What it would refuse, and why.
        errors: Vec<StepError>,
    },
    /// Steps cannot be taken back, and nobody has agreed to that.
    #[error("this cannot be taken back:{}", list(steps, ToString::to_string))]
    OneWay {
        /// Steps.
        steps: Vec<OneWay>,
    },
    /// Objects were deleted or made anew after the plan was made.
    #[error(
        "somebody else deleted or made anew, after the plan was made:{}",
        list(objects, ToString::to_string)
    )]
    Moved {
        /// Objects.
        objects: Vec<ObjectRef>,
    },
    /// The person asked to stop before anything was done.
    #[error("interrupted")]
    Interrupted,
    /// No namespace was named, and the user may not look for releases in all of them.
    #[error("cannot look for releases in the whole cluster: {}", error.message())]
    Unnamed {
        /// Why.
        error: ApiError,
    },
    /// Not the name of a namespace.
    #[error("`{name}` is not the name of a namespace")]
    NotANamespace {
        /// What was given.
        name: String,
    },
    /// Somebody else changed the head after it was read.
    #[error("another command changed the release meanwhile")]
    Overtaken,
    /// What would be deleted is not what a person agreed to.
    #[error("what would be deleted by now is not what was shown")]
    NotAgreed,
    /// There is no release here.
    #[error("there is no release in {place}")]
    NoRelease {
        /// Where we looked.
        place: String,
    },
    /// There are several releases, and it was not said which is meant.
    #[error("there is more than one release here:{}", list(places, Clone::clone))]
    SeveralReleases {
        /// `namespace/app` of each.
        places: Vec<String>,
    },
    /// The release has no such workload.
    #[error("the release has no workload `{name}`; it has{}", list(known, Clone::clone))]
    NoWorkload {
        /// What was asked for.
        name: String,
        /// `kind/name` of each that there is.
        known: Vec<String>,
    },
    /// It is not clear which release is meant.
    #[error(transparent)]
    Select(#[from] SelectError),
}

const ASK_FOR_ROLE: &str =
    "ask an administrator for a role with these permissions, or use another --context";

impl Refusal {
    /// Returns what the person can do about it, where there is something.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        let text = match self {
            Self::Connect(_) => "check --kubeconfig, --context and the variable KUBECONFIG".into(),
            Self::Api(ApiError::Unreachable { .. }) => "check that the API server runs and can be reached from here".into(),
            Self::Api(error) | Self::Head(HeadError::Api(error)) | Self::Store(StoreError::Api(error))
                if error.is_unauthorized() =>
            {
                "the credentials are not accepted or have expired; log in again".into()
            }
            Self::Store(StoreError::Missing { .. }) => {
                "apply the bundle of that release again, with the same site overlay if it had one, which \
                 stores both again; `a4co-apply status` names what is committed, and between which releases the cluster is"
                    .into()
            }
            Self::Store(
                StoreError::Chunk { .. }
                | StoreError::Inflate { .. }
                | StoreError::Content { .. }
                | StoreError::Digest { .. },
            ) => format!(
                "delete the Secrets that hold it (`kubectl get secrets -l {} -L {}` lists them), then \
                 apply the bundle of that release again, which stores it again",
                text::CONTENT_LABEL,
                text::APP_LABEL,
            ),
            Self::Head(HeadError::Field { namespace, name, .. }) => format!(
                "somebody has changed it; put back what was there, from a backup or by `kubectl edit \
                 configmap -n {namespace} {name}`"
            ),
            Self::Store(StoreError::Draft(_)) => "split the release into several".into(),
            Self::OneWay { .. } => "if that is what you want, say so: --accept-one-way".into(),
            Self::Moved { .. } => "try again".into(),
            Self::NotAgreed => "run the command again to see what would be deleted now".into(),
            Self::Api(error) | Self::Head(HeadError::Api(error)) | Self::Store(StoreError::Api(error))
                if error.is_forbidden() =>
            {
                ASK_FOR_ROLE.into()
            }
            Self::Lease(LeaseError::Held { .. }) => "wait for it to finish, or give `--wait 10m`".into(),
            Self::Environment { cluster, .. } => format!("apply a bundle of environment `{cluster}`, or use another cluster"),
            Self::Downgrade { .. } => "to go back to a release that was here, use `a4co-apply rollback`; otherwise raise the version".into(),
            Self::TrustDowngrade { .. } => "use the newest trust file".into(),
            Self::NamespaceDeleting { namespace, .. } => format!("wait until it is gone; `kubectl get namespace {namespace} -o yaml` tells what holds it up"),
            Self::NamespaceMissing { namespace } => format!("create it: kubectl create namespace {namespace}"),
            Self::NotServed { .. } => "install what brings these kinds (an operator and its CustomResourceDefinitions), or switch off in the environment what needs them".into(),
            Self::Forbidden { .. } => ASK_FOR_ROLE.into(),
            Self::Needs { .. } => "create it: a Secret for example with `kubectl create secret generic`; or name another storage class in the environment".into(),
            Self::Obstacles { obstacles } if obstacles.iter().any(|o| matches!(o, Obstacle::Deleting(_))) => "wait until what is being deleted is gone".into(),
            Self::Obstacles { obstacles } if obstacles.iter().any(is_shrinking) => "ask for as much storage as the claim has, or give the claim another name".into(),
            Self::Obstacles { obstacles } if obstacles.iter().any(is_immutable) => format!(
                "give the object another name, or, where it may be deleted and created anew, \
                 annotate it with {POLICY_ANNOTATION}: recreate"
            ),
            Self::Obstacles { obstacles } if obstacles.iter().any(is_unadoptable) => "give the release the values that the objects have; or delete them, and the release creates them".into(),
            Self::Obstacles { obstacles } if obstacles.iter().all(is_foreign) => "take them over with `a4co-apply adopt BUNDLE`, which restarts nothing that is equal; or delete or rename them".into(),
            Self::DryRun { errors } => return errors.iter().find_map(StepError::remedy).map(str::to_owned),
            Self::Obstacles { .. } => "delete or rename them; where only the label is wrong, remove it".into(),
            Self::Unnamed { .. } => "name the namespace of the release with --namespace".into(),
            Self::Overtaken => "look at `a4co-apply status` and try again".into(),
            Self::NoRelease { .. } => "name the place with --namespace, or apply a bundle first".into(),
            Self::SeveralReleases { .. } => "name one with --namespace and --app".into(),
            Self::Select(SelectError::Unknown { candidates, .. } | SelectError::Ambiguous { candidates, .. }) => {
                list_candidates(candidates)
            }
            _ => return None,
        };
        Some(text)
    }
}

fn is_foreign(obstacle: &Obstacle) -> bool {
    matches!(obstacle, Obstacle::Foreign(_))
}

fn is_unadoptable(obstacle: &Obstacle) -> bool {
    matches!(obstacle, Obstacle::Unadoptable { .. })
}

fn is_shrinking(obstacle: &Obstacle) -> bool {
    matches!(obstacle, Obstacle::Shrinking { .. })
}

fn is_immutable(obstacle: &Obstacle) -> bool {
    matches!(obstacle, Obstacle::Immutable { .. })
}

fn list_candidates(candidates: &[crate::history::Candidate]) -> String {
    if candidates.is_empty() {
        return "nothing was ever committed here".to_owned();
    }
    let mut text = "the history has".to_owned();
    for candidate in candidates {
        let _ = write!(text, "\n  {}  {}", candidate.release.short(), candidate.version);
    }
    text
}

fn list<T>(items: &[T], text: impl Fn(&T) -> String) -> String {
    items.iter().fold(String::new(), |list, item| list + "\n  " + &text(item))
}
