//! The command line: the only code that prints, reads the environment and decides exit codes.

mod adopt;
mod apply;
mod bundle_file;
mod completions;
mod delete;
mod diff;
mod doctor;
mod gc;
mod global;
mod held;
mod history;
mod image_check;
mod image_source;
mod images;
mod interrupt;
mod logs;
mod output;
mod patience;
mod plan;
mod problem;
mod progress;
mod recover;
mod registries;
mod report;
mod rollback;
mod selection;
mod shared_file;
mod site;
mod status;
mod steps;
mod supply;
mod verify;

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand};

use self::{
    apply::ApplyArgs, global::GlobalArgs, patience::PatienceArgs, problem::Problem,
    report::Reporter, site::SiteArgs, supply::SupplyArgs,
};

/// Verify a signed release bundle and apply it to a Kubernetes cluster, all or nothing
///
/// After any failure or crash, the next run ends in exactly the old or exactly the new release.
#[derive(Debug, Parser)]
#[command(
    name = "a4co-apply",
    version,
    arg_required_else_help = true,
    override_usage = "a4co-apply [OPTIONS] BUNDLE\n       a4co-apply [OPTIONS] COMMAND",
    after_help = EXIT_CODES
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Bundle to apply; the same as `apply BUNDLE`
    bundle: Option<PathBuf>,
    #[command(flatten)]
    patience: PatienceArgs,
    #[command(flatten)]
    global: GlobalArgs,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    applied, or nothing to do
  1    refused; nothing was changed, or only what the message says
  2    wrong usage
  3    failed; the old release was restored
  4    stopped in the middle, or the old release is not well; a person has to look
  5    plan --exit-code, diff --exit-code: there are changes
  130  interrupted; the old release was restored, or nothing was changed";

#[derive(Debug, Subcommand)]
enum Command {
    Apply(ApplyArgs),
    Verify(verify::VerifyArgs),
    Plan(plan::PlanArgs),
    Adopt(adopt::AdoptArgs),
    Rollback(rollback::RollbackArgs),
    Recover(recover::RecoverArgs),
    History(history::HistoryArgs),
    Status(status::StatusArgs),
    Diff(diff::DiffArgs),
    Logs(logs::LogsArgs),
    Images(images::ImagesArgs),
    Doctor(doctor::DoctorArgs),
    Gc(gc::GcArgs),
    Delete(delete::DeleteArgs),
    Completions(completions::CompletionsArgs),
}

/// Runs the command line and returns the exit code.
pub(crate) fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut reporter = Reporter::new(None, &cli.global);
    let result = choose(cli.command, cli.bundle, cli.patience).and_then(|command| {
        reporter = Reporter::new(command.name(), &cli.global);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(command.run(&cli.global))
    });
    result.unwrap_or_else(|problem| reporter.report(&problem).into())
}

/// Finds out what is to be done. Options may stand before the command.
fn choose(
    command: Option<Command>,
    bundle: Option<PathBuf>,
    patience: PatienceArgs,
) -> Result<Command, Problem> {
    match (command, bundle) {
        (Some(command), None) => command.with(patience),
        (None, Some(bundle)) => {
            let (accept_one_way, verbose) = (false, false);
            let (site, supply) = (SiteArgs::default(), SupplyArgs::default());
            Ok(Command::Apply(ApplyArgs {
                bundle,
                accept_one_way,
                verbose,
                site,
                supply,
                patience,
            }))
        }
        (Some(command), Some(bundle)) => Err(Problem::usage(&format!(
            "`{}` is a bundle to apply and `{}` a command; give one of them",
            bundle.display(),
            command.name()
        ))),
        (None, None) => Err(Problem::usage("give a bundle or a command")),
    }
}

impl Command {
    fn name(&self) -> &'static str {
        match self {
            Self::Apply(_) => "apply",
            Self::Verify(_) => "verify",
            Self::Plan(_) => "plan",
            Self::Adopt(_) => "adopt",
            Self::Rollback(_) => "rollback",
            Self::Recover(_) => "recover",
            Self::History(_) => "history",
            Self::Status(_) => "status",
            Self::Diff(_) => "diff",
            Self::Logs(_) => "logs",
            Self::Images(args) => args.name(),
            Self::Doctor(_) => "doctor",
            Self::Gc(_) => "gc",
            Self::Delete(_) => "delete",
            Self::Completions(_) => "completions",
        }
    }

    /// Adds the patience that was given before the command.
    fn with(mut self, patience: PatienceArgs) -> Result<Self, Problem> {
        match (&mut self, patience.given()) {
            (Self::Apply(args), _) => args.patience = args.patience.or(patience),
            (Self::Adopt(args), _) => {
                args.apply.patience = args.apply.patience.or(patience);
            }
            (Self::Gc(args), _) => args.patience = args.patience.or(patience),
            (Self::Delete(args), _) => args.patience = args.patience.or(patience),
            (Self::Rollback(args), _) => args.patience = args.patience.or(patience),
            (Self::Recover(args), _) => args.patience = args.patience.or(patience),
            (_, None) => {}
            (command, Some(option)) => {
                return Err(Problem::usage(&format!("`{}` has no `{option}`", command.name())));
            }
        }
        Ok(self)
    }

    async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        match self {
            Self::Apply(args) => args.run(global).await,
            Self::Verify(args) => args.run(global),
            Self::Plan(args) => args.run(global).await,
            Self::Adopt(args) => args.run(global).await,
            Self::Rollback(args) => args.run(global).await,
            Self::Recover(args) => args.run(global).await,
            Self::History(args) => args.run(global).await,
            Self::Status(args) => args.run(global).await,
            Self::Diff(args) => args.run(global).await,
            Self::Logs(args) => args.run(global).await,
            Self::Images(args) => args.run(global).await,
            Self::Doctor(args) => args.run(global).await,
            Self::Gc(args) => args.run(global).await,
            Self::Delete(args) => args.run(global).await,
            Self::Completions(args) => args.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_of_the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// The command that `line` means, or why it means none.
    fn understand(line: &str) -> Result<Command, String> {
        let words = std::iter::once("a4co-apply").chain(line.split(' '));
        let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
        choose(cli.command, cli.bundle, cli.patience).map_err(|problem| problem.to_string())
    }

    #[test]
    fn options_may_stand_before_and_after_what_is_to_be_done() {
        for (line, expected) in [
            ("x.tar.gz", Ok("apply")),
            ("--trust t x.tar.gz", Ok("apply")),
            ("x.tar.gz --timeout 30s --trust t", Ok("apply")),
            ("apply x.tar.gz", Ok("apply")),
            ("apply status", Ok("apply")),
            ("./status", Ok("apply")),
            ("--timeout 30s apply x.tar.gz", Ok("apply")),
            ("--wait 1m rollback", Ok("rollback")),
            ("rollback 1a2b --wait 1m", Ok("rollback")),
            ("--kubeconfig k recover --timeout 1m", Ok("recover")),
            ("--kubeconfig k status", Ok("status")),
            ("status --kubeconfig k", Ok("status")),
            ("-o json history -n shop", Ok("history")),
            ("logs web --tail 5 -f", Ok("logs")),
            ("logs --previous --follow", Err("cannot be used with")),
            ("doctor", Ok("doctor")),
            ("doctor b --install-fence", Ok("doctor")),
            ("doctor b -n shop", Err("cannot be used with")),
            ("--timeout 30s doctor", Err("`doctor` has no `--timeout`")),
            ("--trust t verify b", Ok("verify")),
            ("--trust t --context c plan b", Ok("plan")),
            ("--color never completions bash", Ok("completions")),
            ("adopt b --from argocd --from flux", Ok("adopt")),
            ("--timeout 30s adopt b", Ok("adopt")),
            ("gc -n shop --keep 3", Ok("gc")),
            ("gc --keep 0", Err("0 is not in 1..")),
            ("delete -n shop --app shop --yes", Ok("delete")),
            ("diff a b --exit-code", Ok("diff")),
            ("--wait 1m diff a b", Err("`diff` has no `--wait`")),
            ("plan b --adopt --from argocd", Ok("plan")),
            ("plan b --from argocd", Err("--adopt")),
            ("apply b --site s.json", Ok("apply")),
            ("adopt b --registry r.site --registry ghcr.io=r.site/ghcr", Ok("adopt")),
            ("plan b --no-site", Ok("plan")),
            ("doctor b --registry r.site", Ok("doctor")),
            ("apply b --site s.json --no-site", Err("cannot be used with")),
            ("apply b --site s.json --registry r.site", Err("cannot be used with")),
            ("apply b --registry r.site --no-site", Err("cannot be used with")),
            ("apply b --images nodes", Ok("apply")),
            ("doctor b --images registry", Ok("doctor")),
            ("plan b --images somewhere", Err("invalid value")),
            ("rollback --no-site", Err("unexpected argument")),
            ("x.tar.gz status", Err("give one of them")),
            ("--trust t x.tar.gz verify b", Err("give one of them")),
            ("--timeout 30s status", Err("`status` has no `--timeout`")),
            ("--wait 30s verify b", Err("`verify` has no `--wait`")),
            ("--trust t", Err("give a bundle or a command")),
            ("x.tar.gz y.tar.gz", Err("unexpected argument 'y.tar.gz'")),
            ("verify", Err("not provided")),
        ] {
            match (understand(line), expected) {
                (Ok(command), Ok(expected)) => assert_eq!(command.name(), expected, "{line}"),
                (Err(error), Err(expected)) => assert!(error.contains(expected), "{line}: {error}"),
                (found, _) => panic!("`{line}` means {found:?}"),
            }
        }
    }

    #[test]
    fn patience_given_before_the_command_counts_unless_the_command_has_its_own() {
        for (line, seconds) in [
            ("apply b", 300),
            ("--timeout 10s b", 10),
            ("--timeout 10s apply b", 10),
            ("--timeout 10s apply b --timeout 20s", 20),
        ] {
            let Ok(Command::Apply(args)) = understand(line) else { panic!("{line}") };
            assert_eq!(args.patience.options().timeout.as_secs(), seconds, "{line}");
        }
    }
}
