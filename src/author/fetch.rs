//! Fetches the images of a release into the cache.

use std::{
    collections::{BTreeMap, BTreeSet},
    env, fmt,
    io::{self, Read as _},
    path::PathBuf,
};

use a4co_bundle::{
    Contents, Digest, Digester, Image, ImageDocument, ImageError, ImageSet, ImageWalk, Platform,
    Step,
};
use a4co_registry::{Cache, PullBlob, Pulled, Repository};
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::{
    failure::Failure,
    registries::{Registries, repository_of},
};

/// Where blobs are kept between builds
#[derive(Debug, clap::Args)]
pub(crate) struct CacheArguments {
    /// Folder that keeps blobs of images; it may be deleted at any time
    /// [default: `a4co/images` in `XDG_CACHE_HOME` or `~/.cache`]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

impl CacheArguments {
    pub(crate) fn open(&self) -> Result<Cache, Failure> {
        let folder = self.cache.clone().or_else(default_folder).ok_or(Failure::NoCache)?;
        Ok(Cache::open(&folder)?)
    }
}

fn default_folder() -> Option<PathBuf> {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = set.or_else(|| Some(env::home_dir()?.join(".cache")))?;
    Some(cache.join("a4co").join("images"))
}

/// An image that is not there for all platforms that were asked for.
#[derive(Debug)]
pub(crate) struct MissingPlatform {
    environment: String,
    image: String,
    wanted: Vec<Platform>,
    has: Vec<Platform>,
}

impl fmt::Display for MissingPlatform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { environment, image, wanted, has } = self;
        let has = if has.is_empty() { "no platform".to_owned() } else { list(has) };
        write!(f, "{environment}: {image} is there for {has}, not for {}", list(wanted))
    }
}

fn list(platforms: &[Platform]) -> String {
    platforms.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Finds the images that are not there for all of `platforms`. Fetches no more than indexes,
/// manifests, and configs where nothing else tells.
pub(crate) async fn missing_platforms(
    registries: &Registries,
    cache: &Cache,
    environment: &str,
    images: &[Image],
    platforms: &[Platform],
) -> Result<Vec<MissingPlatform>, Failure> {
    if platforms.is_empty() {
        return Ok(Vec::new());
    }
    let roots = images.iter().map(|image| (image.digest, image.name.as_str())).collect();
    fetch_all(registries, cache, roots).await?;
    let mut missing = Vec::new();
    for image in images {
        let has = platforms_of(registries, cache, image).await?;
        let wanted: Vec<_> = platforms.iter().filter(|it| !has.contains(it)).cloned().collect();
        if !wanted.is_empty() {
            let (environment, has) = (environment.to_owned(), has.into_iter().collect());
            let image = format!("{}:{}", image.name, image.tag);
            missing.push(MissingPlatform { environment, image, wanted, has });
        }
    }
    Ok(missing)
}

/// Returns the platforms that an image is there for: those that its index lists; for an image
/// without an index, that of the lockfile, else that of its config.
async fn platforms_of(
    registries: &Registries,
    cache: &Cache,
    image: &Image,
) -> Result<BTreeSet<Platform>, Failure> {
    let bytes = document(registries, cache, &image.name, image.digest).await?;
    let refused = |source| {
        let (image, digest) = (image.reference(), image.digest);
        ImageError::Document { image, digest, source }
    };
    let config = match ImageDocument::from_bytes(&bytes).map_err(refused)? {
        ImageDocument::Index(index) => {
            return Ok(index.manifests.into_iter().filter_map(|it| it.platform).collect());
        }
        ImageDocument::Manifest(manifest) => manifest.config,
    };
    let locked: BTreeSet<Platform> =
        image.platforms.keys().filter_map(|platform| platform.parse().ok()).collect();
    if !locked.is_empty() {
        return Ok(locked);
    }
    let repository = repository_of(&image.name)?;
    let bytes = match stored(cache, config.digest)? {
        Some(bytes) => bytes,
        None => registries.client.small_blob(&repository, config.digest, config.size).await?,
    };
    Ok(Platform::of_config(&bytes).into_iter().collect())
}

/// Removes what is damaged of these images from the cache; returns how many blobs that are.
pub(crate) fn remove_damaged(cache: &Cache, set: &ImageSet) -> Result<usize, Failure> {
    let mut count = 0;
    for blob in set.blobs() {
        let Ok(mut file) = cache.blob(blob.digest) else {
            continue;
        };
        let mut digester = Digester::default();
        // A sector that cannot be read is damage, too.
        let read = io::copy(&mut file, &mut digester);
        if read.is_err() || digester.finish() != blob.digest {
            cache.remove(blob.digest)?;
            count += 1;
        }
    }
    Ok(count)
}

/// Fetches the indexes and manifests of `images`, and returns what the images consist of, and how
/// that is said for `platforms`, or for all if there is none.
pub(crate) async fn documents(
    registries: &Registries,
    cache: &Cache,
    images: &[Image],
    platforms: &[Platform],
) -> Result<(ImageSet, Contents), Failure> {
    // Side by side: first the roots, which need no other, then what they list. The walk finds them in
    // the cache, and judges them.
    let roots = images.iter().map(|image| (image.digest, image.name.as_str())).collect();
    let listed = fetch_all(registries, cache, roots).await?;
    // Without any index there is nothing to choose from, and a bundle must not claim it.
    let chosen = if listed.is_empty() { &[] } else { platforms };
    fetch_all(registries, cache, listed).await?;
    let contents = Contents::full(chosen.iter().cloned());
    let mut walk = ImageWalk::new(images, &contents);
    while let Some(Step { image, digest, kind, .. }) = walk.advance()? {
        if kind.is_document() {
            let name = image.split_once('@').map_or(image.as_str(), |(name, _)| name);
            walk.learn(&document(registries, cache, name, digest).await?)?;
        }
    }
    Ok((walk.finish()?, contents))
}

/// Fetches documents, each from the repository with the name beside it, and returns what the indexes
/// among them list, in the same way.
async fn fetch_all<'a>(
    registries: &Registries,
    cache: &Cache,
    wanted: BTreeMap<Digest, &'a str>,
) -> Result<BTreeMap<Digest, &'a str>, Failure> {
    stream::iter(wanted)
        .map(async |(digest, name)| {
            let bytes = document(registries, cache, name, digest).await?;
            let manifests = match ImageDocument::from_bytes(&bytes) {
                Ok(ImageDocument::Index(index)) => index.manifests,
                _ => Vec::new(),
            };
            Ok::<_, Failure>(manifests.into_iter().map(move |it| (it.descriptor.digest, name)))
        })
        .buffer_unordered(registries.jobs)
        .try_fold(BTreeMap::new(), async |mut all, listed| {
            all.extend(listed);
            Ok(all)
        })
        .await
}

/// Returns an index or a manifest, from the cache if it is there.
async fn document(
    registries: &Registries,
    cache: &Cache,
    name: &str,
    digest: Digest,
) -> Result<Vec<u8>, Failure> {
    if let Some(bytes) = stored(cache, digest)? {
        return Ok(bytes);
    }
    let manifest = registries.client.manifest(&repository_of(name)?, &digest.into()).await?;
    cache.store(&manifest.bytes)?;
    Ok(manifest.bytes)
}

/// Returns a small blob if it is in the cache, and whole; one that is damaged is removed.
fn stored(cache: &Cache, digest: Digest) -> Result<Option<Vec<u8>>, Failure> {
    let Ok(file) = cache.blob(digest) else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.take(a4co_registry::MAX_MANIFEST_BYTES).read_to_end(&mut bytes)?;
    if Digest::of(&bytes) == digest {
        return Ok(Some(bytes));
    }
    cache.remove(digest)?;
    Ok(None)
}

/// Fetches configs and layers, as far as `contents` do not leave them out.
pub(crate) async fn content(
    registries: &Registries,
    cache: &Cache,
    images: &[Image],
    set: &ImageSet,
    contents: &Contents,
) -> Result<Pulled, Failure> {
    let mut blobs = Vec::new();
    for image in images {
        let repository: Repository = repository_of(&image.name)?;
        for blob in set.leaves_first(image.digest) {
            if blob.kind.is_document() || contents.absent.contains(&blob.digest) {
                continue;
            }
            let (repository, digest) = (repository.clone(), blob.digest);
            blobs.push(PullBlob { repository, digest, size: blob.size, kind: blob.kind });
        }
    }
    Ok(registries.client.pull(cache, &blobs, registries.jobs).await?)
}
