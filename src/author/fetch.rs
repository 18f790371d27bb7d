//! Fetches the images of a release into the cache.

use std::{collections::BTreeMap, env, io::Read as _, path::PathBuf};

use a4co_bundle::{Contents, Digest, Image, ImageDocument, ImageSet, ImageWalk, Step};
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

/// Fetches the indexes and manifests of `images`, and returns what the images consist of.
pub(crate) async fn documents(
    registries: &Registries,
    cache: &Cache,
    images: &[Image],
    contents: &Contents,
) -> Result<ImageSet, Failure> {
    // Side by side: first the roots, which need no other, then what they list. The walk finds them in
    // the cache, and judges them.
    let roots = images.iter().map(|image| (image.digest, image.name.as_str())).collect();
    let listed = fetch_all(registries, cache, roots).await?;
    fetch_all(registries, cache, listed).await?;
    let mut walk = ImageWalk::new(images, contents);
    while let Some(Step { image, digest, kind, .. }) = walk.advance()? {
        if kind.is_document() {
            let name = image.split_once('@').map_or(image.as_str(), |(name, _)| name);
            walk.learn(&document(registries, cache, name, digest).await?)?;
        }
    }
    Ok(walk.finish()?)
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
    if let Ok(file) = cache.blob(digest) {
        let mut bytes = Vec::new();
        file.take(a4co_registry::MAX_MANIFEST_BYTES).read_to_end(&mut bytes)?;
        if Digest::of(&bytes) == digest {
            return Ok(bytes);
        }
        cache.remove(digest)?;
    }
    let manifest = registries.client.manifest(&repository_of(name)?, &digest.into()).await?;
    cache.store(&manifest.bytes)?;
    Ok(manifest.bytes)
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
