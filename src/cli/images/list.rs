//! `images list BUNDLE`

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use a4co_bundle::{Bundle, Digest, Image, ImageSet, Platform, StoredImages};
use a4co_registry::human_bytes;
use clap::Args;
use serde::Serialize;

use crate::cli::{
    bundle_file,
    global::{Format, GlobalArgs},
    output,
    problem::Problem,
};

/// List the images of a release, and which of them the bundle holds
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// Bundle, or any volume of it
    bundle: PathBuf,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    schema: u32,
    command: &'static str,
    release: String,
    /// Whether the bundle holds images at all.
    thick: bool,
    /// Release whose bundle has what this one leaves out.
    base: Option<String>,
    images: Vec<ListedImage>,
    /// Number and bytes of all blobs of images in the bundle, each once.
    blobs: usize,
    bytes: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedImage {
    name: String,
    tag: String,
    digest: String,
    /// Digest of the manifest for each platform, as far as it is known.
    platforms: BTreeMap<String, String>,
    /// Platforms that the bundle holds.
    here: Vec<String>,
    /// Blobs that the bundle leaves out, because the base has them.
    absent: usize,
    /// Bytes of its blobs in the bundle, also of those that it shares with other images.
    bytes: u64,
}

impl ListArgs {
    pub(crate) fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let bundle = bundle_file::open(&self.bundle, global)?;
        let listed = list(&bundle);
        match global.output {
            Format::Json => output::print_json(&listed)?,
            Format::Text => {
                listed.images.iter().try_for_each(|image| output::print(&image.to_line()))?;
                output::print(&listed.sum())?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn list(bundle: &Bundle) -> Listed {
    let (release, stored) = (bundle.release(), bundle.images());
    let held = stored.map(StoredImages::held);
    Listed {
        schema: 1,
        command: "images list",
        release: release.id().to_string(),
        thick: bundle.is_thick(),
        base: held.as_ref().and_then(|held| held.base).map(|base| base.to_string()),
        images: release.config().images.iter().map(|image| list_image(image, stored)).collect(),
        blobs: held.as_ref().map_or(0, |held| held.blobs),
        bytes: held.as_ref().map_or(0, |held| held.bytes),
    }
}

fn list_image(image: &Image, stored: Option<&StoredImages>) -> ListedImage {
    let mut platforms: BTreeMap<_, _> =
        image.platforms.iter().map(|(it, digest)| (it.clone(), digest.to_string())).collect();
    let (mut here, mut absent, mut bytes) = (Vec::new(), 0, 0);
    if let Some(stored) = stored {
        let set = stored.set();
        platforms.extend(listed(set, image.digest).map(|(it, digest)| (it, digest.to_string())));
        for blob in [set.leaves_first(image.digest), set.bare_manifests(image.digest)].concat() {
            absent += usize::from(blob.is_absent);
            bytes += if blob.is_absent { 0 } else { blob.size };
        }
        here = platforms_here(set, image);
    }
    let Image { name, tag, digest, .. } = image;
    let (name, tag, digest) = (name.clone(), tag.clone(), digest.to_string());
    ListedImage { name, tag, digest, platforms, here, absent, bytes }
}

/// Returns platform and digest of what the index of an image lists.
fn listed(set: &ImageSet, root: Digest) -> impl Iterator<Item = (String, Digest)> {
    let manifests = set.index(root).unwrap_or_default().iter();
    manifests.filter_map(|it| Some((it.platform.as_ref()?.to_string(), it.digest)))
}

fn platforms_here(set: &ImageSet, image: &Image) -> Vec<String> {
    match set.index(image.digest) {
        Some(manifests) => {
            let here = manifests.iter().filter(|it| it.is_here);
            here.filter_map(|it| it.platform.as_ref()).map(Platform::to_string).collect()
        }
        // An image for one platform does not say which in its manifest.
        None => image.platforms.keys().cloned().collect(),
    }
}

impl ListedImage {
    fn to_line(&self) -> String {
        let Self { name, tag, digest, here, absent, bytes, .. } = self;
        let tag = if tag.is_empty() { String::new() } else { format!(":{tag}") };
        let what = match (here.is_empty() && *bytes == 0, absent) {
            (true, _) => String::new(),
            (false, 0) => format!("  {}  {}", human_bytes(*bytes), here.join(" ")),
            (false, absent) => format!(
                "  {}  {}, {} left out",
                human_bytes(*bytes),
                here.join(" "),
                output::count(*absent, "blob")
            ),
        };
        format!("{name}{tag}@{digest}{what}")
    }
}

impl Listed {
    fn sum(&self) -> String {
        let images = output::count(self.images.len(), "image");
        if !self.thick {
            return format!("{images}; the bundle holds none of them");
        }
        let base = match &self.base {
            Some(base) => format!(", without what the bundle of release {base} has"),
            None => String::new(),
        };
        let blobs = output::count(self.blobs, "blob");
        format!("{images}: {blobs}, {} in the bundle{base}", human_bytes(self.bytes))
    }
}
