//! `completions SHELL`: write a completion script.

use std::process::ExitCode;

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::{Cli, output, problem::Problem};

/// Write a completion script for a shell to standard output
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Shell to write for
    shell: Shell,
}

impl CompletionsArgs {
    pub(crate) fn run(self) -> Result<ExitCode, Problem> {
        // Straight to standard output, it panics when that is full.
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "a4co-apply", &mut script);
        output::print(String::from_utf8_lossy(&script).trim_end())?;
        Ok(ExitCode::SUCCESS)
    }
}
