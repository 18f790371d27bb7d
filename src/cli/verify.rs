//! `verify BUNDLE`: check signatures and every byte, without any network.

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use serde::Serialize;

use super::{
    apply::title,
    bundle_file,
    global::{Format, GlobalArgs},
    output,
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
            })?;
        } else {
            let objects = release.objects().len();
            output::print(&format!("{}: OK", self.bundle.display()))?;
            output::print(&title(&bundle))?;
            output::print(&format!(
                "{objects} objects, {} images, {} bytes",
                images.len(),
                bundle.size()
            ))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
