//! What can go wrong, with the remedy in the message.

use std::io;
use std::path::PathBuf;

/// A control plane that could not be built, started or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder could not be read or written; the path is in the message.
    #[error(transparent)]
    Io(#[from] io::Error),

    /// A program that is expected on the machine is missing or cannot be started.
    #[error("cannot run `{program}`: {source}\nhint: {hint}")]
    Program {
        /// The program's name.
        program: String,
        /// Which package brings it.
        hint: &'static str,
        /// Why it did not start.
        source: io::Error,
    },

    /// A step of filling the cache failed.
    #[error("cannot {step}:\n{output}")]
    Build {
        /// What was being done, as a verb and its object.
        step: String,
        /// The end of what the program printed.
        output: String,
    },

    /// A downloaded module is not the one that this crate was written for.
    #[error("module `{module}` has sum `{actual}`, expected `{expected}`")]
    ModuleSum {
        /// `path@version`.
        module: String,
        /// The sum written in this crate.
        expected: String,
        /// The sum of what the module proxy served.
        actual: String,
    },

    /// No folder is known in which the cache could live.
    #[error("no place for the cache: set A4CO_TESTENV_CACHE, XDG_CACHE_HOME or HOME")]
    NoCacheFolder,

    /// The folder for running control planes belongs to somebody else.
    #[error("`{}` belongs to another user; remove it or set TMPDIR", .0.display())]
    ForeignStateRoot(PathBuf),

    /// Every pair of ports is taken.
    #[error("no free ports between 20000 and 30000 for another control plane")]
    NoFreePorts,

    /// A component ended, or never answered.
    #[error("{component} {what}; the end of its log:\n{log}")]
    Component {
        /// For example `kube-apiserver`.
        component: &'static str,
        /// `died` or `did not answer within 60 s`.
        what: String,
        /// The last lines that it printed.
        log: String,
    },

    /// A kubectl command failed.
    #[error("`kubectl {command}` failed: {stderr}")]
    Kubectl {
        /// The arguments, separated by spaces.
        command: String,
        /// What it printed to standard error.
        stderr: String,
    },

    /// A command of a node failed.
    #[error("`{command}` failed: {stderr}")]
    Node {
        /// The program and its arguments, separated by spaces.
        command: String,
        /// What it printed to standard error.
        stderr: String,
    },

    /// A component of a cluster that this process did not start cannot be restarted.
    #[error(
        "this process did not start the cluster\n\
         hint: unset A4CO_TEST_KUBECONFIG, or start a control plane in the test"
    )]
    NotOwn,

    /// The kubeconfig belongs to a cluster whose certificate authority is out of reach.
    #[error(
        "cannot issue a certificate for `{user}`: no authority key beside `{}`\n\
         hint: unset A4CO_TEST_KUBECONFIG so that the tests start a control plane of their own",
        kubeconfig.display()
    )]
    NoAuthority {
        /// The user that was asked for.
        user: String,
        /// The kubeconfig of the cluster.
        kubeconfig: PathBuf,
    },
}

/// Short for results of this crate.
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;
