//! What can happen to one request.

use std::fmt;

use http::{Response, StatusCode};
use kube::client::Body;
use serde_json::json;

/// What happens to one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The command dies before the request is sent.
    KillBefore,
    /// The API server does the work, and the command dies before it hears of that.
    KillAfter,
    /// The API server does the work, and the connection breaks before the answer.
    ReplyLost,
    /// The API server says that something went wrong, and has done nothing.
    Error,
    /// The API server says that something went wrong, but has done the work.
    ErrorAfter,
    /// The API server says that somebody else was faster, and has done nothing.
    Conflict,
    /// The request does not arrive, and nobody says so; when its command has ended, it arrives.
    Late,
    /// The API server does the work, and the answer never comes.
    TimeoutAfter,
    /// Somebody changes an object just before the request arrives.
    Meddling,
    /// The command falls asleep with the request in its hand, and wakes much later.
    Pause,
}

impl Fault {
    pub(crate) const KILLS: [Self; 2] = [Self::KillBefore, Self::KillAfter];

    /// Faults that the command lives through.
    pub(crate) const ANSWERS: [Self; 6] = [
        Self::ReplyLost,
        Self::Error,
        Self::ErrorAfter,
        Self::Conflict,
        Self::Late,
        Self::TimeoutAfter,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::KillBefore => "kill-before",
            Self::KillAfter => "kill-after",
            Self::ReplyLost => "reply-lost",
            Self::Error => "error",
            Self::ErrorAfter => "error-after",
            Self::Conflict => "conflict",
            Self::Late => "late",
            Self::TimeoutAfter => "timeout-after",
            Self::Meddling => "meddling",
            Self::Pause => "pause",
        }
    }

    /// Whether the command does nothing more once the request has come.
    pub(crate) fn stops(self) -> bool {
        matches!(self, Self::KillBefore | Self::KillAfter | Self::Pause)
    }

    /// Whether all that is missing is an answer, which must cost nothing but time.
    pub(crate) fn is_silence(self) -> bool {
        matches!(self, Self::ReplyLost | Self::Late | Self::TimeoutAfter)
    }

    pub(crate) fn needs_patience(self) -> bool {
        matches!(self, Self::Late | Self::TimeoutAfter)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The answer of an API server in trouble.
pub(crate) fn internal_error() -> Response<Body> {
    status(StatusCode::INTERNAL_SERVER_ERROR, "InternalError")
}

/// The answer when somebody else was faster.
pub(crate) fn conflict() -> Response<Body> {
    status(StatusCode::CONFLICT, "Conflict")
}

fn status(code: StatusCode, reason: &str) -> Response<Body> {
    let body = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": "injected",
        "code": code.as_u16(),
    });
    let mut response = Response::new(Body::from(body.to_string().into_bytes()));
    *response.status_mut() = code;
    response
}
