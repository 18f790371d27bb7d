//! What makes no sense about secrets.

use thiserror::Error;

use crate::suggest;

/// What makes no sense about secrets although every part of it is well-formed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum SecretProblem {
    /// A name in the backend that no Secret could have.
    #[error("the key comes out as `{key}`, which cannot name a Secret in the other namespace")]
    NotASecretName {
        /// The expanded key.
        key: String,
    },
    /// The text of a server that is no URL.
    #[error("the server comes out as `{server}`, which is no URL")]
    NotAUrl {
        /// The expanded text.
        server: String,
    },
    /// A release that would copy its own Secrets.
    #[error("`namespace` is that of the release itself")]
    OwnNamespace,
    /// A bundle of certificates that is nowhere, or in two places.
    #[error("`ca` must have exactly one of `config_map` and `secret`")]
    CaBundle,
    /// A template that names a value which the secret does not have.
    #[error("the template names `.{name}`, which is no key of the secret")]
    UnknownValue {
        /// The name.
        name: String,
        /// The keys of the secret.
        known: Vec<String>,
    },
}

impl SecretProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::NotASecretName { .. } => {
                Some("use a-z, 0-9, `-` and `.`, for example `key = \"{app}-{secret}\"`".to_owned())
            }
            Self::NotAUrl { .. } => {
                Some("begin with `https://` and the name of the host".to_owned())
            }
            Self::OwnNamespace => {
                Some("if the Secrets are there already, set `backend = \"existing\"`".to_owned())
            }
            Self::CaBundle => None,
            Self::UnknownValue { name, known } => suggest::help(name, known),
        }
    }
}
