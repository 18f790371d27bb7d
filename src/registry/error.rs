//! What can go wrong between us and a registry.

use std::{error::Error as StdError, fmt, io, time::Duration};

use a4co_bundle::Digest;
use http::StatusCode;
use thiserror::Error;

use crate::{
    address::{Address, LocationError},
    credential::CredentialError,
    name::Repository,
};

/// Whatever a library failed with.
type Cause = Box<dyn StdError + Send + Sync>;

/// What was wanted of which registry: `the manifest 2.11 of docker.io/library/nats`, and from where
/// if that was a mirror.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub(crate) what: String,
    pub(crate) repository: Repository,
    /// Where it was asked for, if that is not the registry itself.
    pub(crate) mirror: Option<Address>,
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.what, self.repository)?;
        self.mirror.as_ref().map_or(Ok(()), |mirror| write!(f, " (from the mirror {mirror})"))
    }
}

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
        match self {
            Self::Status { status, .. } => {
                matches!(status.as_u16(), 408 | 429) || status.is_server_error()
            }
            Self::Token { is_transient, .. } => *is_transient,
            // A certificate does not become good by asking again.
            Self::Unreachable { source, .. } => certificate_error(source.as_ref()).is_none(),
            Self::Interrupted { .. } | Self::Timeout { .. } => true,
            _ => false,
        }
    }

    /// Returns how long the registry wants not to be asked.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } | Self::Token { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Returns what to do about it, if there is something that helps in general.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let host = &self.wanted().repository.host();
        match self {
            // Distribution up to 2.8, and what is built on it, looks for every manifest of an index.
            Self::Status { code, .. } if code == "MANIFEST_BLOB_UNKNOWN" => Some(
                "this registry takes an index only when all its platforms are there: push a bundle \
                 with every platform, or let the registry take sparse indexes (distribution 3 can)"
                    .to_owned(),
            ),
            Self::Status { status, .. } => match status.as_u16() {
                401 | 403 => Some(format!(
                    "log in with `docker login {host}`; a repository that does not exist can look \
                     the same"
                )),
                404 => Some("check the name, and whether the tag was deleted".to_owned()),
                413 => Some(
                    "a proxy before the registry limits the size of requests: raise it to \
                             at least 16 MiB (nginx: client_max_body_size)"
                        .to_owned(),
                ),
                429 => Some(format!("wait, or `docker login {host}` for a higher limit")),
                _ => None,
            },
            Self::Unreachable { source, .. } => Some(match certificate_error(source.as_ref()) {
                Some(rustls::CertificateError::UnknownIssuer) => {
                    "give the certificate of the registry's authority with --ca".to_owned()
                }
                Some(_) => "the registry's certificate has to be renewed, or is for another name"
                    .to_owned(),
                None => "check name, network and HTTPS_PROXY".to_owned(),
            }),
            Self::Token { .. } | Self::Credential { .. } => {
                Some(format!("log in anew with `docker login {host}`"))
            }
            Self::Digest { .. } => Some(
                "the registry or something before it hands out damaged or other content; nothing \
                 of it is used"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Returns what was wanted.
    #[must_use]
    pub fn wanted(&self) -> &Wanted {
        match self {
            Self::Status { wanted, .. }
            | Self::Unreachable { wanted, .. }
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

/// Finds what TLS has against a certificate, however deep in the chain of causes.
fn certificate_error<'a>(
    error: &'a (dyn StdError + 'static),
) -> Option<&'a rustls::CertificateError> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(found)) = error.downcast_ref() {
            return Some(found);
        }
        // An I/O error hides what it wraps from `source`.
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner as &(dyn StdError + 'static)),
            None => error.source(),
        };
    }
    None
}
