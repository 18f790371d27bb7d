//! `a4co build`

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use a4co_bundle::{
    BundleError, Contents, ImageError, ImageSet, Platform, UntrustedBundle, VerifyingKey,
};
use a4co_compiler::{Attested, Compiled, PublishError};
use a4co_registry::{Cache, human_bytes};
use fs_err as fs;
use serde::Serialize;

use crate::{
    arguments::Format,
    bundle_file,
    failure::Failure,
    fetch::{self, CacheArguments},
    keys::KeyArguments,
    output,
    progress::Progress,
    registries::{Registries, RegistryArguments, block_on},
    size::parse_volume_size,
    volumes::split,
    workspace::Workspace,
};

/// Write the bundles of all environments, or of one
///
/// Without a key they are unsigned, and nobody applies them; `a4co sign` signs them later. Signatures
/// that files of the same release have stay. Nothing is asked of any registry, but with `--thick`.
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
    #[command(flatten)]
    images: ImageArguments,
    #[command(flatten)]
    cache: CacheArguments,
    #[command(flatten)]
    registries: RegistryArguments,
}

/// Which images go along
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Images")]
struct ImageArguments {
    /// Put the images into the bundles, for sites without a network
    #[arg(long)]
    thick: bool,
    /// Only these platforms of each image, such as linux/amd64; may be given several times
    /// [default: all]
    #[arg(long = "platform", value_name = "OS/ARCH", requires = "thick")]
    platforms: Vec<Platform>,
    /// Leave out what this bundle already has; its site needs no more to have the whole
    #[arg(long, value_name = "BUNDLE", requires_all = ["thick", "environment"])]
    since: Option<PathBuf>,
    /// Split the bundle into volumes of at most this size: 4.5G or 700M (powers of 1,024), or 700MB
    /// (of 1,000)
    #[arg(long, value_name = "SIZE", requires = "thick", value_parser = parse_volume_size)]
    volume_size: Option<u64>,
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
    /// Bytes of the thin bundle.
    size: u64,
    /// How many signatures the bundle has.
    signatures: usize,
    /// Fingerprints of the keys whose signatures were there.
    kept_signers: Vec<String>,
    /// Fingerprints of the keys that were given.
    new_signers: Vec<String>,
    /// The bundle with its images; in volumes, if it was split.
    thick: Vec<PathBuf>,
    images: Option<BuiltImages>,
}

/// What of the images is in a thick bundle, as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BuiltImages {
    /// Bytes of the file, or of all volumes.
    size: u64,
    /// Empty for all.
    platforms: Vec<String>,
    blobs: usize,
    blob_bytes: u64,
    /// Release whose bundle has what is left out.
    base: Option<String>,
    absent_blobs: usize,
    absent_bytes: u64,
}

/// What thick bundles are made with.
struct Images {
    platforms: Vec<Platform>,
    base: Option<UntrustedBundle>,
    cache: Cache,
    registries: Registries,
    progress: Arc<Progress>,
}

/// The images of a release, fetched.
struct Fetched {
    contents: Contents,
    set: ImageSet,
}

/// A release to be written, and who has signed it.
struct Draft {
    compiled: Compiled,
    attested: Attested,
}

impl BuildArguments {
    pub(crate) fn run(self, workspace: &Workspace, format: Format) -> Result<ExitCode, Failure> {
        let keys = self.keys.read()?;
        let folder = self.out.clone().unwrap_or_else(|| workspace.bundles());
        let mut drafts = Vec::new();
        for compiled in workspace.compile(self.environment.as_deref())? {
            let attested = compiled.attest(&keys, &folder)?;
            drafts.push(Draft { compiled, attested });
        }
        let result = self.build(&drafts, &folder);
        if result.is_err() && self.images.thick {
            drafts.iter().try_for_each(|draft| remove_stale_link(draft, &folder))?;
        }
        let built = result?;
        match format {
            Format::Json => output::print_json("build", &Builds { bundles: built })?,
            Format::Text => built.iter().try_for_each(|it| output::print(&it.to_text()))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Fetches all that is needed, and then writes.
    fn build(&self, drafts: &[Draft], folder: &Path) -> Result<Vec<Built>, Failure> {
        let images = self.images(drafts)?;
        let fetched = match &images {
            Some(images) => images.fetch(drafts)?.into_iter().map(Some).collect(),
            None => drafts.iter().map(|_| None).collect::<Vec<_>>(),
        };
        let mut all = Vec::new();
        for (draft, fetched) in drafts.iter().zip(fetched) {
            let Draft { compiled, attested } = draft;
            let path = compiled.write(&attested.attestation, folder)?;
            if self.write_ids {
                compiled.write_id(folder)?;
            }
            let mut built = Built::new(draft, &path)?;
            if let (Some(images), Some(fetched)) = (&images, fetched) {
                let thick = images.write(draft, &fetched, folder)?;
                self.link_or_split(draft, &thick, &fetched, folder, &mut built)?;
            }
            compiled.link(folder, &path)?;
            remove_stale_link(draft, folder)?;
            tell_signers(draft);
            all.push(built);
        }
        Ok(all)
    }

    /// Points the link at the thick bundle, or makes volumes of it.
    fn link_or_split(
        &self,
        Draft { compiled, .. }: &Draft,
        path: &Path,
        fetched: &Fetched,
        folder: &Path,
        built: &mut Built,
    ) -> Result<(), Failure> {
        if let Some(size) = self.images.volume_size {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            built.thick = split(path, &name, size, folder)?;
            fs::remove_file(path)?;
        } else {
            if fetched.contents.base.is_none() {
                compiled.link_thick(folder, path)?;
            }
            built.thick = vec![path.to_owned()];
        }
        let sizes = built.thick.iter().map(|path| Ok(fs::metadata(path)?.len()));
        let size = sizes.sum::<Result<u64, Failure>>()?;
        built.images = Some(BuiltImages::new(size, fetched));
        Ok(())
    }

    /// Returns what thick bundles are made with, if they are asked for. What cannot become one is
    /// refused here, before anything is fetched.
    fn images(&self, drafts: &[Draft]) -> Result<Option<Images>, Failure> {
        let ImageArguments { thick, platforms, since, volume_size } = &self.images;
        if !thick {
            return Ok(None);
        }
        let unsigned = drafts.iter().filter(|it| it.attested.attestation.signatures.is_empty());
        let environments: Vec<_> = unsigned.map(|it| it.compiled.environment.clone()).collect();
        if volume_size.is_some() && !environments.is_empty() {
            return Err(Failure::UnsignedVolumes { environments });
        }
        let base = since.as_deref().map(|path| base(path, drafts)).transpose()?;
        let progress = Arc::new(Progress::new());
        let registries = self.registries.connect(&progress)?;
        let (platforms, cache) = (platforms.clone(), self.cache.open()?);
        Ok(Some(Images { platforms, base, cache, registries, progress }))
    }
}

/// Reads a bundle that has what others leave out.
fn base(path: &Path, drafts: &[Draft]) -> Result<UntrustedBundle, Failure> {
    let base = bundle_file::inspect(path)?;
    let path = path.to_owned();
    match &base.images {
        None => Err(Failure::NoImages { path }),
        Some(held) if held.contents().base.is_some() => Err(Failure::DeltaBase { path }),
        Some(_) if drafts.iter().any(|it| it.compiled.release.id() == base.release.id()) => {
            Err(Failure::SameRelease { path })
        }
        Some(_) => Ok(base),
    }
}

impl Images {
    /// Fetches the images of all releases. What a registry does not have is found in small
    /// documents, before anything large comes.
    fn fetch(&self, drafts: &[Draft]) -> Result<Vec<Fetched>, Failure> {
        let Self { registries, cache, platforms, progress, .. } = self;
        block_on(async {
            let mut missing = Vec::new();
            for Draft { compiled, .. } in drafts {
                let (name, images) = (&compiled.environment, &compiled.release.config().images);
                let found =
                    fetch::missing_platforms(registries, cache, name, images, platforms).await?;
                missing.extend(found);
            }
            if !missing.is_empty() {
                return Err(Failure::MissingPlatforms(missing));
            }
            let mut all = Vec::new();
            for draft in drafts {
                let images = &draft.compiled.release.config().images;
                let (set, full) = fetch::documents(registries, cache, images, platforms).await?;
                all.push(Fetched { contents: self.contents(full, &set), set });
            }
            for (Draft { compiled, .. }, Fetched { contents, set }) in drafts.iter().zip(&all) {
                let images = &compiled.release.config().images;
                let pulled = fetch::content(registries, cache, images, set, contents).await?;
                progress.end();
                output::talk(&format!(
                    "{}: {} blobs fetched, {}; {} were in the cache",
                    compiled.environment,
                    pulled.pulled,
                    human_bytes(pulled.bytes),
                    pulled.present
                ));
            }
            Ok(all)
        })
    }

    /// Returns what of `set` is to be in the bundle.
    fn contents(&self, full: Contents, set: &ImageSet) -> Contents {
        match &self.base {
            Some(UntrustedBundle { release, images: Some(held), .. }) => {
                Contents::delta(full.platforms, set, release.id(), held)
            }
            _ => full,
        }
    }

    /// Writes the thick bundle. A cache that turns out to be damaged is mended once: what is wrong in
    /// it is fetched again.
    fn write(
        &self,
        Draft { compiled, attested }: &Draft,
        Fetched { contents, set }: &Fetched,
        folder: &Path,
    ) -> Result<PathBuf, Failure> {
        self.tell_absent(compiled, contents, set);
        let mut cache = self.cache.clone();
        let mut write =
            || compiled.write_thick(&attested.attestation, folder, contents, &mut cache);
        match write() {
            Err(error) if is_about_a_blob(&error) => {
                let count = fetch::remove_damaged(&self.cache, set)?;
                output::talk(&format!(
                    "{count} blobs were damaged in the cache, and are fetched again"
                ));
                let images = &compiled.release.config().images;
                block_on(async {
                    let Self { registries, cache, platforms, .. } = self;
                    fetch::documents(registries, cache, images, platforms).await?;
                    fetch::content(registries, cache, images, set, contents).await?;
                    self.progress.end();
                    Ok(())
                })?;
                Ok(write()?)
            }
            written => Ok(written?),
        }
    }

    /// Says what `--since` was good for.
    fn tell_absent(&self, compiled: &Compiled, contents: &Contents, set: &ImageSet) {
        let Some(base) = &self.base else {
            return;
        };
        let (name, base) = (&compiled.environment, base.release.id());
        let (count, bytes) = absent(contents, set);
        output::talk(&if count == 0 {
            format!(
                "warning: {name}: the bundle of {base} has none of these layers, so nothing is left \
                 out and `--since` makes no difference"
            )
        } else {
            let bytes = human_bytes(bytes);
            format!("{name}: leaves out {count} blobs, {bytes}, that the bundle of {base} has")
        });
    }
}

/// Returns number and bytes of the blobs that `contents` leave out.
fn absent(contents: &Contents, set: &ImageSet) -> (usize, u64) {
    let blobs = contents.absent.iter().filter_map(|digest| set.blob(*digest));
    blobs.fold((0, 0), |(count, bytes), blob| (count + 1, bytes + blob.size))
}

/// Returns whether a blob in the cache is to blame.
fn is_about_a_blob(error: &PublishError) -> bool {
    let PublishError::Bundle { source: BundleError::Image(error), .. } = error else {
        return false;
    };
    matches!(error, ImageError::OtherBytes { .. } | ImageError::Source { .. })
}

/// Removes a link that would lead to another release than the one just built.
fn remove_stale_link(draft: &Draft, folder: &Path) -> Result<(), Failure> {
    if let Some(link) = draft.compiled.remove_stale_link(folder)? {
        let (link, id) = (link.display(), draft.compiled.release.id());
        output::talk(&format!("{link} led to no bundle of {id}, and is removed"));
    }
    Ok(())
}

/// Says who vouches for a bundle.
fn tell_signers(Draft { compiled, attested }: &Draft) {
    let Attested { attestation, kept, outdated, .. } = attested;
    let name = &compiled.environment;
    if !outdated.is_empty() {
        output::talk(&format!(
            "{name}: signatures over other sources do not hold for these: {}",
            list(outdated)
        ));
    }
    match kept.len() {
        0 if attestation.signatures.is_empty() => {
            output::talk(&format!("{name}: unsigned: nobody applies it"));
        }
        0 => {}
        1 => output::talk(&format!("{name}: 1 signature kept: {}", list(kept))),
        many => output::talk(&format!("{name}: {many} signatures kept: {}", list(kept))),
    }
}

fn fingerprints(keys: &BTreeSet<VerifyingKey>) -> Vec<String> {
    keys.iter().map(|key| key.fingerprint()).collect()
}

fn list(keys: &BTreeSet<VerifyingKey>) -> String {
    fingerprints(keys).join(", ")
}

impl BuiltImages {
    fn new(size: u64, Fetched { contents, set }: &Fetched) -> Self {
        let (absent_blobs, absent_bytes) = absent(contents, set);
        let bytes: u64 = set.blobs().iter().map(|blob| blob.size).sum();
        Self {
            size,
            platforms: contents.platforms.iter().map(ToString::to_string).collect(),
            blobs: set.blobs().len() - absent_blobs,
            blob_bytes: bytes - absent_bytes,
            base: contents.base.map(|base| base.to_string()),
            absent_blobs,
            absent_bytes,
        }
    }
}

impl Built {
    fn new(Draft { compiled, attested }: &Draft, path: &Path) -> Result<Self, Failure> {
        Ok(Self {
            environment: compiled.environment.clone(),
            release: compiled.release.id().to_string(),
            path: path.to_owned(),
            size: fs::metadata(path)?.len(),
            signatures: attested.attestation.signatures.len(),
            kept_signers: fingerprints(&attested.kept),
            new_signers: fingerprints(&attested.signing),
            thick: Vec::new(),
            images: None,
        })
    }

    fn to_text(&self) -> String {
        let paths = [&self.path].into_iter().chain(&self.thick);
        let lines: Vec<_> =
            paths.map(|path| format!("{}  {}\n", path.display(), self.release)).collect();
        lines.concat()
    }
}
