//! What a command failed with: why, what state the cluster is in, what to do, and the exit code.

use std::{
    error::Error,
    fmt::{self, Write as _},
    io,
    path::PathBuf,
};

use a4co_bundle::{ObjectRef, OverlayError, ReleaseId, VolumeError};
use a4co_cluster::{Done, Failure, Refusal, StepError};
use thiserror::Error;

use super::output;

/// What a command failed with.
#[derive(Debug)]
pub(crate) struct Problem {
    /// Exit code.
    pub(crate) code: u8,
    error: Box<dyn Error>,
    /// State of the cluster.
    pub(crate) state: Option<String>,
    /// What the person can do about it.
    pub(crate) hint: Option<String>,
}

const INTERRUPTED: u8 = 130;
const UNTOUCHED: &str = "the cluster was not touched";
pub(crate) const MIXED: &str = "the cluster may have objects of both releases";
const RECOVER: &str = "run `a4co-apply recover`, or the same command again: it first finishes or undoes what was begun";

#[derive(Debug, Error)]
#[error("{0}")]
struct Message(String);

#[derive(Debug, Error)]
#[error("`{}` is refused", path.display())]
struct BundleProblem {
    path: PathBuf,
    source: a4co_bundle::BundleError,
}

#[derive(Debug, Error)]
#[error("{what}")]
struct OverlayProblem {
    what: String,
    source: OverlayError,
}

#[derive(Debug, Error)]
#[error("the trust anchor `{anchor}` is unusable")]
struct AnchorProblem {
    anchor: String,
    source: Box<dyn Error>,
}

impl Problem {
    pub(crate) fn usage(message: &str) -> Self {
        let hint = Some("see --help".to_owned());
        Self { code: 2, error: Box::new(Message(message.to_owned())), state: None, hint }
    }

    pub(crate) fn refused(message: &str, hint: &str) -> Self {
        Self::untouched(Box::new(Message(message.to_owned())), Some(hint.to_owned()))
    }

    pub(crate) fn unreadable(error: io::Error) -> Self {
        Self::untouched(Box::new(error), None)
    }

    pub(crate) fn untrusted(anchor: &str, source: impl Error + 'static) -> Self {
        let (anchor, source) = (anchor.to_owned(), Box::new(source));
        Self::untouched(Box::new(AnchorProblem { anchor, source }), None)
    }

    pub(crate) fn bundle(path: PathBuf, source: a4co_bundle::BundleError, hint: &str) -> Self {
        Self::untouched(Box::new(BundleProblem { path, source }), Some(hint.to_owned()))
    }

    /// What a person says about registries cannot be meant.
    pub(crate) fn registries(error: impl Error + 'static) -> Self {
        Self::untouched(Box::new(error), None)
    }

    /// Volumes of a bundle do not make it.
    pub(crate) fn volumes(error: VolumeError) -> Self {
        let hint = match &error {
            VolumeError::Missing { .. } => "copy the missing ones into the same folder",
            VolumeError::Damaged { .. } | VolumeError::Length { .. } => "copy these again",
            _ => "put the volumes of one bundle, and nothing like them, into one folder",
        };
        Self::untouched(Box::new(error), Some(hint.to_owned()))
    }

    pub(crate) fn overlay(what: String, source: OverlayError, hint: &str) -> Self {
        Self::untouched(Box::new(OverlayProblem { what, source }), Some(hint.to_owned()))
    }

    /// Images are not all at the registry.
    pub(crate) fn images(error: impl Error + 'static, hint: Option<String>) -> Self {
        let state = "what came to the registry stays there; the same command goes on after it";
        Self { code: 1, error: Box::new(error), state: Some(state.to_owned()), hint }
    }

    /// What a person says does not fit.
    pub(crate) fn unfit(error: impl Error + 'static, hint: &str) -> Self {
        Self::untouched(Box::new(error), Some(hint.to_owned()))
    }

    /// The person did not want to wait for a safe end.
    pub(crate) fn stopped(state: &str) -> Self {
        Self::in_the_middle(Box::new(Message("stopped in the middle".to_owned())), state, RECOVER)
    }

    /// A deletion stopped after its commit point.
    pub(crate) fn deletion_unfinished(error: impl Error + 'static) -> Self {
        let state = "the release is being deleted; some of its objects may be left";
        Self::in_the_middle(Box::new(error), state, RECOVER)
    }

    /// Everything was deleted but what could not be.
    pub(crate) fn deletion_refused(leftover: &[ObjectRef]) -> Self {
        let error = format!("deleting this was refused:{}", output::list(leftover));
        let state = "the release is deleted, but its state stays, for these objects are left";
        let hint = "see the warnings for the reasons; `a4co-apply delete` tries again";
        Self::in_the_middle(Box::new(Message(error)), state, hint)
    }

    fn untouched(error: Box<dyn Error>, hint: Option<String>) -> Self {
        Self { code: 1, error, state: Some(UNTOUCHED.to_owned()), hint }
    }

    fn in_the_middle(error: Box<dyn Error>, state: &str, hint: &str) -> Self {
        Self { code: 4, error, state: Some(state.to_owned()), hint: Some(hint.to_owned()) }
    }

    /// Returns the causes, the nearest first.
    pub(crate) fn because(&self) -> Vec<String> {
        causes(&*self.error)
    }
}

/// Returns what caused `error`, the nearest first.
pub(crate) fn causes(error: &dyn Error) -> Vec<String> {
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    causes
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl From<io::Error> for Problem {
    fn from(error: io::Error) -> Self {
        Self { code: 1, error: Box::new(error), state: None, hint: None }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = if matches!(refusal, Refusal::Interrupted) { INTERRUPTED } else { 1 };
        let hint = refusal.remedy();
        Self { code, ..Self::untouched(Box::new(refusal), hint) }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused(refusal) => refusal.into(),
            Failure::RefusedAfter { refusal, done } => {
                Self { state: Some(after(done).to_owned()), ..refusal.into() }
            }
            Failure::RolledBack { ref cause, restored, ref not_ready, ref left } => {
                let (code, hint) = match (not_ready, cause) {
                    (Some(_), _) => (4, Some("look at `a4co-apply status`".to_owned())),
                    (None, StepError::Interrupted) => (INTERRUPTED, None),
                    (None, _) => (3, cause.remedy().map(str::to_owned)),
                };
                let state = Some(restored_state(restored, not_ready.as_ref(), left));
                Self { code, error: Box::new(failure), state, hint }
            }
            Failure::Stuck { .. } => Self::in_the_middle(
                Box::new(failure),
                "the cluster has objects of both releases",
                "mend what is named above, then run `a4co-apply recover`: it tries the way back again",
            ),
            Failure::Unfinished { .. } => Self::in_the_middle(Box::new(failure), MIXED, RECOVER),
        }
    }
}

fn after(done: Done) -> &'static str {
    match done {
        Done::NamespaceMade => "the namespace was made, and stays; nothing else was changed",
        Done::Recovered => {
            "what an earlier command had left was finished or undone; nothing else was changed"
        }
        Done::PolicyWritten => {
            "the policy `a4co-fence` was written, but nothing binds it to this release"
        }
        Done::BindingDeleted => {
            "the fence does not concern this release any more, but the policy `a4co-fence` may be left"
        }
    }
}

fn restored_state(
    restored: Option<ReleaseId>,
    not_ready: Option<&StepError>,
    left: &[ObjectRef],
) -> String {
    let mut state = match restored {
        Some(release) => format!("the cluster has release {} again", release.short()),
        None => "the cluster has no release, as before".to_owned(),
    };
    if let Some(error) = not_ready {
        let _ = write!(state, ", but it is not well: {error}");
    }
    if !left.is_empty() {
        let objects = output::list(left);
        let _ = write!(state, "\nof the failed release, this stays:{objects}");
    }
    state
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(kind: &str) -> ObjectRef {
        let (kind, api_version) = (kind.to_owned(), "v1".to_owned());
        ObjectRef { kind, api_version, namespace: None, name: "x".to_owned() }
    }

    fn rolled_back(cause: StepError, not_ready: Option<StepError>, left: &[ObjectRef]) -> Failure {
        Failure::RolledBack { cause, restored: None, not_ready, left: left.to_vec() }
    }

    #[test]
    fn the_exit_code_and_the_state_tell_what_became_of_the_cluster() {
        let (overtaken, interrupted) = (|| StepError::Overtaken, || StepError::Interrupted);
        let after = |done| Failure::RefusedAfter { refusal: Refusal::Overtaken, done };
        for (case, failure, code, state) in [
            ("refused", Refusal::Overtaken.into(), 1, "not touched"),
            ("interrupted at once", Refusal::Interrupted.into(), 130, "not touched"),
            ("refused late", after(Done::NamespaceMade), 1, "the namespace was made"),
            ("recovered, then refused", after(Done::Recovered), 1, "finished or undone"),
            ("undone", rolled_back(overtaken(), None, &[]), 3, "no release, as before"),
            ("undone as wished", rolled_back(interrupted(), None, &[]), 130, "as before"),
            (
                "undone, but the old release is not ready",
                rolled_back(interrupted(), Some(overtaken()), &[]),
                4,
                "not well: another command took over",
            ),
            (
                "undone, but for what is never deleted",
                rolled_back(overtaken(), None, &[object("Namespace")]),
                3,
                "this stays:\n  Namespace/x",
            ),
            (
                "neither here nor there",
                Failure::Stuck { cause: interrupted(), undo: overtaken() },
                4,
                "has objects of both",
            ),
            ("cut off", Failure::Unfinished { cause: overtaken() }, 4, "may have objects of both"),
        ] {
            let problem = Problem::from(failure);
            assert_eq!(problem.code, code, "{case}");
            let found = problem.state.unwrap();
            assert!(found.contains(state), "{case}: `{state}` is not in `{found}`");
        }
    }
}
