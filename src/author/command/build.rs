//! `a4co build`

use std::{path::PathBuf, process::ExitCode};

use serde::Serialize;

use crate::{
    arguments::Format, failure::Failure, keys::KeyArguments, output, workspace::Workspace,
};

/// Write the bundles of all environments, or of one
///
/// Without a key they are unsigned, and nobody applies them; `a4co sign` signs them later.
#[derive(Debug, clap::Args)]
pub(crate) struct BuildArguments {
    /// Environment to build [default: all]
    environment: Option<String>,
    /// Folder to write to [default: `bundles` beside `envs`]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Write the release ids too, for version control
    #[arg(long)]
    write_ids: bool,
    #[command(flatten)]
    keys: KeyArguments,
}

/// The result as JSON.
#[derive(Serialize)]
struct Builds {
    bundles: Vec<Built>,
}

/// A written bundle as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Built {
    environment: String,
    release: String,
    path: PathBuf,
    signatures: usize,
}

impl BuildArguments {
    pub(crate) fn run(self, workspace: &Workspace, format: Format) -> Result<ExitCode, Failure> {
        let keys = self.keys.read()?;
        let folder = self.out.unwrap_or_else(|| workspace.bundles());
        let mut built = Vec::new();
        for compiled in workspace.compile(self.environment.as_deref())? {
            let path = compiled.publish(&keys, &folder)?;
            if self.write_ids {
                compiled.write_id(&folder)?;
            }
            built.push(Built {
                environment: compiled.environment.clone(),
                release: compiled.release.id().to_string(),
                path,
                signatures: keys.len(),
            });
        }
        if keys.is_empty() {
            output::talk("no key, so nothing was signed");
        }
        match format {
            Format::Json => output::print_json("build", &Builds { bundles: built })?,
            Format::Text => {
                for Built { path, release, .. } in &built {
                    output::print(&format!("{}  {release}\n", path.display()))?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
