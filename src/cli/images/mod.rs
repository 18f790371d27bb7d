//! `images`: bring a bundle's images to where pods find them, with nothing left behind.

mod join;
mod list;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{global::GlobalArgs, problem::Problem};

/// Bring the images of a bundle to where pods find them
///
/// A bundle has images if it was built with `a4co build --thick`. They keep name and digest
/// wherever they go, so no object has to be changed for them.
#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    #[command(subcommand)]
    command: ImagesCommand,
}

#[derive(Debug, Subcommand)]
enum ImagesCommand {
    List(list::ListArgs),
    Join(join::JoinArgs),
}

impl ImagesArgs {
    pub(crate) fn name(&self) -> &'static str {
        match self.command {
            ImagesCommand::List(_) => "images list",
            ImagesCommand::Join(_) => "images join",
        }
    }

    pub(crate) fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        match self.command {
            ImagesCommand::List(args) => args.run(global),
            ImagesCommand::Join(args) => args.run(global),
        }
    }
}
