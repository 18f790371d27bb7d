//! `delete`: delete a release, all that it owns and its state.

use std::{
    io::{self, IsTerminal as _},
    process::ExitCode,
};

use a4co_bundle::{ObjectRef, ReleaseId};
use a4co_cluster::{Change, DeletionPlan, Failure, Place, Plan, State};
use clap::Args;
use serde::Serialize;

use super::{
    global::{Format, GlobalArgs},
    interrupt::{self, Habit},
    output,
    patience::PatienceArgs,
    problem::Problem,
    progress::{Intent, Progress},
    report::Reporter,
    selection::SelectionArgs,
};

/// Most objects named before a person is asked.
const NAMED: usize = 20;

const KEPT: &str = "kept, for deleting them would delete what people keep in them";

/// Delete a release: every object that it owns, and its state in the cluster
///
/// Namespaces, volumes and their claims, definitions of custom resources, and the kinds that the
/// release says are kept stay, and are named. Objects that the release does not own stay,
/// too. What was deleted can only come back by applying a bundle.
///
/// A deletion that is interrupted goes on with the next command, or with `recover`.
#[derive(Debug, Args)]
pub(crate) struct DeleteArgs {
    /// Do not ask; needed where there is no terminal
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    schema: u32,
    command: &'static str,
    app: &'a str,
    namespace: &'a str,
    release: Option<String>,
    deleted: Vec<&'a ObjectRef>,
    kept: Vec<&'a ObjectRef>,
}

impl DeleteArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let progress = Progress::new(Intent::Change, global.color);
        let agreed = a4co_cluster::plan_deletion(&client, &place).await?;
        announce(&place, &agreed);
        if !self.yes {
            ask(&place)?;
        }
        let interrupt = interrupt::listen(Reporter::new("delete", global), Habit::Delete)?;
        let options = self.patience.options();
        let deleted = Box::pin(a4co_cluster::delete(
            &client,
            &place,
            Some(&agreed),
            &options,
            &progress,
            interrupt,
        ));
        let deleted = deleted.await;
        drop(progress);
        let deletion = deleted.map_err(|failure| match failure {
            Failure::Unfinished { .. } => Problem::deletion_unfinished(failure),
            failure => failure.into(),
        })?;
        if !deletion.leftover.is_empty() {
            return Err(Problem::deletion_refused(&deletion.leftover));
        }
        // What an earlier command had begun was planned by that one.
        let is_finished = deletion.plan.steps.is_empty();
        let done = if is_finished { agreed.plan } else { deletion.plan };
        output::warn_unprinted(show(&place, deletion.release, &done, global.output));
        Ok(ExitCode::SUCCESS)
    }
}

/// Says what is about to be deleted, and what is not.
fn announce(place: &Place, DeletionPlan { plan, state, takes_claims }: &DeletionPlan) {
    if *state != State::Idle {
        output::talk(&format!(
            "an earlier command stopped while {state}; what it began is finished or undone first"
        ));
    }
    let (deleted, kept) = (of(plan, &Change::Prune), of(plan, &Change::Leave));
    let what = match plan.from {
        Some(release) => format!("release {} of {place}", release.short()),
        None => format!("what is left of {place}"),
    };
    let more = deleted.len().saturating_sub(NAMED);
    let named = output::list(&deleted[..deleted.len() - more]);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let objects = output::count(deleted.len(), "object");
    output::talk(&format!("{what} is to be deleted, with its history and {objects}{named}{more}"));
    if !kept.is_empty() {
        output::talk(&format!("{KEPT}:{}", output::list(&kept)));
    }
    if !takes_claims.is_empty() {
        output::talk(&format!(
            "the claims of these go with them, and what people keep in these claims, for they say \
             `whenDeleted: Delete`:{}",
            output::list(takes_claims)
        ));
    }
}

/// Asks the person whether that is what they want.
fn ask(place: &Place) -> Result<(), Problem> {
    if !io::stdin().is_terminal() {
        return Err(Problem::refused("nobody is there to say yes", "if you mean it: --yes"));
    }
    output::talk(&format!("delete all this? If so, enter the name of the app, `{}`:", place.app));
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    if answer.trim() == place.app {
        return Ok(());
    }
    Err(Problem::refused("not confirmed", "enter the name of the app, or give --yes"))
}

fn of<'a>(plan: &'a Plan, change: &Change) -> Vec<&'a ObjectRef> {
    let steps = plan.steps.iter().filter(|step| step.change == *change);
    steps.map(|step| &step.object).collect()
}

fn show(place: &Place, release: Option<ReleaseId>, plan: &Plan, form: Format) -> io::Result<()> {
    let (deleted, kept) = (of(plan, &Change::Prune), of(plan, &Change::Leave));
    if form == Format::Json {
        return output::print_json(&Shown {
            schema: 1,
            command: "delete",
            app: &place.app,
            namespace: &place.namespace,
            release: release.map(|release| release.to_string()),
            deleted,
            kept,
        });
    }
    output::print(&format!(
        "{place} is deleted: {} and its state",
        output::count(deleted.len(), "object")
    ))?;
    if kept.is_empty() { Ok(()) } else { output::print(&format!("{KEPT}:{}", output::list(&kept))) }
}
