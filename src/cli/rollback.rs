//! `rollback [RELEASE]`: apply a release again that the cluster holds. No file is needed.

use std::process::ExitCode;

use a4co_cluster::Options;
use clap::Args;

use super::{
    apply::show,
    global::GlobalArgs,
    interrupt::{self, Habit},
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
    ///
    /// It comes back with the site overlay that it had last; with another one that it had, or none, it
    /// is written RELEASE+OVERLAY or RELEASE+none.
    release: Option<String>,
    /// Take steps that cannot be taken back, such as leaving the work of a migration behind
    #[arg(long)]
    accept_one_way: bool,
    /// Name every object and field that changes
    #[arg(long, short)]
    verbose: bool,
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
        let progress = Progress::new(Intent::Change, global.color).verbose(self.verbose);
        let interrupt = interrupt::listen(Reporter::new("rollback", global), Habit::GoBack)?;
        let options = Options { accepts_one_way: self.accept_one_way, ..self.patience.options() };
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
