//! What a control plane consists of, beyond etcd and the API server.

/// Which parts are started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// Whether controllers, scheduler and nodes run. Without them objects are stored and nothing
    /// reacts to them: what is measured then is a client and the API server alone.
    pub controllers: bool,
    /// Whether the API server keeps a log of every request, which
    /// [`audit_log`](crate::ControlPlane::audit_log) tells the place of.
    pub audit: bool,
}

impl Default for Setup {
    /// Everything that tests need; no log of requests.
    fn default() -> Self {
        Self { controllers: true, audit: false }
    }
}
