//! `plan BUNDLE`: show what applying would do. Nothing is written.

use std::{io, path::PathBuf, process::ExitCode};

use a4co_bundle::FieldChange;
use a4co_cluster::{Change, Plan, Step};
use clap::Args;
use serde::Serialize;

use super::{
    apply::title,
    bundle_file,
    global::{Format, GlobalArgs},
    output::{self, Style},
    problem::Problem,
    progress::{Intent, Progress, summary, way_back},
};

/// Show what applying a bundle would do, and whether the cluster would take it
#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Bundle to plan
    bundle: PathBuf,
    /// Exit with 5 when there are changes
    #[arg(long)]
    exit_code: bool,
}

const CHANGES: u8 = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Planned<'a> {
    schema: u32,
    command: &'static str,
    from: Option<String>,
    to: Option<String>,
    steps: Vec<PlannedStep<'a>>,
}

#[derive(Serialize)]
struct PlannedStep<'a> {
    object: &'a a4co_bundle::ObjectRef,
    wave: u8,
    change: &'static str,
    fields: &'a [FieldChange],
}

impl PlanArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let bundle = bundle_file::open(&self.bundle, global)?;
        let progress = Progress::new(Intent::Look, global.color);
        output::talk(&title(&bundle));
        let client = global.client().await?;
        let plan = a4co_cluster::plan(&client, &bundle, &progress).await?;
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
    let steps = plan.steps.iter().map(|Step { object, wave, change, .. }| PlannedStep {
        object,
        wave: *wave,
        change: change.name(),
        fields: if let Change::Update(fields) = change { fields } else { &[] },
    });
    output::print_json(&Planned {
        schema: 1,
        command: "plan",
        from: plan.from.map(|release| release.to_string()),
        to: plan.to.map(|release| release.to_string()),
        steps: steps.collect(),
    })
}

fn print_text(plan: &Plan, style: Style) -> io::Result<()> {
    for Step { object, wave, change, .. } in plan.writes() {
        let name = format!("{:<8}", change.name());
        let name = match change {
            Change::Create => style.green(&name),
            Change::Prune => style.red(&name),
            _ => style.yellow(&name),
        };
        let when = match change {
            Change::Prune => "after the commit".to_owned(),
            _ => format!("wave {wave}"),
        };
        output::print(&format!("{name} {object}  ({when})"))?;
        if let Change::Update(fields) = change {
            for field in fields {
                output::print(&format!("           {field}"))?;
            }
        }
    }
    output::print(&format!("plan: {}", summary(plan)))?;
    output::print(&format!("way back: {}", way_back(plan)))
}
