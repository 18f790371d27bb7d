//! `a4co kit`

use std::{path::PathBuf, process::ExitCode};

use a4co_bundle::{Bundle, Purpose, Role, VerifyingKey};
use fs_err as fs;
use serde::Serialize;

use crate::{
    arguments::Format,
    bundle_file,
    failure::Failure,
    keys::KeyArguments,
    kit::{Readme, Sums, Tool},
    output,
    size::parse_volume_size,
    volumes::split,
};

/// Who signs releases, in the file that `ssh-keygen` reads.
const PRINCIPAL: &str = "release";

/// Put all that a site without a network needs into one folder
///
/// The bundle, `a4co-apply` for the site's platforms, who may sign, and instructions that need
/// nothing but tar, sha256sum and ssh-keygen; all of it listed and signed.
#[derive(Debug, clap::Args)]
pub(crate) struct KitArguments {
    /// Signed bundle, with its images (`a4co build --thick`)
    bundle: PathBuf,
    /// Build of `a4co-apply` for a platform of the site; may be given several times
    #[arg(long = "tool", value_name = "PLATFORM=FILE", required = true)]
    tools: Vec<Tool>,
    /// Trust file of the site
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// Put the bundle in as volumes of at most this size, such as 4G
    #[arg(long, value_name = "SIZE", value_parser = parse_volume_size)]
    volume_size: Option<u64>,
    /// Folder to fill; new or empty
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    keys: KeyArguments,
}

/// The result as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Kit {
    release: String,
    path: PathBuf,
    files: Vec<String>,
}

impl KitArguments {
    pub(crate) fn run(self, format: Format) -> Result<ExitCode, Failure> {
        let keys = self.keys.read()?;
        if keys.is_empty() {
            return Err(Failure::NoKey);
        }
        self.tools.iter().try_for_each(Tool::check)?;
        let bundle = bundle_file::verify(&self.bundle, &self.trust)?;
        if !bundle.is_thick() {
            output::talk("the bundle holds no images: the site must have them already");
        }
        let path = fs::canonicalize(&self.bundle)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();

        let mut sums = Sums::new(&self.out)?;
        let volumes: Vec<String> = match self.volume_size {
            None => {
                sums.copy(&name, &path)?;
                Vec::new()
            }
            Some(size) => {
                let volumes = split(&path, &name, size, &self.out)?;
                let names = volumes.iter().filter_map(|path| path.file_name());
                names.map(|name| name.to_string_lossy().into_owned()).collect()
            }
        };
        volumes.iter().try_for_each(|volume| sums.add(volume))?;
        let tools: Vec<_> = self.tools.iter().map(Tool::file_name).collect();
        for (tool, name) in self.tools.iter().zip(&tools) {
            sums.copy(name, tool.path())?;
        }
        sums.copy("trust.json", &self.trust)?;
        let role = &bundle.trust().file().roles.release;
        sums.write("allowed_signers", allowed_signers(role).as_bytes())?;
        let signatures: Vec<_> =
            (0..keys.len()).map(|n| format!("SHA256SUMS-{n}.sshsig")).collect();
        let fingerprints: Vec<_> = role.keys.iter().map(|key| key.fingerprint()).collect();
        let readme = Readme {
            title: &title(&bundle),
            release: &bundle.release().id().to_string(),
            bundle: &name,
            volumes: &volumes,
            tools: &tools,
            signatures: &signatures,
            keys: &fingerprints,
            threshold: role.threshold,
        };
        sums.write("README.txt", readme.to_text().as_bytes())?;
        let list = sums.to_text();
        fs::write(sums.path("SHA256SUMS"), &list)?;
        for (key, name) in keys.iter().zip(&signatures) {
            let signature = key.sign(Purpose::Kit, list.as_bytes());
            fs::write(sums.path(name), signature.to_armored())?;
        }
        match format {
            Format::Json => output::print_json(
                "kit",
                &Kit {
                    release: bundle.release().id().to_string(),
                    path: self.out,
                    files: sums.names().map(str::to_owned).collect(),
                },
            )?,
            Format::Text => output::print(&format!("{}\n", self.out.display()))?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn title(bundle: &Bundle) -> String {
    let statement = bundle.statement();
    format!("{} {} for {}", statement.app, statement.version, statement.environment)
}

/// Returns who may sign, as `ssh-keygen -Y verify` reads it (`ssh-keygen(1)`, ALLOWED SIGNERS).
fn allowed_signers(role: &Role) -> String {
    let namespaces = [Purpose::Release, Purpose::Kit].map(Purpose::namespace).join(",");
    let line = |key: &VerifyingKey| format!("{PRINCIPAL} namespaces=\"{namespaces}\" {key}\n");
    role.keys.iter().map(line).collect()
}
