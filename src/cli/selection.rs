//! Which release a command without a bundle is about.

use a4co_cluster::{Client, Place};
use clap::Args;

use super::problem::Problem;

#[derive(Debug, Args)]
pub(crate) struct SelectionArgs {
    /// Namespace of the release [default: the only one in the cluster that has a release]
    #[arg(long, short, value_name = "NAME")]
    namespace: Option<String>,
    /// Application, where a namespace has several
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
}

impl SelectionArgs {
    /// What was named: the namespace and the application.
    pub(crate) fn names(&self) -> (Option<&str>, Option<&str>) {
        (self.namespace.as_deref(), self.app.as_deref())
    }

    pub(crate) async fn place(&self, client: &Client) -> Result<Place, Problem> {
        Ok(Place::find(client, self.namespace.as_deref(), self.app.as_deref()).await?)
    }
}
