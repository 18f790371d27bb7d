//! `a4co build`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use a4co_bundle::{BundleError, Contents, Digest, ImageError, Platform, UntrustedBundle};
use a4co_compiler::{Compiled, PublishError, SigningKey};
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
    registries::{RegistryArguments, block_on},
    size::parse_size,
    volumes::split,
    workspace::Workspace,
};

/// Write the bundles of all environments, or of one
///
/// Without a key they are unsigned, and nobody applies them; `a4co sign` signs them later. Nothing
/// is asked of any registry, but with `--thick`.
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
    /// Split the bundle into volumes of at most this size, such as 4G
    #[arg(long, value_name = "SIZE", requires = "thick", value_parser = parse_size)]
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
    signatures: usize,
    /// The bundle with its images; in volumes, if it was split.
    thick: Vec<PathBuf>,
}

/// What a thick bundle is made with.
struct Images {
    platforms: Vec<Platform>,
    base: Option<UntrustedBundle>,
    cache: Cache,
}

impl BuildArguments {
    pub(crate) fn run(self, workspace: &Workspace, format: Format) -> Result<ExitCode, Failure> {
        let keys = self.keys.read()?;
        let folder = self.out.clone().unwrap_or_else(|| workspace.bundles());
        let images = self.images()?;
        let mut built = Vec::new();
        for compiled in workspace.compile(self.environment.as_deref())? {
            let path = compiled.publish(&keys, &folder)?;
            if self.write_ids {
                compiled.write_id(&folder)?;
            }
            let thick = match &images {
                Some(images) => self.thick(&compiled, images, &keys, &folder)?,
                None => Vec::new(),
            };
            built.push(Built {
                environment: compiled.environment.clone(),
                release: compiled.release.id().to_string(),
                path,
                signatures: keys.len(),
                thick,
            });
        }
        if keys.is_empty() {
            output::talk("no key, so nothing was signed");
        }
        match format {
            Format::Json => output::print_json("build", &Builds { bundles: built })?,
            Format::Text => built.iter().try_for_each(|it| output::print(&it.to_text()))?,
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Returns what thick bundles are made with, if they are asked for.
    fn images(&self) -> Result<Option<Images>, Failure> {
        let ImageArguments { thick, platforms, since, .. } = &self.images;
        if !thick {
            return Ok(None);
        }
        let base = since.as_deref().map(bundle_file::inspect).transpose()?;
        if let (Some(path), Some(UntrustedBundle { images: None, .. })) = (since, &base) {
            return Err(Failure::NoImages { path: path.clone() });
        }
        Ok(Some(Images { platforms: platforms.clone(), base, cache: self.cache.open()? }))
    }

    /// Fetches the images of `compiled` and writes the bundle that has them.
    fn thick(
        &self,
        compiled: &Compiled,
        images: &Images,
        keys: &[SigningKey],
        folder: &Path,
    ) -> Result<Vec<PathBuf>, Failure> {
        let pinned = &compiled.release.config().images;
        let progress = Arc::new(Progress::new());
        let registries = self.registries.connect(&progress)?;
        let contents = block_on(async {
            let full = Contents::full(images.platforms.clone());
            let set = fetch::documents(&registries, &images.cache, pinned, &full).await?;
            let contents = match &images.base {
                Some(UntrustedBundle { release, images: Some(held), .. }) => {
                    Contents::delta(images.platforms.clone(), &set, release.id(), held)
                }
                _ => full,
            };
            let cache = &images.cache;
            let pulled = fetch::content(&registries, cache, pinned, &set, &contents).await?;
            progress.end();
            output::talk(&format!(
                "{}: {} blobs fetched, {}; {} were in the cache",
                compiled.environment,
                pulled.pulled,
                human_bytes(pulled.bytes),
                pulled.present
            ));
            Ok(contents)
        })?;
        let mut cache = images.cache.clone();
        let path = compiled.publish_thick(keys, folder, &contents, &mut cache);
        let path = path.map_err(|error| distrust(&images.cache, error))?;
        match self.images.volume_size {
            Some(size) => {
                let volumes = split(&path, size, folder)?;
                fs::remove_file(&path)?;
                // The link to the newest leads nowhere now.
                fs::remove_file(compiled.thick_link(folder))?;
                Ok(volumes)
            }
            None => Ok(vec![path]),
        }
    }
}

/// Removes a blob from the cache that turned out to be damaged, so that the next build fetches it.
fn distrust(cache: &Cache, error: PublishError) -> Failure {
    if let Some(digest) = damaged(&error)
        && cache.remove(digest).is_ok()
    {
        return Failure::DamagedCache { digest, source: error };
    }
    error.into()
}

fn damaged(error: &PublishError) -> Option<Digest> {
    let PublishError::Bundle { source: BundleError::Image(error), .. } = error else {
        return None;
    };
    match error {
        ImageError::OtherBytes { digest, .. } | ImageError::Source { digest, .. } => Some(*digest),
        _ => None,
    }
}

impl Built {
    fn to_text(&self) -> String {
        let paths = [&self.path].into_iter().chain(&self.thick);
        let lines: Vec<_> =
            paths.map(|path| format!("{}  {}\n", path.display(), self.release)).collect();
        lines.concat()
    }
}
