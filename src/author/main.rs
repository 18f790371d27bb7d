//! `a4co`, the release engineer's tool: from environments to signed bundles, without a cluster.

mod arguments;
mod bundle_file;
mod command;
mod failure;
mod fetch;
mod keys;
mod kit;
mod output;
mod progress;
mod registries;
mod relock;
mod size;
mod volumes;
mod workspace;

use std::process::ExitCode;

use clap::Parser as _;

use crate::arguments::Arguments;

fn main() -> ExitCode {
    match Arguments::parse().run() {
        Ok(code) => code,
        Err(failure) => {
            output::talk(failure.report().trim_end());
            ExitCode::from(1)
        }
    }
}
