//! `gc`: forget old releases and delete stored content that nothing needs.

use std::{io, process::ExitCode};

use a4co_cluster::{Collected, Recovered};
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

/// Forget all but the newest releases of the history, and delete stored content that nothing needs
///
/// The current release, and every release that the history still shows, stays in the cluster, so
/// that `rollback` can go back to it. No object of a release is touched.
#[derive(Debug, Args)]
pub(crate) struct GcArgs {
    /// How many releases to keep, the current one included
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    keep: u16,
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
    secrets: usize,
    forgotten: usize,
    kept: usize,
    unfinished: Option<String>,
    recovered: &'static str,
}

impl GcArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let progress = Progress::new(Intent::Change, global.color);
        let (keep, options) = (usize::from(self.keep), self.patience.options());
        let interrupt = interrupt::listen(Reporter::new("gc", global), Habit::Finish)?;
        let collected = a4co_cluster::gc(&client, &place, keep, &options, &progress, interrupt);
        let collected = Box::pin(collected).await?;
        drop(progress);
        let Collected { recovered, secrets, forgotten, kept, unfinished } = &collected;
        if let Some(why) = unfinished {
            output::talk(&format!(
                "error: not everything could be deleted: {why}\n\
                 once that is mended, the same command goes on"
            ));
        }
        output::warn_unprinted(match global.output {
            Format::Json => output::print_json(&Shown {
                schema: 1,
                command: "gc",
                app: &place.app,
                namespace: &place.namespace,
                secrets: *secrets,
                forgotten: *forgotten,
                kept: *kept,
                unfinished: unfinished.as_ref().map(ToString::to_string),
                recovered: recovered.name(),
            }),
            Format::Text => print_text(&collected),
        });
        Ok(ExitCode::from(u8::from(unfinished.is_some())))
    }
}

fn print_text(Collected { recovered, secrets, forgotten, kept, .. }: &Collected) -> io::Result<()> {
    if let Recovered::Deleted(_) = recovered {
        return output::print(
            "the release is deleted, as an earlier command began; nothing is left",
        );
    }
    let secrets = output::count(*secrets, "Secret");
    let forgotten = output::count(*forgotten, "line");
    output::print(&format!(
        "deleted {secrets} of stored content; the history forgot {forgotten} and has {kept}"
    ))
}
