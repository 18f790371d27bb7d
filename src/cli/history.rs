//! `history`: what happened in a place, newest first.

use std::{io, process::ExitCode};

use a4co_cluster::{Edition, Entry, Head, Outcome, Place, Stored};
use clap::Args;
use serde::Serialize;

use super::{
    global::{Format, GlobalArgs},
    output,
    problem::Problem,
    selection::SelectionArgs,
};

/// Show which releases were applied, newest first
#[derive(Debug, Args)]
pub(crate) struct HistoryArgs {
    #[command(flatten)]
    selection: SelectionArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct History<'a> {
    schema: u32,
    command: &'static str,
    app: &'a str,
    namespace: &'a str,
    committed: Option<String>,
    committed_overlay: Option<String>,
    entries: Vec<&'a Entry>,
}

impl HistoryArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let head = place.head(&client).await?;
        match global.output {
            Format::Json => print_json(&place, &head)?,
            Format::Text => print_text(&head)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn print_json(place: &Place, head: &Head) -> io::Result<()> {
    output::print_json(&History {
        schema: 1,
        command: "history",
        app: &place.app,
        namespace: &place.namespace,
        committed: committed(head).map(|edition| edition.release.to_string()),
        committed_overlay: committed(head).and_then(|e| e.overlay).map(|digest| digest.to_string()),
        entries: head.history.iter().rev().collect(),
    })
}

fn print_text(head: &Head) -> io::Result<()> {
    // A release and an overlay are shown as `rollback` takes them.
    let width = head.history.iter().map(|entry| entry.edition().short().len()).max().unwrap_or(12);
    output::print(&format!(
        "  REVISION  {:<width$}  VERSION     ACTION    OUTCOME      WHEN                  WHO",
        "RELEASE"
    ))?;
    let mut is_current = true;
    for entry in head.history.iter().rev() {
        let has = entry.outcome == Outcome::Committed && Some(entry.edition()) == committed(head);
        let mark = if has && std::mem::take(&mut is_current) { '*' } else { ' ' };
        output::print(&line(mark, entry, width))?;
    }
    Ok(())
}

fn committed(head: &Head) -> Option<Edition> {
    head.committed.map(Stored::edition)
}

fn line(mark: char, entry: &Entry, width: usize) -> String {
    let outcome = match entry.outcome {
        Outcome::Committed => "committed",
        Outcome::RolledBack => "rolled back",
    };
    format!(
        "{mark} {:<9} {:<width$}  {:<11} {:<9} {outcome:<12} {:<21.0} {}",
        entry.revision,
        entry.edition().short(),
        entry.version.to_string(),
        entry.action,
        entry.at,
        output::one_line(&entry.by)
    )
}
