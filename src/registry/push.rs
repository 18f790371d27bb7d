//! What a push is made of: is it there, can it be had from beside, send it, name it.

use std::sync::Arc;

use a4co_bundle::Digest;
use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};

use crate::{
    authorization::Scope,
    client::{Client, location},
    content::Content,
    error::RegistryError,
    manifest::head_of,
    name::Repository,
    progress::Event,
    reference::Reference,
    request::{Ask, Party},
    text::in_query,
    upload::Upload,
    wanted::What,
};

/// Error code of a registry that misses what a manifest refers to (OCI distribution specification,
/// "Error codes", code 1).
const PARTS_UNKNOWN: &str = "MANIFEST_BLOB_UNKNOWN";

/// How a blob came to be in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// It was there.
    Present,
    /// The registry took it from another repository of its own.
    Mounted,
    /// It was sent.
    Sent,
}

impl Client {
    /// Returns whether the registry itself, no mirror, has the blob in this repository.
    ///
    /// # Errors
    /// Fails when the registry cannot be asked.
    pub async fn has_blob(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<bool, RegistryError> {
        let writer = self.writer(What::Blob(digest), repository);
        self.patiently(async || self.looks_for_blob(writer.party(), digest).await).await
    }

    /// As [`Self::has_blob`], asked once.
    pub(crate) async fn looks_for_blob(
        &self,
        party: Party<'_>,
        digest: Digest,
    ) -> Result<bool, RegistryError> {
        let ask = Ask::new(Method::HEAD, party.uri(&format!("blobs/{digest}"))?);
        let answer = self.ask(party, &ask).await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(self.refusal(party, answer).await),
        }
    }

    /// Brings a blob into a repository, unless it is there: from one of the repositories `beside` it
    /// in the same registry, or by sending it.
    ///
    /// Whoever was interrupted calls this again: what is there is not sent again.
    ///
    /// # Errors
    /// Fails when the registry refuses, or when `content` is not what the digest says; then the
    /// registry is not offered it.
    pub async fn push_blob(
        &self,
        repository: &Repository,
        digest: Digest,
        size: u64,
        content: Arc<dyn Content>,
        beside: &[Repository],
    ) -> Result<Delivery, RegistryError> {
        if self.has_blob(repository, digest).await? {
            self.observe(&Event::Present { digest, size });
            return Ok(Delivery::Present);
        }
        for from in beside {
            let is_beside = from.host() == repository.host() && from != repository;
            if is_beside && self.mount(repository, digest, from).await? {
                self.observe(&Event::Finished { digest, size });
                return Ok(Delivery::Mounted);
            }
        }
        self.send_blob(repository, digest, size, content).await?;
        Ok(Delivery::Sent)
    }

    /// Sends a blob that is known not to be there.
    pub(crate) async fn send_blob(
        &self,
        repository: &Repository,
        digest: Digest,
        size: u64,
        content: Arc<dyn Content>,
    ) -> Result<(), RegistryError> {
        let writer = self.writer(What::Blob(digest), repository);
        Upload::new(self, writer.party(), digest, size, content).run().await?;
        self.observe(&Event::Finished { digest, size });
        Ok(())
    }

    /// Asks the registry to take a blob from another of its repositories; returns whether it did.
    /// One that cannot, or may not, is not an error: then the blob is sent.
    ///
    /// # Errors
    /// Fails when the registry cannot be asked.
    pub async fn mount(
        &self,
        repository: &Repository,
        digest: Digest,
        from: &Repository,
    ) -> Result<bool, RegistryError> {
        let writer = self.writer(What::Blob(digest), repository);
        let scope = Scope::mount(repository.path(), from.path());
        let party = Party { scope: &scope, ..writer.party() };
        self.patiently(async || {
            let (digest, from) = (in_query(&digest.to_string()), in_query(from.path()));
            let path = format!("blobs/uploads/?mount={digest}&from={from}");
            let answer = match self.ask(party, &Ask::new(Method::POST, party.uri(&path)?)).await {
                // No token for both repositories; there may be one for this one.
                Err(error @ RegistryError::Token { .. }) if !error.is_transient() => {
                    return Ok(false);
                }
                answer => answer?,
            };
            match answer.status() {
                StatusCode::CREATED => Ok(true),
                // It began an upload instead, which nobody needs.
                StatusCode::ACCEPTED => {
                    if let Ok(session) = location(&answer).and_then(|it| {
                        crate::address::follow(&party.uri(&path).unwrap_or_default(), it)
                    }) {
                        let _ = self.ask(party, &Ask::new(Method::DELETE, session)).await;
                    }
                    Ok(false)
                }
                status if status.is_client_error() && status.as_u16() != 429 => Ok(false),
                _ => Err(self.refusal(party, answer).await),
            }
        })
        .await
    }

    /// Stores a manifest or an index under a tag or its digest, and makes sure that it is there by
    /// its digest. What it refers to has to be there before.
    ///
    /// # Errors
    /// Fails when the registry refuses, or stores something else.
    pub async fn put_manifest(
        &self,
        repository: &Repository,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
    ) -> Result<Digest, RegistryError> {
        let digest = Digest::of(bytes);
        let writer = self.writer(reference, repository);
        let party = writer.party();
        if let Reference::Digest(expected) = *reference
            && expected != digest
        {
            let wanted = Box::new(party.wanted.clone());
            return Err(RegistryError::Damaged { wanted, expected, computed: digest });
        }
        let content_type = HeaderValue::try_from(media_type)
            .map_err(|_| party.strange("the media type is not one"))?;
        let bytes = Bytes::copy_from_slice(bytes);
        self.patiently(async || {
            let mut ask = Ask::new(Method::PUT, party.uri(&format!("manifests/{reference}"))?)
                .with(header::CONTENT_TYPE, content_type.clone());
            ask.body = bytes.clone();
            ask.deadline = Some(self.options().timeouts.store);
            let answer = self.ask_well(party, &ask).await?;
            match head_of(&answer).digest {
                Some(computed) if computed != digest => Err(RegistryError::Digest {
                    wanted: Box::new(party.wanted.clone()),
                    expected: digest.to_string(),
                    computed,
                }),
                _ => Ok(()),
            }
        })
        .await?;
        if self.has_manifest(repository, digest).await? {
            return Ok(digest);
        }
        Err(party.strange("it says that it stored the manifest, and does not have it"))
    }

    /// Stores an index of which some platforms are not there, as [`Self::put_manifest`] does: a
    /// *sparse* index. `bare` are the bytes of the manifests that it lists without their content being
    /// there.
    ///
    /// A registry that wants every manifest of an index is given those as blobs, and then the index
    /// again. Distribution 2.x looks for them there too (`registry/storage/registry.go`: besides
    /// `manifestRevisionLinkPath`, `blobLinkPath`). As manifests they could not be sent: it would miss
    /// their configs and layers.
    ///
    /// # Errors
    /// Fails when the registry refuses, the last time as the first, or stores something else. Blobs
    /// that were sent until then stay; they do no harm.
    pub async fn put_sparse_index(
        &self,
        repository: &Repository,
        reference: &Reference,
        media_type: &str,
        bytes: &[u8],
        bare: &[Bytes],
    ) -> Result<Digest, RegistryError> {
        match self.put_manifest(repository, reference, media_type, bytes).await {
            Err(error) if misses_parts(&error) && !bare.is_empty() => {}
            put => return put,
        }
        for manifest in bare {
            let (digest, size) = (Digest::of(manifest), manifest.len() as u64);
            self.push_blob(repository, digest, size, Arc::new(manifest.clone()), &[]).await?;
        }
        self.put_manifest(repository, reference, media_type, bytes).await
    }
}

fn misses_parts(error: &RegistryError) -> bool {
    matches!(error, RegistryError::Status { code, .. } if code == PARTS_UNKNOWN)
}
