//! How a command that changes a cluster can fail, told by what became of the cluster.

use a4co_bundle::{ObjectRef, ReleaseId};
use thiserror::Error;

use crate::{refusal::Refusal, step::StepError};

/// How a command failed.
#[derive(Debug, Error)]
pub enum Failure {
    /// It was refused. Nothing was changed.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It was refused, but something was done before.
    #[error("{refusal}")]
    RefusedAfter {
        /// Why it was refused.
        refusal: Refusal,
        /// What was done.
        done: Done,
    },
    /// The release failed, and the one before it was restored.
    #[error("the release failed and was undone")]
    RolledBack {
        /// Why it failed.
        #[source]
        cause: StepError,
        /// Release that the cluster has again; `None` when it had none.
        restored: Option<ReleaseId>,
        /// Why what was restored is not ready, if it is not.
        not_ready: Option<StepError>,
        /// Objects that stay although the release brought them, because deleting them would delete
        /// what people keep in them.
        left: Vec<ObjectRef>,
    },
    /// The release failed, and the way back is blocked. A person has to look.
    #[error("the release failed ({cause}), and the way back is blocked")]
    Stuck {
        /// Why the release failed.
        cause: StepError,
        /// What blocks the way back.
        #[source]
        undo: StepError,
    },
    /// The command could not go on. The journal stands; the next command finishes or undoes.
    #[error("stopped in the middle")]
    Unfinished {
        /// Why.
        #[source]
        cause: StepError,
    },
}

/// What was done before a command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// The namespace was created.
    NamespaceMade,
    /// What an earlier command had begun was finished or undone.
    Recovered,
    /// The policy of the fence was written, but not what binds it to the release.
    PolicyWritten,
    /// What binds the policy of the fence to the release was deleted, but not the policy.
    BindingDeleted,
}

impl Failure {
    /// Returns whether the person asked for it.
    #[must_use]
    pub fn is_interrupt(&self) -> bool {
        matches!(
            self,
            Self::RolledBack { cause: StepError::Interrupted, .. }
                | Self::Refused(Refusal::Interrupted)
                | Self::RefusedAfter { refusal: Refusal::Interrupted, .. }
        )
    }

    /// Tells that something had been done before a refusal.
    pub(crate) fn after(self, done: Done) -> Self {
        match self {
            Self::Refused(refusal) => Self::RefusedAfter { refusal, done },
            failure => failure,
        }
    }
}
