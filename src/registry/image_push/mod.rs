//! Pushes the images of a bundle to the registry of a site, under the same repository and digest.
//!
//! ```text
//! each blob, many at once       is it there? ── mount it ── send it
//! then each image               manifests ── index ── tag
//! at the end                    is every manifest there by its digest?
//! ```
//!
//! Whoever was killed calls it again: what is there is not sent again. Nothing is named before all
//! that it refers to is there, so at no time an image is offered that cannot be pulled.
//!
//! A registry may delete manifests that have no tag, so each image gets one that nobody else uses:
//! `a4co-` and the first 12 digits of its digest.

mod error;
mod plan;

use std::{io, sync::Arc};

use a4co_bundle::Digest;
use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::spawn_blocking;

use crate::{
    address::Address,
    client::Client,
    error::RegistryError,
    held::{HeldImages, SharedFile},
    image_push::plan::{Plan, PlannedBlob, PlannedImage},
    name::Repository,
    progress::Event,
    push::Delivery,
    reference::Reference,
    wanted::Wanted,
};

pub use error::ImagePushError;

/// Which tags images get at the registry, besides those that keep it from deleting them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tags {
    /// None, so that nothing of the site is moved.
    None,
    /// Those of the release.
    Release,
}

/// What a push did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Blobs that were there, once for each repository.
    pub present: usize,
    /// Blobs that the registry took from another of its repositories.
    pub mounted: usize,
    /// Blobs that were sent.
    pub sent: usize,
    /// Bytes of these.
    pub bytes: u64,
    /// Indexes and manifests, all of which are there.
    pub manifests: usize,
}

/// A push of all images of a bundle.
#[derive(Debug)]
pub struct ImagePush<R> {
    held: HeldImages<R>,
    plan: Plan,
}

impl<R: SharedFile> ImagePush<R> {
    /// Plans the push to the registry at `site`. Nothing is sent yet.
    ///
    /// # Errors
    /// Fails when an image has a name that no registry could have, also with the prefix of `site`,
    /// and when two images would get one tag.
    pub fn new(held: HeldImages<R>, site: &Address, tags: Tags) -> Result<Self, ImagePushError> {
        let plan = Plan::new(held.images(), held.stored(), site, tags)?;
        Ok(Self { held, plan })
    }

    /// Returns how many bytes are sent at most.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.plan.blobs.iter().filter(|blob| !blob.is_absent).map(|blob| blob.size).sum()
    }

    /// Brings everything to the registry, at most `parallel` blobs at once.
    ///
    /// # Errors
    /// Fails when the registry refuses, when the file of the bundle is damaged, and when the registry
    /// lacks what a delta leaves out. What was sent until then stays and is not sent again.
    pub async fn run(&self, client: &Client, parallel: usize) -> Result<Pushed, ImagePushError> {
        let mut pushed = stream::iter(&self.plan.blobs)
            .map(|blob| self.push_blob(client, blob))
            .buffer_unordered(parallel.max(1))
            .try_fold(Pushed::default(), async |sum, one| Ok(sum.and(one)))
            .await?;
        for image in &self.plan.images {
            self.push_image(client, image).await?;
        }
        // What was there before may have been deleted meanwhile.
        let documents = self.plan.documents();
        pushed.manifests = documents.len();
        stream::iter(documents)
            .map(Ok)
            .try_for_each_concurrent(parallel.max(1), async |(repository, digest)| {
                if client.has_manifest(repository, digest).await? {
                    return Ok(());
                }
                Err(ImagePushError::Vanished { repository: repository.clone(), digest })
            })
            .await?;
        Ok(pushed)
    }

    /// Brings a blob into each of its repositories.
    async fn push_blob(
        &self,
        client: &Client,
        blob: &PlannedBlob,
    ) -> Result<Pushed, ImagePushError> {
        let &PlannedBlob { digest, size, .. } = blob;
        let (mut holders, mut missing, mut pushed) = (Vec::new(), Vec::new(), Pushed::default());
        for repository in &blob.repositories {
            if client.has_blob(repository, digest).await? {
                client.observe(&Event::Present { digest, size });
                holders.push(repository);
                pushed.present += 1;
            } else {
                missing.push(repository);
            }
        }
        for repository in missing {
            match self.bring(client, blob, repository, &holders).await? {
                Delivery::Present => {}
                Delivery::Mounted => pushed.mounted += 1,
                Delivery::Sent => {
                    pushed.sent += 1;
                    pushed.bytes += size;
                }
            }
            holders.push(repository);
        }
        Ok(pushed)
    }

    /// Brings a blob into a repository that does not have it.
    async fn bring(
        &self,
        client: &Client,
        blob: &PlannedBlob,
        repository: &Repository,
        holders: &[&Repository],
    ) -> Result<Delivery, ImagePushError> {
        let &PlannedBlob { digest, size, .. } = blob;
        // What this bundle does not have may be in any repository of the site.
        let others = self.plan.repositories.iter().filter(|it| blob.is_absent && *it != repository);
        for from in holders.iter().copied().take(1).chain(others) {
            if client.mount(repository, digest, from).await? {
                client.observe(&Event::Finished { digest, size });
                return Ok(Delivery::Mounted);
            }
        }
        let content = self.held.content(digest).ok_or_else(|| self.lacking(repository, digest))?;
        client.send_blob(repository, digest, size, Arc::new(content)).await?;
        Ok(Delivery::Sent)
    }

    fn lacking(&self, repository: &Repository, digest: Digest) -> ImagePushError {
        let (repository, base) = (repository.clone(), self.held.stored().contents().base);
        ImagePushError::Absent { repository, digest, base }
    }

    /// Brings manifests and index of an image, whose blobs are there, and names it.
    async fn push_image(
        &self,
        client: &Client,
        image: &PlannedImage,
    ) -> Result<(), ImagePushError> {
        let repository = &image.repository;
        for &digest in &image.documents {
            if !client.has_manifest(repository, digest).await? {
                self.put(client, image, digest, &digest.into()).await?;
            }
        }
        for tag in &image.tags {
            let head = client.head(repository, tag).await?;
            if head.and_then(|head| head.digest) != Some(image.root) {
                self.put(client, image, image.root, tag).await?;
            }
        }
        Ok(())
    }

    /// Stores an index or manifest of an image.
    async fn put(
        &self,
        client: &Client,
        image: &PlannedImage,
        digest: Digest,
        reference: &Reference,
    ) -> Result<(), ImagePushError> {
        let repository = &image.repository;
        let (media_type, bytes) = self.document(repository, digest).await?;
        if digest != image.root || image.bare.is_empty() {
            client.put_manifest(repository, reference, &media_type, &bytes).await?;
            return Ok(());
        }
        let mut bare = Vec::new();
        for &digest in &image.bare {
            bare.push(self.document(repository, digest).await?.1);
        }
        client.put_sparse_index(repository, reference, &media_type, &bytes, &bare).await?;
        Ok(())
    }

    /// Reads media type and bytes of an index or manifest.
    async fn document(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<(String, Bytes), ImagePushError> {
        let content = self.held.content(digest).ok_or_else(|| self.lacking(repository, digest))?;
        let media_type = content.media_type().to_owned();
        let read = spawn_blocking(move || content.read()).await;
        let read = read.map_err(io::Error::from).and_then(|read| read);
        let bytes = read.map_err(|source| {
            let wanted = Wanted::new(&Reference::Digest(digest), repository);
            RegistryError::Local { wanted: Box::new(wanted), source }
        })?;
        Ok((media_type, bytes.into()))
    }
}

impl Pushed {
    fn and(self, other: Self) -> Self {
        Self {
            present: self.present + other.present,
            mounted: self.mounted + other.mounted,
            sent: self.sent + other.sent,
            bytes: self.bytes + other.bytes,
            manifests: self.manifests + other.manifests,
        }
    }
}
