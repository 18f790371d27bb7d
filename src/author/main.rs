//! `a4co`, the release engineer's tool: from environments to signed bundles, without a cluster.

mod arguments;
mod bundle_file;
mod command;
mod failure;
mod fetch;
mod interrupt;
mod keys;
mod kit;
mod output;
mod progress;
mod registries;
mod relock;
mod size;
mod update;
mod volumes;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::{Arguments, Format};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let (command, format) = (arguments.command_name(), arguments.format());
    match arguments.run() {
        Ok(code) => code,
        Err(failure) => {
            output::talk(failure.report().trim_end());
            if format == Format::Json {
                // When standard output is broken, standard error has it all already.
                let _ = output::print_failure(command, &failure);
            }
            ExitCode::from(failure.code())
        }
    }
}
