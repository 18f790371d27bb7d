//! `rollback [RELEASE]`: apply a release again that the cluster holds. No file is needed.

use std::process::ExitCode;

use clap::Args;

use super::{
    apply::show,
    global::GlobalArgs,
    interrupt,
    patience::PatienceArgs,
    problem::Problem,
    progress::{Intent, Progress},
    report::Reporter,
    selection::SelectionArgs,
};

/// Go back to a release that the cluster holds; no bundle is needed
#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// Release id or its first digits [default: the release before the current one]
    release: Option<String>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
}

impl RollbackArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let anchor = global.anchor()?;
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let progress = Progress::new(Intent::Change, global.color);
        let interrupt = interrupt::listen(Reporter::new("rollback", global))?;
        let options = self.patience.options();
        let prefix = self.release.as_deref();
        let report = Box::pin(a4co_cluster::rollback(
            &client, &place, prefix, &anchor, &options, &progress, interrupt,
        ))
        .await?;
        drop(progress);
        show(&report, "rollback", &[], global.output);
        Ok(ExitCode::SUCCESS)
    }
}
