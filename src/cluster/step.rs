//! Why a step of a transaction failed. The transaction decides what becomes of the cluster then.

use std::time::Duration;

use a4co_bundle::ObjectRef;
use thiserror::Error;

use crate::{
    change::Obstacle, conflict::Conflict, error::ApiError, event::Pending, store::StoreError,
};

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
    #[error("cannot update {object}, for others own fields of it:{}", list_conflicts(conflicts))]
    Conflict {
        /// Object.
        object: ObjectRef,
        /// Fields, with who owns them and both values.
        conflicts: Vec<Conflict>,
    },
    /// Somebody else changes the object all the time.
    #[error("cannot change {object}: somebody else keeps changing it")]
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
        /// What a person can do about it, where that is known.
        remedy: Option<&'static str>,
    },
    /// A deleted object does not go away.
    #[error("still there {} s after they were deleted:{}", after.as_secs(), list_objects(objects))]
    NotGone {
        /// How long we waited.
        after: Duration,
        /// Objects that are still there.
        objects: Vec<ObjectRef>,
    },
    /// An object is not deleted as long as others are there that may need it.
    #[error("{object} is not deleted before what depends on it is gone")]
    Waiting {
        /// Object.
        object: ObjectRef,
    },
    /// An object is not deleted because it is not ours any more.
    #[error("{object} is not deleted, for somebody took it out of the release")]
    NotOurs {
        /// Object.
        object: ObjectRef,
    },
    /// Something was done that cannot be undone.
    #[error("a job has run whose work cannot be undone, so the only way is forward")]
    NoReturn,
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

/// What a person can do about fields that others own.
pub(crate) const CONFLICT_REMEDY: &str = "\
take the fields over with `a4co-apply adopt BUNDLE`, and `--from MANAGER` for each manager that is \
neither Helm nor kubectl; or leave them out of the release; or give them the value in the environment \
that they have in the cluster";

impl StepError {
    pub(crate) fn write(verb: &'static str, object: &ObjectRef, error: ApiError) -> Self {
        Self::Write { verb, object: object.clone(), error }
    }

    /// Returns the one object that it is about, if it is about one.
    #[must_use]
    pub fn object(&self) -> Option<&ObjectRef> {
        match self {
            Self::Write { object, .. }
            | Self::Exists { object }
            | Self::Conflict { object, .. }
            | Self::Interference { object }
            | Self::Waiting { object }
            | Self::NotOurs { object }
            | Self::Failed { object, .. } => Some(object),
            Self::Blocked(obstacle) => Some(obstacle.object()),
            Self::NotGone { objects, .. } => match objects.as_slice() {
                [object] => Some(object),
                _ => None,
            },
            _ => None,
        }
    }

    /// Returns whether the API server found what was sent invalid.
    pub(crate) fn is_invalid(&self) -> bool {
        matches!(self, Self::Write { error, .. } if error.is_invalid())
    }

    /// Returns what a person can do about it, where that is known.
    #[must_use]
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Failed { remedy, .. } => *remedy,
            Self::Conflict { .. } => Some(CONFLICT_REMEDY),
            Self::NotReady { pending, .. } => pending.iter().find_map(|pending| pending.remedy),
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

fn list_conflicts(conflicts: &[Conflict]) -> String {
    conflicts.iter().fold(String::new(), |list, conflict| format!("{list}\n  {conflict}"))
}

fn list_pending(pending: &[Pending]) -> String {
    pending.iter().fold(String::new(), |list, Pending { object, why, .. }| {
        format!("{list}\n  {object}: {why}")
    })
}

fn list_objects(objects: &[ObjectRef]) -> String {
    objects.iter().fold(String::new(), |list, object| format!("{list}\n  {object}"))
}
