//! Why a step of a transaction failed. The transaction decides what becomes of the cluster then.

use std::time::Duration;

use a4co_bundle::ObjectRef;
use thiserror::Error;

use crate::{change::Obstacle, error::ApiError, event::Pending, store::StoreError};

/// Why a step failed.
#[derive(Debug, Error)]
pub enum StepError {
    /// A write was refused.
    #[error("cannot {verb} {object}: {}", error.message())]
    Write {
        /// What was tried: `create`, `update` or `delete`.
        verb: &'static str,
        /// Object.
        object: ObjectRef,
        /// Why.
        error: ApiError,
    },
    /// Somebody else created the object after the plan was made.
    #[error("cannot create {object}: somebody else created it meanwhile")]
    Exists {
        /// Object.
        object: ObjectRef,
    },
    /// Something stands in the way that the plan did not see.
    #[error("{0}")]
    Blocked(Obstacle),
    /// Somebody else changed what was just written.
    #[error("somebody else changed what was just written:{}", list_objects(objects))]
    Changed {
        /// Objects.
        objects: Vec<ObjectRef>,
    },
    /// Another field manager owns a field.
    #[error("cannot update {object}: others own fields of it{}", list_conflicts(conflicts))]
    Conflict {
        /// Object.
        object: ObjectRef,
        /// Field path and the server's words, which name the manager.
        conflicts: Vec<(String, String)>,
    },
    /// Somebody else changes the object all the time.
    #[error("cannot update {object}: somebody else keeps changing it")]
    Interference {
        /// Object.
        object: ObjectRef,
    },
    /// Objects did not become ready in time.
    #[error("not ready after {} s:{}", after.as_secs(), list_pending(pending))]
    NotReady {
        /// How long we waited.
        after: Duration,
        /// For what.
        pending: Vec<Pending>,
    },
    /// An object says that it will never be ready.
    #[error("{object} failed: {why}")]
    Failed {
        /// Object.
        object: ObjectRef,
        /// Its own words.
        why: String,
    },
    /// A deleted object does not go away.
    #[error("still there {} s after they were deleted:{}", after.as_secs(), list_objects(objects))]
    NotGone {
        /// How long we waited.
        after: Duration,
        /// Objects that are still there.
        objects: Vec<ObjectRef>,
    },
    /// Another command took over.
    #[error("another command took over")]
    Overtaken,
    /// An earlier command stopped in the middle.
    #[error("an earlier command stopped in the middle")]
    Abandoned,
    /// The person asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Any other request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// Stored content is not to be had.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StepError {
    pub(crate) fn write(verb: &'static str, object: &ObjectRef, error: ApiError) -> Self {
        Self::Write { verb, object: object.clone(), error }
    }

    pub(crate) fn conflict(object: &ObjectRef, error: &ApiError) -> Self {
        let causes = error.field_conflicts().into_iter();
        let conflicts = causes.map(|cause| (cause.field.clone(), cause.message.clone()));
        Self::Conflict { object: object.clone(), conflicts: conflicts.collect() }
    }

    /// Returns the one object that it is about, if it is about one.
    #[must_use]
    pub fn object(&self) -> Option<&ObjectRef> {
        match self {
            Self::Write { object, .. }
            | Self::Exists { object }
            | Self::Conflict { object, .. }
            | Self::Interference { object }
            | Self::Failed { object, .. } => Some(object),
            Self::Blocked(obstacle) => Some(obstacle.object()),
            _ => None,
        }
    }

    /// Returns whether the API server could not be asked, as against: it said no.
    pub(crate) fn is_unanswered(&self) -> bool {
        match self {
            Self::Write { error, .. } | Self::Api(error) | Self::Store(StoreError::Api(error)) => {
                error.is_unanswered()
            }
            _ => false,
        }
    }
}

fn list_conflicts(conflicts: &[(String, String)]) -> String {
    conflicts
        .iter()
        .fold(String::new(), |list, (field, message)| format!("{list}\n  {field}: {message}"))
}

fn list_pending(pending: &[Pending]) -> String {
    pending
        .iter()
        .fold(String::new(), |list, Pending { object, why }| format!("{list}\n  {object}: {why}"))
}

fn list_objects(objects: &[ObjectRef]) -> String {
    objects.iter().fold(String::new(), |list, object| format!("{list}\n  {object}"))
}
