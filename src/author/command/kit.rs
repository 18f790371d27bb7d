//! `a4co kit`

use std::{
    collections::{BTreeMap, BTreeSet},
    io::ErrorKind,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use a4co_bundle::{Bundle, Purpose, Role, StoredImages, VerifyingKey, VolumeError};
use a4co_compiler::{SigningKey, bundle_file_name};
use a4co_registry::human_bytes;
use fs_err as fs;
use serde::Serialize;

use crate::{
    arguments::Format,
    bundle_file,
    failure::Failure,
    keys::KeyArguments,
    kit::{Held, Readme, Sum, Sums, Tool},
    output,
    size::parse_volume_size,
    volumes::split,
};

/// The whole way to a site, for every kind of it.
const AIR_GAP: &str = include_str!("../../../docs/air-gap.md");
/// How long a program may take to verify a bundle of no size, and how many bytes a second it has to
/// do at least.
const DEADLINE: Duration = Duration::from_mins(1);
const LEAST_RATE: u64 = 10 << 20;

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
    /// Build of `a4co-apply` for a platform of the site; may be given several times. One that this
    /// machine can run has to verify the bundle
    #[arg(long = "tool", value_name = "PLATFORM=FILE", required = true)]
    tools: Vec<Tool>,
    /// Trust file of the site
    #[arg(long, value_name = "FILE")]
    trust: PathBuf,
    /// Put the bundle in as volumes of at most this size: 4.5G or 700M (powers of 1,024), or 700MB
    /// (of 1,000)
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
    app: String,
    version: String,
    environment: String,
    release: String,
    path: PathBuf,
    /// Platforms whose images are there, empty for all; nothing, if no images are.
    platforms: Option<Vec<String>>,
    /// Release whose bundle has what is left out.
    base: Option<String>,
    /// Fingerprints of the keys that signed the release.
    signers: Vec<String>,
    /// Fingerprints of the keys that may, and how many have to.
    trusted: Vec<String>,
    threshold: usize,
    files: Vec<String>,
    sizes: Vec<u64>,
}

impl KitArguments {
    pub(crate) fn run(self, format: Format) -> Result<ExitCode, Failure> {
        let keys = self.keys.read()?;
        if keys.is_empty() {
            return Err(Failure::NoKey);
        }
        Tool::check_different(&self.tools)?;
        self.tools.iter().try_for_each(Tool::check)?;
        let bundle = bundle_file::verify(&self.bundle, &self.trust)?;
        let path = fs::canonicalize(&self.bundle)?;
        let trust = fs::canonicalize(&self.trust)?;
        let deadline = DEADLINE + Duration::from_secs(bundle.size() / LEAST_RATE);
        self.tools.iter().try_for_each(|tool| tool.try_out(&path, &trust, deadline))?;
        if !bundle.is_thick() {
            output::talk("the bundle holds no images: the site must have them already");
        }
        let files = self.fill(&bundle, &path, &keys);
        let files = files.map_err(|error| full(error, &self.out, bundle.size()))?;
        let kit = Kit::new(&bundle, self.out, &files);
        match format {
            Format::Json => output::print_json("kit", &kit)?,
            Format::Text => output::print(&kit.to_text())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Writes everything, and returns what that is.
    fn fill(
        &self,
        bundle: &Bundle,
        path: &Path,
        keys: &[SigningKey],
    ) -> Result<BTreeMap<String, Sum>, Failure> {
        // Whatever it is called here, it cannot be taken for another file there.
        let contents = bundle.images().map(StoredImages::contents);
        let environment = &bundle.statement().environment;
        let name = bundle_file_name(environment, bundle.release().id(), contents);
        let mut sums = Sums::new(&self.out)?;
        let volumes: Vec<String> = match self.volume_size {
            None => {
                sums.copy(&name, path)?;
                Vec::new()
            }
            Some(size) => {
                let volumes = split(path, &name, size, sums.folder())?;
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
        sums.write("AIR-GAP.md", AIR_GAP.as_bytes())?;
        let signatures: Vec<_> =
            (0..keys.len()).map(|n| format!("SHA256SUMS-{n}.sshsig")).collect();
        let base = contents.and_then(|it| it.base).map(|base| base.to_string());
        let readme = Readme {
            title: &title(bundle),
            release: &bundle.release().id().to_string(),
            bundle: &name,
            volumes: &volumes,
            images: match (contents, &base) {
                (None, _) => Held::Nothing,
                (Some(_), None) => Held::All,
                (Some(_), Some(base)) => Held::Without(base),
            },
            tools: &tools,
            signatures: &signatures,
            keys: &fingerprints(&role.keys),
            threshold: role.threshold,
        };
        sums.write("README.txt", readme.to_text().as_bytes())?;
        let list = sums.to_text();
        sums.write("SHA256SUMS", list.as_bytes())?;
        for (key, name) in keys.iter().zip(&signatures) {
            let signature = key.sign(Purpose::Kit, list.as_bytes());
            sums.write(name, signature.to_armored().as_bytes())?;
        }
        Ok(sums.finish()?)
    }
}

/// Tells a full disk as such.
fn full(error: Failure, out: &Path, bundle: u64) -> Failure {
    let kind = match &error {
        Failure::Io(error) | Failure::Volume(VolumeError::Write { source: error, .. }) => {
            error.kind()
        }
        _ => return error,
    };
    if matches!(kind, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
        let (path, bundle) = (out.to_owned(), human_bytes(bundle));
        return Failure::KitDiskFull { path, bundle };
    }
    error
}

impl Kit {
    fn new(bundle: &Bundle, path: PathBuf, files: &BTreeMap<String, Sum>) -> Self {
        let statement = bundle.statement();
        let contents = bundle.images().map(StoredImages::contents);
        let role = &bundle.trust().file().roles.release;
        Self {
            app: statement.app.clone(),
            version: statement.version.to_string(),
            environment: statement.environment.clone(),
            release: bundle.release().id().to_string(),
            path,
            platforms: contents.map(|it| it.platforms.iter().map(ToString::to_string).collect()),
            base: contents.and_then(|it| it.base).map(|base| base.to_string()),
            signers: fingerprints(bundle.signers()),
            trusted: fingerprints(&role.keys),
            threshold: role.threshold,
            files: files.keys().cloned().collect(),
            sizes: files.values().map(|it| it.size).collect(),
        }
    }

    fn to_text(&self) -> String {
        let Self { app, version, environment, release, base, .. } = self;
        let images = match self.platforms.as_deref() {
            None => "none".to_owned(),
            Some([]) => "of all platforms".to_owned(),
            Some(some) => format!("of {}", some.join(", ")),
        };
        let base = base.as_ref().map(|base| format!(", without what the bundle of {base} has"));
        let path = self.path.display();
        let mut lines = vec![
            format!("{app} {version} for {environment}"),
            format!("release  {release}"),
            format!("images   {images}{}", base.unwrap_or_default()),
            format!("signed   by {}", self.signers.join(", ")),
            format!("kit      {path}, {}:", human_bytes(self.sizes.iter().sum())),
        ];
        for (name, size) in self.files.iter().zip(&self.sizes) {
            lines.push(format!("  {:>9}  {name}", human_bytes(*size)));
        }
        lines.push(String::new());
        lines.push(format!(
            "Tell the site by another way, such as by telephone, that releases are signed by {} of",
            self.threshold
        ));
        lines.extend(self.trusted.iter().map(|key| format!("  {key}")));
        lines.push(format!("Then copy {path} to the media; README.txt in it says what follows."));
        lines.join("\n") + "\n"
    }
}

fn fingerprints(keys: &BTreeSet<VerifyingKey>) -> Vec<String> {
    keys.iter().map(|key| key.fingerprint()).collect()
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
