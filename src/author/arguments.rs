//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, Subcommand, ValueEnum};

use crate::{command, failure::Failure, workspace::Workspace};

/// Compile, check, sign and show Kubernetes releases
#[derive(Debug, Parser)]
#[command(name = "a4co", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    /// Folder that has `envs/` and `lockfiles/` [default: the nearest one up from here]
    #[arg(long, global = true, value_name = "DIR")]
    root: Option<PathBuf>,
    /// How results are printed
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    refused or failed; nothing was written, or only what the message says
  2    wrong usage
  5    lock --check, diff --exit-code: there are changes
  130  interrupted; what was fetched is kept";

/// Exit code for "there are changes", as `a4co-apply` has it.
pub(crate) const CHANGES: u8 = 5;

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(command::check::CheckArguments),
    Lock(command::lock::LockArguments),
    Build(command::build::BuildArguments),
    Show(command::show::ShowArguments),
    Diff(command::diff::DiffArguments),
    /// Print the JSON Schema of environment files, for editors
    ///
    /// With Taplo (Even Better TOML), the first line `#:schema PATH` of an environment file names it.
    Schema,
    Keygen(command::keygen::KeygenArguments),
    Sign(command::sign::SignArguments),
    Kit(command::kit::KitArguments),
    Completions(command::completions::CompletionsArguments),
}

impl Arguments {
    /// Returns the name of the command, as documents have it.
    pub(crate) fn command_name(&self) -> &'static str {
        match self.command {
            Command::Check(_) => "check",
            Command::Lock(_) => "lock",
            Command::Build(_) => "build",
            Command::Show(_) => "show",
            Command::Diff(_) => "diff",
            Command::Schema => "schema",
            Command::Keygen(_) => "keygen",
            Command::Sign(_) => "sign",
            Command::Kit(_) => "kit",
            Command::Completions(_) => "completions",
        }
    }

    pub(crate) fn format(&self) -> Format {
        self.output
    }

    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let workspace = || Workspace::find(self.root.as_deref());
        match self.command {
            Command::Check(arguments) => arguments.run(&workspace()?, self.output),
            Command::Lock(arguments) => arguments.run(&workspace()?, self.output),
            Command::Build(arguments) => arguments.run(&workspace()?, self.output),
            Command::Show(arguments) => arguments.run(self.output),
            Command::Diff(arguments) => arguments.run(self.output),
            Command::Schema => command::schema::run(),
            Command::Keygen(arguments) => arguments.run(self.output),
            Command::Sign(arguments) => arguments.run(),
            Command::Kit(arguments) => arguments.run(self.output),
            Command::Completions(arguments) => arguments.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }
}
