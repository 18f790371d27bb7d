//! Pulls blobs into a cache: many at once, each once, from where they broke off.

use std::{
    collections::BTreeMap,
    io::{self, Write as _},
};

use a4co_bundle::{BlobKind, Digest};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use tokio::task::spawn_blocking;

use crate::{
    cache::Cache,
    client::Client,
    error::RegistryError,
    name::Repository,
    partial::Partial,
    progress::Event,
    wanted::{Wanted, What},
};

/// A blob to pull, and a repository that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PullBlob {
    /// Repository that has it.
    pub repository: Repository,
    /// Its digest.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// What it is: indexes and manifests are asked for in another way than other blobs.
    pub kind: BlobKind,
}

/// What a pull did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pulled {
    /// Blobs that were there already.
    pub present: usize,
    /// Blobs that were pulled.
    pub pulled: usize,
    /// Bytes that were pulled.
    pub bytes: u64,
}

impl Client {
    /// Pulls blobs into `cache`, at most `parallel` at once. A blob that is named several times is
    /// pulled once; if the first repository does not have it, the next is asked.
    ///
    /// # Errors
    /// Fails with the first blob that cannot be had or is not what its digest says; what other blobs
    /// had begun is gone on with by the next pull.
    pub async fn pull(
        &self,
        cache: &Cache,
        blobs: &[PullBlob],
        parallel: usize,
    ) -> Result<Pulled, RegistryError> {
        let mut order: Vec<Vec<&PullBlob>> = Vec::new();
        let mut positions = BTreeMap::new();
        for blob in blobs {
            let position = *positions.entry(blob.digest).or_insert(order.len());
            match order.get_mut(position) {
                Some(same) => same.push(blob),
                None => order.push(vec![blob]),
            }
        }
        let bytes = order.iter().filter_map(|same| same.first()).map(|blob| blob.size).sum();
        self.observe(&Event::Planned { blobs: order.len(), bytes });
        stream::iter(order)
            .map(|same| self.pull_one(cache, same))
            .buffer_unordered(parallel.max(1))
            .try_fold(Pulled::default(), async |sum, one| {
                Ok(Pulled {
                    present: sum.present + one.present,
                    pulled: sum.pulled + one.pulled,
                    bytes: sum.bytes + one.bytes,
                })
            })
            .await
    }

    /// Pulls a blob from the first repository that has it.
    async fn pull_one(&self, cache: &Cache, same: Vec<&PullBlob>) -> Result<Pulled, RegistryError> {
        let mut result = Ok(Pulled::default());
        for blob in same {
            let (digest, size) = (blob.digest, blob.size);
            if cache.contains(digest, size) {
                self.observe(&Event::Present { digest, size });
                return Ok(Pulled { present: 1, ..Pulled::default() });
            }
            result = if blob.kind.is_document() {
                self.pull_document(cache, blob).await
            } else {
                self.pull_blob(cache, blob).await
            };
            let elsewhere = |error: &RegistryError| error.is_not_found() || error.is_denied();
            if !result.as_ref().is_err_and(elsewhere) {
                break;
            }
        }
        let bytes = result?.bytes;
        Ok(Pulled { pulled: 1, bytes, ..Pulled::default() })
    }

    async fn pull_document(&self, cache: &Cache, blob: &PullBlob) -> Result<Pulled, RegistryError> {
        let (digest, size) = (blob.digest, blob.size);
        self.observe(&Event::Started { digest, size, offset: 0 });
        let manifest = self.manifest(&blob.repository, &digest.into()).await?;
        let bytes = manifest.bytes.len() as u64;
        self.observe(&Event::Transferred { digest, bytes });
        cache.store(&manifest.bytes).map_err(|error| local(blob, error))?;
        self.observe(&Event::Finished { digest, size });
        Ok(Pulled { bytes, ..Pulled::default() })
    }

    /// Goes on with what is on the disk. Where that makes a wrong digest the blob is begun anew: the
    /// disk is not believed either. A mirror that gives another blob is left out.
    async fn pull_blob(&self, cache: &Cache, blob: &PullBlob) -> Result<Pulled, RegistryError> {
        let (digest, size) = (blob.digest, blob.size);
        let mut stream = self.blob(&blob.repository, digest, size, 0);
        let mut is_disk_believed = true;
        loop {
            let own = cache.clone();
            let opened = spawn_blocking(move || Partial::resume(&own, digest, size)).await;
            let partial = opened.map_err(io::Error::from).and_then(|it| it);
            let mut partial = partial.map_err(|error| local(blob, error))?;
            let offset = partial.length();
            stream.begin_at(offset);
            self.observe(&Event::Started { digest, size, offset });
            while let Some(bytes) = stream.next().await? {
                partial.write_all(&bytes).map_err(|error| local(blob, error))?;
                self.observe(&Event::Transferred { digest, bytes: bytes.len() as u64 });
            }
            let finished = spawn_blocking(move || partial.finish()).await;
            let finished = finished.map_err(io::Error::from).and_then(|it| it);
            let Err(computed) = finished.map_err(|error| local(blob, error))? else {
                self.observe(&Event::Finished { digest, size });
                return Ok(Pulled { bytes: size - offset, ..Pulled::default() });
            };
            if offset > 0 && is_disk_believed {
                is_disk_believed = false;
            } else {
                stream.distrust(computed)?;
            }
        }
    }
}

fn local(blob: &PullBlob, source: io::Error) -> RegistryError {
    let wanted = Wanted::new(What::Blob(blob.digest), &blob.repository);
    RegistryError::Local { wanted: Box::new(wanted), source }
}
