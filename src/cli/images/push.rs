//! `images push BUNDLE REGISTRY`

use std::{path::PathBuf, process::ExitCode, sync::Arc};

use a4co_registry::{
    Address, Client, Environment, HeldImages, ImagePush, NodeKind, Pushed, Settings, Tags,
    Transport, human_bytes,
};
use clap::Args;
use serde::Serialize;

use crate::cli::{
    bundle_file,
    global::{Format, GlobalArgs},
    images::{nodes, progress::Progress},
    output,
    problem::Problem,
};

/// Push the images of a bundle to a registry, under the same repositories and digests
///
/// Only what the registry lacks is sent, and what was interrupted goes on. No tag of the site is
/// moved; each image gets a tag `a4co-…`, by which registries keep what they would else clean up.
/// Credentials are those of `docker login` and `podman login`, also from credential helpers.
#[derive(Debug, Args)]
pub(crate) struct PushArgs {
    /// Bundle, or any volume of it
    bundle: PathBuf,
    /// Registry, and what to put before every repository: HOST[:PORT][/PREFIX]
    registry: String,
    /// Certificates of authorities to trust besides those of the machine, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Speak to the registry without encryption; only if it is on this machine
    #[arg(long)]
    insecure: bool,
    /// Give images the tags of the release too; that may move tags of the site
    #[arg(long)]
    tags: bool,
    /// How many blobs are sent at once
    #[arg(long, value_name = "N", default_value = "4", value_parser = clap::value_parser!(u8).range(1..=16))]
    jobs: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    schema: u32,
    command: &'static str,
    release: String,
    registry: String,
    images: Vec<String>,
    blobs: Blobs,
    manifests: usize,
    bytes: u64,
}

#[derive(Serialize)]
struct Blobs {
    sent: usize,
    present: usize,
    mounted: usize,
}

impl PushArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let site = self.site()?;
        let (bundle, file) = bundle_file::open_file(&self.bundle, global)?;
        let held = super::held(&bundle, file)?;
        let images = references(&held, &site)?;
        let progress = Arc::new(Progress::default());
        let client = self.client(&site, &progress)?;
        let tags = if self.tags { Tags::Release } else { Tags::None };
        let push = ImagePush::new(held, &site, tags).map_err(refuse)?;
        progress.expect(push.bytes());
        let pushed = push.run(&client, usize::from(self.jobs)).await.map_err(refuse)?;
        drop((push, client, progress));
        let release = bundle.release().id().to_string();
        match global.output {
            Format::Json => output::print_json(&document(release, &site, images, pushed))?,
            Format::Text => {
                images.iter().try_for_each(|image| output::print(image))?;
                output::print(&sum(images.len(), pushed))?;
            }
        }
        self.tell_nodes(&bundle, &site)?;
        Ok(ExitCode::SUCCESS)
    }

    fn site(&self) -> Result<Address, Problem> {
        let transport = if self.insecure { Transport::Plain } else { Transport::Encrypted };
        Address::of_site(&self.registry, transport)
            .map_err(|error| Problem::unfit(error, "name a registry such as registry.site:5000"))
    }

    fn client(&self, site: &Address, progress: &Arc<Progress>) -> Result<Client, Problem> {
        let insecure = if site.is_plain() { vec![host(site)?] } else { Vec::new() };
        let settings = Settings { ca: self.ca.clone(), insecure, ..Settings::default() };
        let hint = "see `a4co-apply images push --help`";
        let options = settings.to_options(Environment::read());
        let mut options = options.map_err(|error| Problem::unfit(error, hint))?;
        options.observer = Arc::<Progress>::clone(progress);
        Client::new(options).map_err(|error| Problem::unfit(error, hint))
    }

    /// Says how pods come to use the registry.
    fn tell_nodes(&self, bundle: &a4co_bundle::Bundle, site: &Address) -> Result<(), Problem> {
        let files = nodes::config(NodeKind::Containerd, bundle, site, None)?;
        let ca = match &self.ca {
            Some(ca) => format!(" --ca {}", ca.display()),
            None => String::new(),
        };
        output::talk(
            "nodes find the images there, under the names that pods use, with for example:",
        );
        for file in files.iter().take(1) {
            output::talk(&format!("\n# /etc/containerd/{}\n{}", file.path, file.text));
        }
        output::talk(&format!(
            "write all of it: a4co-apply images export {} --containerd --registry {site}{ca} --out DIR\n\
             (or --k3s, --rke2, --talos)",
            self.bundle.display()
        ));
        Ok(())
    }
}

fn host(site: &Address) -> Result<String, Problem> {
    let host = site.host().map_err(|error| Problem::unfit(error, "name another registry"))?;
    Ok(host.to_string())
}

/// Returns what each image is called at the registry.
fn references<R: a4co_registry::SharedFile>(
    held: &HeldImages<R>,
    site: &Address,
) -> Result<Vec<String>, Problem> {
    let reference = |image: &a4co_bundle::Image| {
        let repository = image.name.parse().and_then(|it| site.repository(&it));
        Ok(format!("{}@{}", repository?, image.digest))
    };
    let references = held.images().iter().map(reference).collect::<Result<_, _>>();
    references.map_err(|error: a4co_registry::ParseNameError| refuse(error.into()))
}

fn refuse(error: a4co_registry::ImagePushError) -> Problem {
    let hint = error.hint();
    Problem::images(error, hint)
}

fn document(release: String, site: &Address, images: Vec<String>, pushed: Pushed) -> Document {
    let Pushed { present, mounted, sent, bytes, manifests } = pushed;
    Document {
        schema: 1,
        command: "images push",
        release,
        registry: site.to_string(),
        images,
        blobs: Blobs { sent, present, mounted },
        manifests,
        bytes,
    }
}

fn sum(images: usize, pushed: Pushed) -> String {
    let Pushed { present, mounted, sent, bytes, .. } = pushed;
    let (images, blobs) = (output::count(images, "image"), output::count(sent, "blob"));
    let mounted = match mounted {
        0 => String::new(),
        mounted => format!(", {mounted} taken from another repository"),
    };
    format!("{images}: sent {blobs}, {}; {present} were there{mounted}", human_bytes(bytes))
}
