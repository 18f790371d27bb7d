//! What can go wrong between us and the API server.

use std::time::Duration;

use serde::Deserialize;
use thiserror::Error;

use crate::text;

/// Why a request to the API server failed.
#[derive(Debug, Error)]
pub enum ApiError {
    /// The API server refused.
    #[error("{asked}: {message} ({code})")]
    Status {
        /// Method and path.
        asked: String,
        /// HTTP status code.
        code: u16,
        /// The server's words.
        message: String,
        /// The server's one-word reason, such as `Conflict`.
        reason: String,
        /// Details, such as one entry for each conflicting field.
        causes: Vec<StatusCause>,
    },
    /// No answer at all.
    #[error("cannot reach the API server at {server} for {asked}")]
    Unreachable {
        /// URL of the server.
        server: String,
        /// Method and path.
        asked: String,
        /// Why.
        source: kube::Error,
    },
    /// No answer in time.
    #[error("{asked}: no answer within {} s", after.as_secs())]
    Timeout {
        /// Method and path.
        asked: String,
        /// How long we waited.
        after: Duration,
    },
    /// The lease ran out before the request could be sent.
    #[error("{asked}: not sent, for the lease of this command has run out")]
    Overtaken {
        /// Method and path.
        asked: String,
    },
    /// The request could not be made.
    #[error("{asked}: not a valid request")]
    Request {
        /// Method and path.
        asked: String,
        /// Why.
        source: http::Error,
    },
    /// The answer is larger than any that makes sense.
    #[error("{asked}: the answer is larger than {} MiB", most >> 20)]
    TooLarge {
        /// Method and path.
        asked: String,
        /// Largest answer that is read, in bytes.
        most: usize,
    },
    /// The answer is not what the API promises.
    #[error("{asked}: the answer is not what the Kubernetes API promises")]
    Answer {
        /// Method and path.
        asked: String,
        /// Why.
        source: serde_json::Error,
    },
    /// The kind is not served.
    #[error("the cluster does not serve {kind} of {api_version}")]
    NotServed {
        /// Kind.
        kind: String,
        /// Group and version.
        api_version: String,
    },
}

/// One cause in the API server's answer.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct StatusCause {
    /// One-word reason, such as `FieldManagerConflict`.
    #[serde(default)]
    pub reason: String,
    /// The server's words.
    #[serde(default)]
    pub message: String,
    /// Field path, such as `.spec.replicas`.
    #[serde(default)]
    pub field: String,
}

#[derive(Default, Deserialize)]
struct Status {
    #[serde(default)]
    message: String,
    #[serde(default)]
    reason: String,
    #[serde(default)]
    details: Details,
}

#[derive(Default, Deserialize)]
struct Details {
    #[serde(default)]
    causes: Vec<StatusCause>,
}

impl ApiError {
    pub(crate) fn from_status(asked: String, code: u16, body: &[u8]) -> Self {
        // A proxy in between answers with some page instead of a Status.
        let Status { message, reason, details } =
            serde_json::from_slice(body).unwrap_or_else(|_| Status {
                message: String::from_utf8_lossy(&body[..body.len().min(200)]).into_owned(),
                ..Status::default()
            });
        let clean = |cause: StatusCause| StatusCause {
            message: text::clean(&cause.message),
            field: text::clean(&cause.field),
            ..cause
        };
        let causes = details.causes.into_iter().map(clean).collect();
        Self::Status { asked, code, message: text::clean(&message), reason, causes }
    }

    /// Returns whether the object does not exist.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { code: 404, .. })
    }

    /// Returns whether the user may not do this.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self, Self::Status { code: 403, .. })
    }

    /// Returns whether the API server does not know who the user is.
    #[must_use]
    pub fn is_unauthorized(&self) -> bool {
        matches!(self, Self::Status { code: 401, .. })
    }

    /// Returns whether the API server found what was sent invalid.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self, Self::Status { code: 422, .. })
    }

    /// Returns whether there was no answer, so that nobody knows what was done.
    #[must_use]
    pub fn is_unanswered(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Timeout { .. })
    }

    /// Returns whether nobody knows what became of the request: there was no answer, or one that
    /// something on the way may have given in the place of the server.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.is_unanswered() || matches!(self, Self::Status { code: 500.., .. })
    }

    /// Returns whether the API server did nothing because it has too much to do.
    pub(crate) fn is_too_many(&self) -> bool {
        matches!(self, Self::Status { code: 429, .. })
    }

    /// Returns whether somebody else was faster: the object exists already, or is another version
    /// than the one that was meant.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Status { code: 409, .. }) && self.field_conflicts().is_empty()
    }

    /// Returns the fields that other field managers own with other values.
    #[must_use]
    pub fn field_conflicts(&self) -> Vec<&StatusCause> {
        let Self::Status { causes, .. } = self else {
            return Vec::new();
        };
        causes.iter().filter(|cause| cause.reason == "FieldManagerConflict").collect()
    }

    /// Returns the server's own words where there are some.
    #[must_use]
    pub fn message(&self) -> String {
        match self {
            Self::Status { message, .. } => message.clone(),
            _ => self.to_string(),
        }
    }
}
