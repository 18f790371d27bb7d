//! Why a comparison could not be made.

use std::io;

/// A comparison that could not be made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A file or a process failed; files are named in the message.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The control plane, or Helm, could not be had.
    #[error(transparent)]
    ControlPlane(#[from] a4co_testenv::Error),
    /// A document is not what was expected.
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    /// The API server could not be asked.
    #[error("cannot ask the API server: {0}")]
    Api(#[from] Box<kube::Error>),
    /// The API server refused what a comparison needs.
    #[error("`{request}` is refused with status {status}: {answer}")]
    Refused {
        /// Method and path.
        request: String,
        /// HTTP status.
        status: u16,
        /// What the API server said.
        answer: String,
    },
    /// A tool under comparison failed.
    #[error("`{command}` failed with {status}:\n{output}")]
    Tool {
        /// The command line.
        command: String,
        /// How it ended.
        status: String,
        /// The end of what it printed.
        output: String,
    },
    /// A tool said that it succeeded, and the cluster does not show it.
    #[error("after {phase} by {tool}, {found} of {expected} objects have version {version}")]
    NotDone {
        /// Which tool.
        tool: String,
        /// What it was to do.
        phase: String,
        /// Objects with the wanted version.
        found: usize,
        /// Objects of the workload.
        expected: usize,
        /// The wanted version.
        version: String,
    },
    /// Something else is not as it has to be.
    #[error("{0}")]
    Other(String),
}

impl Error {
    /// An error with this text.
    #[expect(clippy::needless_pass_by_value, reason = "it is given to `map_err`")]
    pub(crate) fn other(text: impl ToString) -> Self {
        Self::Other(text.to_string())
    }
}

impl From<kube::Error> for Error {
    fn from(error: kube::Error) -> Self {
        Self::Api(Box::new(error))
    }
}

/// Short for results of this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
