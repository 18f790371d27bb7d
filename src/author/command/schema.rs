//! `a4co schema`

use std::process::ExitCode;

use a4co_compiler::environment_schema;

use crate::{failure::Failure, output};

/// Print the JSON Schema of environment files, for editors
///
/// With Taplo (Even Better TOML), the first line `#:schema PATH` of an environment file names it.
#[derive(Debug, clap::Args)]
pub(crate) struct SchemaArguments {}

impl SchemaArguments {
    pub(crate) fn run(self) -> Result<ExitCode, Failure> {
        output::print(&format!("{:#}\n", environment_schema()))?;
        Ok(ExitCode::SUCCESS)
    }
}
