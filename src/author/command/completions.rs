//! `a4co completions`

use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::{arguments::Arguments, failure::Failure, output};

/// Print a script that completes `a4co` in a shell
#[derive(Debug, clap::Args)]
pub(crate) struct CompletionsArguments {
    /// Shell to complete in
    shell: Shell,
}

impl CompletionsArguments {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "a4co", &mut script);
        output::print(&String::from_utf8_lossy(&script))?;
        Ok(ExitCode::SUCCESS)
    }
}
