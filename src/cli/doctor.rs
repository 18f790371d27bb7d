//! `doctor [BUNDLE]`: looks at all that commands need, and installs the fence.

use std::{io, path::PathBuf, process::ExitCode};

use a4co_cluster::{Client, Examination, Finding, Level, OverlayChoice, Place, Scope};
use clap::Args;
use serde::Serialize;

use super::{
    bundle_file,
    global::{Format, GlobalArgs},
    output::{self, Style},
    problem::Problem,
    selection::SelectionArgs,
    site::SiteArgs,
    supply::SupplyArgs,
};

/// Check the cluster, what a release keeps in it, and whether it can take a bundle
#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    /// Bundle that is to be applied
    #[arg(conflicts_with_all = ["namespace", "app"])]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    selection: SelectionArgs,
    #[command(flatten)]
    site: SiteArgs,
    #[command(flatten)]
    supply: SupplyArgs,
    /// Let the API server refuse what an overtaken command creates late (an admission policy)
    #[arg(long)]
    install_fence: bool,
    /// Remove that again
    #[arg(long, conflicts_with = "install_fence")]
    remove_fence: bool,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    schema: u32,
    command: &'static str,
    app: Option<&'a str>,
    namespace: Option<&'a str>,
    findings: Vec<ShownFinding<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownFinding<'a> {
    check: &'static str,
    level: &'static str,
    text: &'a str,
    remedy: Option<&'a str>,
}

impl DoctorArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let bundle = self.bundle.as_deref().map(|path| bundle_file::open(path, global));
        let bundle = bundle.transpose()?;
        let overlay = match &bundle {
            Some(bundle) => self.site.choice(bundle)?,
            None if self.site.is_given() => {
                return Err(Problem::usage("where images come from is about a bundle; give one"));
            }
            None => OverlayChoice::Keep,
        };
        let client = global.client().await?;
        let found = if self.install_fence || self.remove_fence {
            let place = match &bundle {
                Some(bundle) => Place::of(bundle.release()),
                None => self.selection.place(&client).await?,
            };
            self.fence(&client, place).await?
        } else {
            let (namespace, app) = self.selection.names();
            let scope = Scope { bundle: bundle.as_ref(), overlay: &overlay, namespace, app };
            let mut found = a4co_cluster::examine(&client, scope).await;
            if let (Some(bundle), Some(_)) = (&bundle, &found.place) {
                let images = self.supply.examine(&client, bundle, &overlay);
                found.findings.extend(images.await);
            }
            found
        };
        match global.output {
            Format::Json => print_json(&found)?,
            Format::Text => print_text(&found, Style::for_results(global.color))?,
        }
        let is_ill = found.findings.iter().any(|finding| finding.level == Level::Error);
        Ok(if is_ill { ExitCode::FAILURE } else { ExitCode::SUCCESS })
    }

    /// Installs or removes the fence of `place`.
    async fn fence(&self, client: &Client, place: Place) -> Result<Examination, Problem> {
        let text = if self.install_fence {
            a4co_cluster::install_fence(client, &place).await?;
            format!("the fence of {place} is installed")
        } else if a4co_cluster::remove_fence(client, &place).await? {
            format!("the fence of {place} is removed")
        } else {
            format!("{place} has no fence")
        };
        let finding = Finding { check: "fence", level: Level::Good, text, remedy: None };
        Ok(Examination { place: Some(place), findings: vec![finding] })
    }
}

fn print_json(found: &Examination) -> io::Result<()> {
    let place = found.place.as_ref();
    let findings = found.findings.iter().map(|Finding { check, level, text, remedy }| {
        ShownFinding { check, level: word(*level), text, remedy: remedy.as_deref() }
    });
    output::print_json(&Shown {
        schema: 1,
        command: "doctor",
        app: place.map(|place| place.app.as_str()),
        namespace: place.map(|place| place.namespace.as_str()),
        findings: findings.collect(),
    })
}

fn print_text(found: &Examination, style: Style) -> io::Result<()> {
    if let Some(place) = &found.place {
        output::print(&format!("examined {place}"))?;
    }
    found.findings.iter().try_for_each(|finding| output::print(&lines(finding, style)))
}

fn lines(Finding { check, level, text, remedy }: &Finding, style: Style) -> String {
    // Padded before it is coloured, for colours have no width.
    let word = format!("{:<7}", word(*level));
    let word = match level {
        Level::Good => style.green(&word),
        Level::Warning => style.yellow(&word),
        Level::Error => style.red(&word),
    };
    let indent = " ".repeat(21);
    let text = text.replace('\n', &format!("\n{indent}"));
    let remedy = remedy
        .as_ref()
        .map_or_else(String::new, |remedy| format!("\n{indent}{} {remedy}", style.bold("hint:")));
    format!("{word} {check:<12} {text}{remedy}")
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Good => "ok",
        Level::Warning => "warning",
        Level::Error => "error",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::global::Color;

    #[test]
    fn a_finding_is_told_with_what_to_do() {
        let finding = Finding {
            check: "site",
            level: Level::Error,
            text: "the site has to provide\n  Secret x".to_owned(),
            remedy: Some("create it".to_owned()),
        };
        let indent = " ".repeat(21);
        assert_eq!(
            lines(&finding, Style::for_results(Color::Never)),
            format!(
                "error   site         the site has to provide\n{indent}  Secret x\n{indent}hint: create it"
            )
        );
    }
}
