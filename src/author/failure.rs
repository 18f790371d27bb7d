//! Why a command failed, and how that is told.

use std::{error::Error, io, path::PathBuf};

use a4co_bundle::{BundleError, CanonicalError, TrustError};
use a4co_compiler::{Findings, PublishError, ReadError, SignError, to_line};
use thiserror::Error;

use crate::kit::ToolError;

/// Why a command failed.
#[derive(Debug, Error)]
pub(crate) enum Failure {
    #[error("{}", count(.0))]
    Findings(#[from] Findings),
    #[error("there is no `envs` folder here or above; go there, or give `--root`")]
    NoWorkspace,
    #[error("`{}` has no `envs` folder", path.display())]
    NotAWorkspace { path: PathBuf },
    #[error("there is no environment `{name}`; there are {}", known.join(", "))]
    NoEnvironment { name: String, known: Vec<String> },
    #[error("`{}` is not a bundle that can be read", path.display())]
    Bundle { path: PathBuf, source: BundleError },
    #[error("`{}` is not a trust file", path.display())]
    Trust { path: PathBuf, source: TrustError },
    #[error("`{}` is there already; a key is never written over", path.display())]
    KeyExists { path: PathBuf },
    #[error("the new key cannot be written down")]
    Key(#[from] ssh_key::Error),
    #[error("the new key does not work")]
    UnusableKey,
    #[error("give a key with `--key`, or name one in `A4CO_SIGNING_KEY`")]
    NoKey,
    #[error(transparent)]
    Sign(#[from] SignError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Canonical(#[from] CanonicalError),
    #[error(transparent)]
    TrustFile(#[from] TrustError),
    #[error(transparent)]
    Tool(#[from] ToolError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    /// Returns the text for people.
    pub(crate) fn report(&self) -> String {
        match self {
            Self::Findings(findings) => format!("{findings}\nerror: {self}"),
            _ => format!("error: {}", to_line(self as &dyn Error)),
        }
    }
}

fn count(findings: &Findings) -> String {
    match findings.len() {
        1 => "1 finding; nothing was written".to_owned(),
        many => format!("{many} findings; nothing was written"),
    }
}
