//! What can go wrong between us and a registry.

use std::{error::Error as StdError, io, time::Duration};

use a4co_bundle::Digest;
use http::StatusCode;
use thiserror::Error;

use crate::{
    address::LocationError, credential::CredentialError, retry::Patience, trouble::Trouble,
    wanted::Wanted,
};

/// Whatever a library failed with.
type Cause = Box<dyn StdError + Send + Sync>;

/// Why a registry could not be read or written.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The registry said no.
    #[error("{wanted}: the registry answers {status}{}", in_its_words(.code, .message))]
    Status {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// HTTP status.
        status: StatusCode,
        /// The registry's own error code, such as `MANIFEST_UNKNOWN`; may be empty.
        code: String,
        /// The registry's own words; may be empty.
        message: String,
        /// How long the registry wants not to be asked.
        retry_after: Option<Duration>,
    },
    /// No connection.
    #[error("{wanted}: cannot reach the registry at {address}")]
    Unreachable {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Host and port.
        address: String,
        /// Why.
        source: Cause,
    },
    /// Only mirrors are to be asked, and the registry has none.
    #[error("{wanted}: {} has no mirror, and is not to be asked itself", wanted.repository.host())]
    NoMirror {
        /// What was wanted.
        wanted: Box<Wanted>,
    },
    /// A connection that ended too early.
    #[error("{wanted}: the connection ended in the middle")]
    Interrupted {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Why.
        source: Cause,
    },
    /// Nothing came, or nothing could be sent, for too long.
    #[error("{wanted}: the registry does nothing for {} s", after.as_secs())]
    Timeout {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// How long we waited.
        after: Duration,
    },
    /// An answer larger than any that makes sense, or than was promised.
    #[error("{wanted}: the answer is larger than {limit} bytes")]
    TooLarge {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Most bytes that are read.
        limit: u64,
    },
    /// Other bytes than asked for.
    #[error("{wanted}: digest mismatch\n  expected: {expected}\n  computed: {computed}")]
    Digest {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Digest that was asked for, or that the registry promised.
        expected: String,
        /// Digest of what came.
        computed: Digest,
    },
    /// An answer that the OCI distribution specification does not allow.
    #[error("{wanted}: the answer is not what a registry answers: {why}")]
    Answer {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// What is wrong with it.
        why: String,
    },
    /// An answer that leads where we do not go.
    #[error("{wanted}: the registry cannot be followed")]
    Location {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Why.
        source: LocationError,
    },
    /// The credentials for the registry cannot be had.
    #[error("{wanted}: cannot get the credentials for the registry")]
    Credential {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Why.
        source: CredentialError,
    },
    /// The registry wants a token, and it cannot be had.
    #[error("{wanted}: cannot get a token from {realm}: {why}")]
    Token {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Where tokens come from.
        realm: String,
        /// What happened.
        why: String,
        /// Whether asking again may help.
        is_transient: bool,
        /// How long the server of tokens wants not to be asked.
        retry_after: Option<Duration>,
        /// Whether it is the login, or the lack of one, that was refused.
        is_refused: bool,
    },
    /// The manifest is not one that containers are started from.
    #[error("{wanted}: {why}")]
    Image {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// What is wrong with it.
        why: String,
    },
    /// Something on this machine: the cache, or what is to be pushed.
    #[error("{wanted}: a file of this machine fails")]
    Local {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Why; names the file.
        source: io::Error,
    },
    /// What is to be pushed is not what its name says.
    #[error(
        "{wanted}: what is to be sent is damaged\n  expected: {expected}\n  computed: {computed}"
    )]
    Damaged {
        /// What was wanted.
        wanted: Box<Wanted>,
        /// Digest that names it.
        expected: Digest,
        /// Digest of what there is.
        computed: Digest,
    },
}

fn in_its_words(code: &str, message: &str) -> String {
    match (code, message) {
        ("", "") => String::new(),
        (one, "") | ("", one) => format!(": {one}"),
        (code, message) => format!(": {code}: {message}"),
    }
}

impl RegistryError {
    /// Returns whether the registry does not have what was asked for.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(StatusCode::NOT_FOUND)
    }

    /// Returns whether the registry wants to know who asks, or does not allow it.
    #[must_use]
    pub fn is_denied(&self) -> bool {
        matches!(self.status(), Some(StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN))
    }

    /// Returns the HTTP status, if the registry answered with one that says no.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Returns whether the same request may succeed later.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        self.patience() != Patience::None
    }

    /// Returns how patiently to ask again.
    pub(crate) fn patience(&self) -> Patience {
        let is_transient = match self {
            Self::Status { status, .. } => {
                matches!(status.as_u16(), 408 | 429) || status.is_server_error()
            }
            Self::Token { is_transient, .. } => *is_transient,
            Self::Unreachable { source, .. } => match Trouble::of(source.as_ref()) {
                Trouble::Other => true,
                // It may just be starting.
                Trouble::Refused | Trouble::NoNames => return Patience::Short,
                // Neither a name nor a certificate becomes good by asking again.
                _ => false,
            },
            Self::Interrupted { .. } | Self::Timeout { .. } => true,
            _ => false,
        };
        if is_transient { Patience::Full } else { Patience::None }
    }

    /// Returns how long the registry wants not to be asked.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::Token { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns what was wanted.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        match self {
            Self::Status { wanted, .. }
            | Self::Unreachable { wanted, .. }
            | Self::NoMirror { wanted }
            | Self::Interrupted { wanted, .. }
            | Self::Timeout { wanted, .. }
            | Self::TooLarge { wanted, .. }
            | Self::Digest { wanted, .. }
            | Self::Answer { wanted, .. }
            | Self::Location { wanted, .. }
            | Self::Credential { wanted, .. }
            | Self::Token { wanted, .. }
            | Self::Image { wanted, .. }
            | Self::Local { wanted, .. }
            | Self::Damaged { wanted, .. } => wanted,
        }
    }
}
