//! `images`: bring a bundle's images to where pods find them, with nothing left behind.

mod export;
mod join;
mod list;
mod nodes;
mod progress;
mod push;
mod serve;

use std::process::ExitCode;

use a4co_bundle::Bundle;
use a4co_registry::HeldImages;
use clap::{Args, Subcommand};

use super::{bundle_file::BundleFile, global::GlobalArgs, problem::Problem};

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
    Push(push::PushArgs),
    Export(export::ExportArgs),
    Serve(serve::ServeArgs),
    Join(join::JoinArgs),
}

impl ImagesArgs {
    pub(crate) fn name(&self) -> &'static str {
        match self.command {
            ImagesCommand::List(_) => "images list",
            ImagesCommand::Push(_) => "images push",
            ImagesCommand::Export(_) => "images export",
            ImagesCommand::Serve(_) => "images serve",
            ImagesCommand::Join(_) => "images join",
        }
    }

    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        match self.command {
            ImagesCommand::List(args) => args.run(global),
            ImagesCommand::Push(args) => args.run(global).await,
            ImagesCommand::Export(args) => args.run(global),
            ImagesCommand::Serve(args) => args.run(global).await,
            ImagesCommand::Join(args) => args.run(global),
        }
    }
}

/// Returns the images that a verified bundle holds.
fn held(bundle: &Bundle, file: BundleFile) -> Result<HeldImages<BundleFile>, Problem> {
    let stored = bundle.images().ok_or_else(none_held)?;
    Ok(HeldImages::new(&bundle.release().config().images, stored, file))
}

fn none_held() -> Problem {
    Problem::refused(
        "the bundle holds no images",
        "build it with them: `a4co build --thick`; `a4co-apply images list` shows what it has",
    )
}
