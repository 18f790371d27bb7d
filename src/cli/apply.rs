//! `apply BUNDLE`: verify a bundle and bring the cluster to its release.

use std::{io, path::PathBuf, process::ExitCode};

use a4co_bundle::{Bundle, ObjectRef};
use a4co_cluster::{Adoption, Change, HelmRelease, Options, Recovered, Report};
use clap::Args;
use serde::Serialize;

use super::{
    bundle_file,
    global::{Format, GlobalArgs},
    interrupt::{self, Habit},
    output,
    patience::PatienceArgs,
    problem::Problem,
    progress::{Intent, Progress},
    report::Reporter,
    site::SiteArgs,
    supply::SupplyArgs,
};

/// Verify a bundle and bring the cluster to its release
///
/// What will be done is shown first: every step while there are few, else those that delete,
/// recreate or restart something. `plan` shows all of it without doing it.
#[derive(Debug, Args)]
pub(crate) struct ApplyArgs {
    /// Bundle to apply
    pub(crate) bundle: PathBuf,
    /// Take steps that cannot be taken back, such as making a volume larger
    #[arg(long)]
    pub(crate) accept_one_way: bool,
    /// Name every object and field that changes
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) supply: SupplyArgs,
    #[command(flatten)]
    pub(crate) patience: PatienceArgs,
}

impl ApplyArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        self.carry_out("apply", None, global).await
    }

    /// Applies the bundle, as `apply` or as `adopt`.
    pub(crate) async fn carry_out(
        self,
        command: &'static str,
        adoption: Option<Adoption>,
        global: &GlobalArgs,
    ) -> Result<ExitCode, Problem> {
        let bundle = bundle_file::open(&self.bundle, global)?;
        let overlay = self.site.choice(&bundle)?;
        let progress = Progress::new(Intent::Change, global.color).verbose(self.verbose);
        output::talk(&title(&bundle));
        let client = global.client().await?;
        self.supply.require(&client, &bundle, &overlay).await?;
        let interrupt = interrupt::listen(Reporter::new(command, global), Habit::GoBack)?;
        let accepts_one_way = self.accept_one_way;
        let options = Options { adoption, accepts_one_way, overlay, ..self.patience.options() };
        let report = a4co_cluster::apply(&client, &bundle, &options, &progress, interrupt).await?;
        drop(progress);
        show(&report, command, &bundle.release().config().notes, global.output);
        Ok(ExitCode::SUCCESS)
    }
}

/// One line that says what a bundle is and who signed it.
pub(crate) fn title(bundle: &Bundle) -> String {
    let statement = bundle.statement();
    let signers: Vec<_> = bundle.signers().iter().map(|key| key.fingerprint()).collect();
    format!(
        "{}/{} {}, release {}, signed by {}",
        statement.app,
        statement.environment,
        statement.version,
        statement.release.short(),
        signers.join(", ")
    )
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    schema: u32,
    command: &'a str,
    release: String,
    overlay: Option<String>,
    before: Option<String>,
    before_overlay: Option<String>,
    undone: bool,
    changed: bool,
    created: usize,
    updated: usize,
    recreated: usize,
    adopted: usize,
    restored: usize,
    pruned: usize,
    unchanged: usize,
    unfinished: Option<&'a str>,
    leftover: &'a [ObjectRef],
    recovered: &'static str,
    notes: &'a [String],
    helm_releases: Vec<ShownHelmRelease>,
}

#[derive(Serialize)]
struct ShownHelmRelease {
    namespace: String,
    name: String,
    forget: String,
}

/// Shows what a command did.
pub(crate) fn show(report: &Report, command: &str, notes: &[String], form: Format) {
    if let Some(why) = &report.unfinished {
        output::talk(&format!(
            "warning: the release is committed, but not everything old is deleted: {why}\n\
             the next command finishes that, or `a4co-apply recover`"
        ));
    }
    if !report.leftover.is_empty() {
        let objects = output::list(&report.leftover);
        output::talk(&format!(
            "warning: the release is committed, but this could not be deleted:{objects}\n\
             later commands try again"
        ));
    }
    output::warn_unprinted(match form {
        Format::Json => print_json(report, command, notes),
        Format::Text => print_text(report, notes),
    });
}

fn print_json(report: &Report, command: &str, notes: &[String]) -> io::Result<()> {
    let Report { release, before, recovered, undone, plan, unfinished, leftover } = report;
    output::print_json(&Shown {
        schema: 1,
        command,
        release: release.release.to_string(),
        overlay: release.overlay.map(|overlay| overlay.to_string()),
        before: before.map(|before| before.release.to_string()),
        before_overlay: before.and_then(|before| before.overlay).map(|overlay| overlay.to_string()),
        undone: *undone,
        changed: !plan.is_empty() || *before != Some(*release) || *recovered != Recovered::Nothing,
        created: plan.count(|change| matches!(change, Change::Create | Change::Made)),
        updated: plan.count(|change| matches!(change, Change::Update(_))),
        recreated: plan.count(|change| matches!(change, Change::Recreate(_))),
        adopted: plan.count(|change| matches!(change, Change::Adopt(_))),
        restored: plan.count(|change| *change == Change::Restore),
        pruned: plan.count(|change| *change == Change::Prune),
        unchanged: plan.count(|change| *change == Change::Keep),
        unfinished: unfinished.as_deref(),
        leftover,
        recovered: recovered.name(),
        notes,
        helm_releases: plan.helm_releases().into_iter().map(show_helm_release).collect(),
    })
}

fn print_text(report: &Report, notes: &[String]) -> io::Result<()> {
    output::print(&sentence(report))?;
    let forgetting = forgetting(report);
    if !forgetting.is_empty() {
        output::print(&forgetting)?;
    }
    notes.iter().try_for_each(|note| output::print(note))
}

fn show_helm_release(release: HelmRelease) -> ShownHelmRelease {
    let forget = release.forget_command();
    ShownHelmRelease { namespace: release.namespace, name: release.name, forget }
}

/// Says how Helm learns that it does not own objects any more.
fn forgetting(report: &Report) -> String {
    let releases = report.plan.helm_releases();
    if releases.is_empty() {
        return String::new();
    }
    let commands: Vec<_> = releases.iter().map(HelmRelease::forget_command).collect();
    format!(
        "Helm does not know yet that it does not own these objects any more. Make it forget its \
         record of them, which deletes nothing else:{}\n\
         Do not use `helm uninstall`: it would delete the objects.",
        output::list(&commands)
    )
}

fn sentence(report: &Report) -> String {
    let release = report.release.short();
    match report.before {
        Some(before) if before == report.release && report.plan.is_empty() => {
            match report.recovered {
                Recovered::Nothing => {
                    format!("the cluster has release {release} already; nothing to do")
                }
                Recovered::Undone(_) => format!(
                    "the cluster has release {release} again: what an earlier command began is undone"
                ),
                Recovered::Finished(_) | Recovered::Deleted(_) => format!(
                    "the cluster has release {release}: what an earlier command began is finished"
                ),
            }
        }
        Some(before) if before == report.release => format!("release {release} is restored"),
        Some(before) => format!("release {release} is applied; before it was {}", before.short()),
        None => format!("release {release} is applied; it is the first one"),
    }
}
