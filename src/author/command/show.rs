//! `a4co show`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use a4co_bundle::{Attestation, Release, Statement, StoredImages};
use a4co_compiler::to_yaml;
use a4co_registry::human_bytes;
use serde::Serialize;
use serde_json::Value;

use crate::{arguments::Format, bundle_file, failure::Failure, output};

/// Show what is in a bundle
#[derive(Debug, clap::Args)]
pub(crate) struct ShowArguments {
    /// Bundle to show
    bundle: PathBuf,
    /// Show the objects whole, as YAML
    #[arg(long)]
    yaml: bool,
    /// Trust file that the bundle is verified with; without it nothing shown is proven
    #[arg(long, value_name = "FILE")]
    trust: Option<PathBuf>,
}

/// The result as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    /// Whether a trust file vouches for all of this.
    verified: bool,
    release: String,
    app: String,
    environment: String,
    version: String,
    namespace: String,
    signers: Vec<String>,
    images: Vec<String>,
    /// What of the images is in the file; nothing, if it is thin.
    held: Option<Held>,
    inputs: Vec<String>,
    objects: Vec<ShownObject>,
}

/// The blobs of images in a file.
#[derive(Serialize)]
struct Held {
    /// Platforms that are here; empty for all.
    platforms: Vec<String>,
    blobs: usize,
    bytes: u64,
    /// Release whose bundle has what is left out.
    base: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ShownObject {
    wave: u8,
    name: String,
    digest: String,
    manifest: Value,
}

impl ShowArguments {
    pub(crate) fn run(self, format: Format) -> Result<ExitCode, Failure> {
        let (shown, yaml) = match &self.trust {
            Some(trust) => self.verified(trust)?,
            None => self.unverified()?,
        };
        match (format, self.yaml) {
            (_, true) => output::print(&yaml)?,
            (Format::Json, false) => output::print_json("show", &shown)?,
            (Format::Text, false) => output::print(&shown.to_text())?,
        }
        Ok(ExitCode::SUCCESS)
    }

    fn verified(&self, trust: &Path) -> Result<(Shown, String), Failure> {
        let bundle = bundle_file::verify(&self.bundle, trust)?;
        let signers = bundle.signers().iter().map(|key| key.fingerprint());
        let mut shown = shown(bundle.release(), bundle.statement(), signers.collect(), true);
        shown.held = bundle.images().map(Held::of);
        Ok((shown, to_yaml(bundle.release().objects())))
    }

    fn unverified(&self) -> Result<(Shown, String), Failure> {
        let bundle = bundle_file::inspect(&self.bundle)?;
        output::talk("unverified: give `--trust FILE` to have signatures checked");
        let signers = claimed_signers(&bundle.attestation);
        let mut shown = shown(&bundle.release, &bundle.statement, signers, false);
        shown.held = bundle.images.as_ref().map(Held::of);
        Ok((shown, to_yaml(bundle.release.objects())))
    }
}

/// Returns the keys whose signatures hold; whether anybody should trust them is another question.
fn claimed_signers(attestation: &Attestation) -> Vec<String> {
    let signatures = attestation.signatures.iter();
    let keys = signatures.filter_map(|signature| signature.verify(&attestation.statement));
    keys.map(a4co_bundle::VerifyingKey::fingerprint).collect()
}

fn shown(release: &Release, statement: &Statement, signers: Vec<String>, verified: bool) -> Shown {
    let config = release.config();
    let images = config.images.iter();
    Shown {
        verified,
        release: release.id().to_string(),
        app: config.app.clone(),
        environment: config.environment.clone(),
        version: config.version.to_string(),
        namespace: config.namespace.clone(),
        signers,
        images: images.map(|i| format!("{}:{}@{}", i.name, i.tag, i.digest)).collect(),
        held: None,
        inputs: statement.inputs.iter().map(|i| format!("{} {}", i.digest, i.path)).collect(),
        objects: release
            .objects()
            .iter()
            .map(|object| ShownObject {
                wave: object.wave(),
                name: object.reference().to_string(),
                digest: object.digest().to_string(),
                manifest: object.manifest(),
            })
            .collect(),
    }
}

impl Held {
    fn of(images: &StoredImages) -> Self {
        let a4co_bundle::Held { platforms, blobs, bytes, base, .. } = images.held();
        let platforms = platforms.unwrap_or_default().iter().map(ToString::to_string).collect();
        Self { platforms, blobs, bytes, base: base.map(|base| base.to_string()) }
    }

    fn to_line(&self) -> String {
        let Self { platforms, blobs, bytes, base } = self;
        let platforms = match platforms.as_slice() {
            [] => "all platforms".to_owned(),
            some => some.join(", "),
        };
        let base = base.as_ref().map(|base| format!(", without what the bundle of {base} has"));
        let base = base.unwrap_or_default();
        format!("holds    {blobs} blobs of images, {}, for {platforms}{base}", human_bytes(*bytes))
    }
}

impl Shown {
    fn to_text(&self) -> String {
        let Self { app, version, environment, namespace, release, .. } = self;
        let state = if self.verified { "signed by" } else { "claims to be signed by" };
        let signers = if self.signers.is_empty() { "nobody" } else { &self.signers.join(", ") };
        let mut lines = vec![
            format!("{app} {version} for {environment}, in namespace {namespace}"),
            format!("release  {release}"),
            format!("{state} {signers}"),
        ];
        lines.extend(self.images.iter().map(|image| format!("image    {image}")));
        lines.extend(self.held.as_ref().map(Held::to_line));
        lines.extend(self.inputs.iter().map(|input| format!("input    {input}")));
        for object in &self.objects {
            lines.push(format!(
                "wave {}   {}  {}",
                object.wave,
                &object.digest[7..19],
                object.name
            ));
        }
        lines.join("\n") + "\n"
    }
}
