//! `recover`: finish or undo what an interrupted command left.

use std::{io, process::ExitCode};

use a4co_cluster::Recovered;
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

/// Finish or undo what an interrupted command left; do only that
#[derive(Debug, Args)]
pub(crate) struct RecoverArgs {
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
}

#[derive(Serialize)]
struct Shown {
    schema: u32,
    command: &'static str,
    outcome: &'static str,
    release: Option<String>,
}

impl RecoverArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let progress = Progress::new(Intent::Change, global.color);
        let interrupt = interrupt::listen(Reporter::new("recover", global), Habit::Finish)?;
        let options = self.patience.options();
        let recovered = a4co_cluster::recover(&client, &place, &options, &progress, interrupt);
        let recovered = Box::pin(recovered).await?;
        drop(progress);
        output::warn_unprinted(show(&recovered, global.output));
        Ok(ExitCode::SUCCESS)
    }
}

fn show(recovered: &Recovered, form: Format) -> io::Result<()> {
    let (outcome, release) = match recovered {
        Recovered::Nothing => ("nothing", None),
        Recovered::Finished(release) => ("finished", Some(*release)),
        Recovered::Undone(release) => ("undone", *release),
        Recovered::Deleted(release) => ("deleted", *release),
    };
    if form == Format::Json {
        let release = release.map(|release| release.to_string());
        return output::print_json(&Shown { schema: 1, command: "recover", outcome, release });
    }
    output::print(&sentence(recovered))
}

fn sentence(recovered: &Recovered) -> String {
    match recovered {
        Recovered::Nothing => "no command left anything in the middle; nothing to do".to_owned(),
        Recovered::Finished(release) => format!("finished: release {} is applied", release.short()),
        Recovered::Undone(Some(release)) => {
            format!("undone: the cluster has release {} again", release.short())
        }
        Recovered::Deleted(_) => "finished: the release is deleted".to_owned(),
        Recovered::Undone(None) => "undone: the cluster has no release, as before".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use a4co_bundle::ReleaseId;

    use super::*;

    #[test]
    fn each_outcome_says_what_the_cluster_has() {
        let release = ReleaseId::of(b"a");
        let short = release.short();
        for (recovered, expected) in [
            (Recovered::Nothing, "nothing to do".to_owned()),
            (Recovered::Finished(release), format!("release {short} is applied")),
            (Recovered::Undone(Some(release)), format!("the cluster has release {short} again")),
            (Recovered::Undone(None), "the cluster has no release, as before".to_owned()),
        ] {
            let sentence = sentence(&recovered);
            assert!(sentence.ends_with(&expected), "`{sentence}` does not end in `{expected}`");
        }
    }
}
