//! `verify BUNDLE`: check signatures and every byte, without any network.

use std::{path::PathBuf, process::ExitCode};

use a4co_bundle::{Held, StoredImages};
use a4co_registry::human_bytes;
use clap::Args;
use serde::Serialize;

use super::{
    apply::title,
    bundle_file,
    global::{Format, GlobalArgs},
    held, output,
    problem::Problem,
};

/// Check a bundle's signatures and every byte of it, without any network
#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// Bundle to verify
    bundle: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Verified {
    schema: u32,
    command: &'static str,
    release: String,
    app: String,
    environment: String,
    version: String,
    signers: Vec<String>,
    trust: u64,
    objects: usize,
    images: Vec<String>,
    bytes: u64,
    held: Option<Held>,
}

impl VerifyArgs {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let bundle = bundle_file::open(&self.bundle, global)?;
        let (statement, release) = (bundle.statement(), bundle.release());
        let images = &release.config().images;
        if global.output == Format::Json {
            output::print_json(&Verified {
                schema: 1,
                command: "verify",
                release: release.id().to_string(),
                app: statement.app.clone(),
                environment: statement.environment.clone(),
                version: statement.version.to_string(),
                signers: bundle.signers().iter().map(|key| key.fingerprint()).collect(),
                trust: bundle.trust().file().version,
                objects: release.objects().len(),
                images: images.iter().map(a4co_bundle::Image::reference).collect(),
                bytes: bundle.size(),
                held: bundle.images().map(StoredImages::held),
            })?;
        } else {
            let objects = output::count(release.objects().len(), "object");
            let images = output::count(images.len(), "image");
            output::print(&format!("{}: OK", self.bundle.display()))?;
            output::print(&title(&bundle))?;
            output::print(&format!("{objects}, {images}, {}", human_bytes(bundle.size())))?;
            if !release.config().images.is_empty() {
                output::print(&held::describe(&bundle))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
