//! `a4co schema`

use std::process::ExitCode;

use a4co_compiler::environment_schema;

use crate::{failure::Failure, output};

pub(crate) fn run() -> Result<ExitCode, Failure> {
    output::print(&format!("{:#}\n", environment_schema()))?;
    Ok(ExitCode::SUCCESS)
}
