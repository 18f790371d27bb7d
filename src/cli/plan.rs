//! `plan BUNDLE`: show what applying would do, and what would undo it. Nothing is written.

use std::{io, path::PathBuf, process::ExitCode};

use a4co_bundle::{FieldChange, ObjectRef};
use a4co_cluster::{Adoption, Edition, OneWay, Plan, Reversal, Step};
use clap::Args;
use serde::Serialize;

use super::{
    apply::title,
    bundle_file,
    global::{Format, GlobalArgs},
    output::{self, Style},
    problem::Problem,
    progress::{Intent, Progress},
    site::SiteArgs,
    steps,
    supply::SupplyArgs,
};

/// Show what applying a bundle would do, and both ways back; check whether the cluster takes it
///
/// Every change is tried on the API server without being stored, but for objects whose namespace,
/// definition or role comes with the same bundle: those are checked in their wave.
///
/// Two ways back are shown. If applying fails, every object is put back exactly as it was. Once it
/// is done, `rollback` goes back to the release before; for each object it is said what that does.
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Bundle to plan
    bundle: PathBuf,
    /// Plan `adopt` instead of `apply`: take over objects that Helm or kubectl made
    #[arg(long)]
    adopt: bool,
    /// With --adopt: take over what this field manager owns, too; may be repeated
    #[arg(long, value_name = "MANAGER", requires = "adopt")]
    from: Vec<String>,
    /// Exit with 5 when there are changes
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    supply: SupplyArgs,
}

const CHANGES: u8 = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'a> {
    schema: u32,
    command: &'static str,
    from: Option<String>,
    from_overlay: Option<String>,
    to: Option<String>,
    to_overlay: Option<String>,
    steps: Vec<PlannedStep<'a>>,
    one_way: Vec<PlannedOneWay<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PlannedStep<'a> {
    object: &'a ObjectRef,
    wave: u8,
    change: &'static str,
    fields: &'a [FieldChange],
    restarts_pods: bool,
    may_restart_pods: bool,
    unchecked: bool,
    if_it_fails: &'static str,
    way_back: Option<&'static str>,
}

#[derive(Serialize)]
struct PlannedOneWay<'a> {
    object: &'a ObjectRef,
    why: String,
}

impl PlanArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let bundle = bundle_file::open(&self.bundle, global)?;
        let overlay = self.site.choice(&bundle)?;
        let progress = Progress::new(Intent::Look, global.color);
        output::talk(&title(&bundle));
        let client = global.client().await?;
        self.supply.require(&client, &bundle, &overlay).await?;
        let adoption = self.adopt.then(|| Adoption { managers: self.from.clone() });
        let plan =
            a4co_cluster::plan(&client, &bundle, adoption.as_ref(), &overlay, &progress).await?;
        drop(progress);
        match global.output {
            Format::Json => print_json(&plan)?,
            Format::Text => print_text(&plan, Style::for_results(global.color))?,
        }
        let has_changes = !plan.is_empty() || plan.from != plan.to;
        Ok(if self.exit_code && has_changes { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
    }
}

fn print_json(plan: &Plan) -> io::Result<()> {
    let steps = plan.steps.iter().map(|step| {
        let Step { object, wave, change, unchecked, way_back, .. } = step;
        PlannedStep {
            object,
            wave: *wave,
            change: change.name(),
            fields: change.fields(),
            restarts_pods: step.restarts_pods(),
            may_restart_pods: step.may_restart_pods(),
            if_it_fails: step.undoing.name(),
            unchecked: *unchecked,
            way_back: plan.from.map(|_| Reversal::name(*way_back)),
        }
    });
    let release = |of: Option<Edition>| of.map(|edition| edition.release.to_string());
    let overlay = |of: Option<Edition>| {
        of.and_then(|edition| edition.overlay).map(|digest| digest.to_string())
    };
    let one_way = plan.one_way.iter();
    let one_way =
        one_way.map(|OneWay { object, why }| PlannedOneWay { object, why: why.to_string() });
    output::print_json(&Planned {
        schema: 1,
        command: "plan",
        from: release(plan.from),
        from_overlay: overlay(plan.from),
        to: release(plan.to),
        to_overlay: overlay(plan.to),
        steps: steps.collect(),
        one_way: one_way.collect(),
    })
}

fn print_text(plan: &Plan, style: Style) -> io::Result<()> {
    for step in plan.writes() {
        output::print(&steps::detail(step, style))?;
    }
    output::print(&format!("plan: {}", steps::summary(plan)))?;
    for text in [steps::ways_back(plan), steps::one_way(&plan.one_way)] {
        if !text.is_empty() {
            output::print(&text)?;
        }
    }
    Ok(())
}
