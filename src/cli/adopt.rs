//! `adopt BUNDLE`: apply a bundle and take over objects that Helm, kubectl or somebody else made.

use std::{path::PathBuf, process::ExitCode};

use a4co_cluster::{Adoption, Options};
use clap::Args;

use super::{
    apply::{show, title},
    bundle_file,
    global::GlobalArgs,
    interrupt, output,
    patience::PatienceArgs,
    problem::Problem,
    progress::{Intent, Progress},
    report::Reporter,
};

/// Apply a bundle and take over objects that Helm or kubectl made, without restarting what is equal
///
/// Objects that exist already, by name, become objects of the release: its fields are set, the
/// labels, annotations and fields that only Helm or kubectl had are removed, and from then on the
/// release alone owns them. Pods restart only where the pod template differs; `plan --adopt` says
/// where, and what else changes. If it fails, every object is given back exactly as it was.
///
/// Objects of another release of this tool are never taken over.
#[derive(Debug, Args)]
pub(crate) struct AdoptArgs {
    /// Bundle to apply
    bundle: PathBuf,
    /// Take over what this field manager owns, too; may be repeated
    ///
    /// What Helm and kubectl own is taken over in any case. `kubectl get KIND NAME -o yaml
    /// --show-managed-fields` shows who owns what.
    #[arg(long, value_name = "MANAGER")]
    from: Vec<String>,
    /// Take steps that cannot be taken back, such as making a volume larger
    #[arg(long)]
    accept_one_way: bool,
    /// Name every object and field that changes
    #[arg(long, short)]
    verbose: bool,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
}

impl AdoptArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let bundle = bundle_file::open(&self.bundle, global)?;
        let progress = Progress::new(Intent::Change, global.color).verbose(self.verbose);
        output::talk(&title(&bundle));
        let client = global.client().await?;
        let interrupt = interrupt::listen(Reporter::new("adopt", global))?;
        let options = Options {
            adoption: Some(Adoption { managers: self.from }),
            accepts_one_way: self.accept_one_way,
            ..self.patience.options()
        };
        let report =
            Box::pin(a4co_cluster::apply(&client, &bundle, &options, &progress, interrupt)).await?;
        drop(progress);
        show(&report, "adopt", &bundle.release().config().notes, global.output);
        Ok(ExitCode::SUCCESS)
    }
}
