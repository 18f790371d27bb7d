//! What is wrong with an annotation for ingress-nginx, in words, and what to do about it.

use thiserror::Error;

/// What is wrong with an annotation for ingress-nginx. Names are without their prefix.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum NginxProblem {
    /// One that it does not know.
    #[error("ingress-nginx knows no annotation `{name}`")]
    Unknown {
        /// The name.
        name: String,
        /// What most likely is meant.
        nearest: Option<&'static str>,
    },
    /// One with a value that it cannot read.
    #[error("annotation `{name}` takes {expected}, not `{value}`")]
    Value {
        /// The name.
        name: String,
        /// The value.
        value: String,
        /// What it takes, in words.
        expected: String,
    },
    /// A piece of nginx's configuration.
    #[error("annotation `{name}` is a snippet, which ingress-nginx ignores")]
    Snippet {
        /// The name.
        name: String,
    },
}

impl NginxProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Unknown { nearest: Some(nearest), .. } => {
                Some(format!("did you mean `{nearest}`?"))
            }
            Self::Unknown { nearest: None, .. } => {
                Some("its page `nginx-configuration/annotations` lists all".to_owned())
            }
            Self::Snippet { .. } => Some(
                "it is off since 1.9, because who writes one can read every Secret of the \
                 cluster; set it in the controller's own settings"
                    .to_owned(),
            ),
            Self::Value { .. } => None,
        }
    }
}
