//! Which API server to talk to, and as whom.

use std::path::PathBuf;

use thiserror::Error;

/// Which API server to talk to, and as whom: kubectl's `--kubeconfig` and `--context`.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// Kubeconfig file; by default `KUBECONFIG`, then `~/.kube/config`, then the pod's account.
    pub kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig; by default its current one.
    pub context: Option<String>,
}

/// Why there is no connection.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// No usable kubeconfig.
    #[error("cannot use the kubeconfig")]
    Kubeconfig(#[source] kube::config::KubeconfigError),
    /// The account of the pod is unusable.
    #[error("cannot use the account of the pod")]
    Pod(#[source] kube::config::InClusterError),
    /// Credentials or certificates are unusable.
    #[error("cannot set up the connection that the kubeconfig describes")]
    Client(#[source] kube::Error),
}
