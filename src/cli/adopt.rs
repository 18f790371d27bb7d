//! `adopt BUNDLE`: apply a bundle and take over objects that Helm, kubectl or somebody else made.

use std::process::ExitCode;

use a4co_cluster::Adoption;
use clap::Args;

use super::{apply::ApplyArgs, global::GlobalArgs, problem::Problem};

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
    #[command(flatten)]
    pub(crate) apply: ApplyArgs,
    /// Take over what this field manager owns, too; may be repeated
    ///
    /// What Helm and kubectl own is taken over in any case. `kubectl get KIND NAME -o yaml
    /// --show-managed-fields` shows who owns what.
    #[arg(long, value_name = "MANAGER")]
    from: Vec<String>,
}

impl AdoptArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let adoption = Adoption { managers: self.from };
        self.apply.carry_out("adopt", Some(adoption), global).await
    }
}
