//! Content kept in the cluster, named by its digest: releases, so that a rollback needs no file,
//! and inventories.
//!
//! Content is deflated and cut into immutable Secrets of at most 768 KiB, below the 1 MiB that a
//! Secret may have. Release content is a whole thin bundle, so what is read back goes through the
//! same checks as a file.

use std::{
    collections::BTreeMap,
    io::{self, Read as _},
    time::Duration,
};

use a4co_bundle::{Digest, Digester, ObjectRef};
use flate2::read::DeflateDecoder;
use k8s_openapi::{
    ByteString, api::core::v1::Secret, apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use serde_json::Value;
use thiserror::Error;

use crate::{
    client::{Client, Form},
    draft::{Draft, MAX_CONTENT_BYTES},
    error::ApiError,
    live::PartialObject,
    mark::Marked,
    mutant::{self, Mutant},
    text,
};

/// Bytes of a chunk: as base64 it is the 1 MiB that a Secret may have (`MaxSecretSize`) even decoded.
const CHUNK_BYTES: usize = 768 << 10;

/// How often a write without an answer is tried again, and after which pause.
const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(500);

/// What a content is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// A thin bundle.
    Release,
    /// A site overlay, as canonical JSON.
    Overlay,
    /// What was recorded about the objects of a release after it was applied.
    Inventory,
    /// What a transaction touches, as it was before.
    Undo,
}

/// Why content could not be kept or found again.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The request failed.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A chunk is missing.
    #[error("Secret `{namespace}/{name}`, which holds a part of {digest}, does not exist")]
    Missing {
        /// Namespace.
        namespace: String,
        /// Name of the Secret.
        name: String,
        /// Digest of the content.
        digest: Digest,
    },
    /// A chunk is not what was stored.
    #[error("Secret `{namespace}/{name}` is not a stored chunk")]
    Chunk {
        /// Namespace.
        namespace: String,
        /// Name of the Secret.
        name: String,
    },
    /// It cannot be stored.
    #[error("cannot store what the transaction needs")]
    Draft(#[source] io::Error),
    /// The chunks do not inflate.
    #[error("the stored content {digest} is damaged")]
    Inflate {
        /// Digest of the content.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// The content is not what it should be.
    #[error("the stored content {digest} is malformed")]
    Content {
        /// Digest of the content.
        digest: Digest,
    },
    /// The content has another digest than its name.
    #[error("the stored content is damaged\n  expected: {expected}\n  computed: {computed}")]
    Digest {
        /// Digest in the name.
        expected: Digest,
        /// Digest of what was read.
        computed: Digest,
    },
}

/// The stored content of one application in one namespace.
#[derive(Clone, Copy)]
pub(crate) struct Store<'a> {
    pub(crate) client: &'a Client,
    pub(crate) app: &'a str,
    pub(crate) namespace: &'a str,
}

impl Content {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Overlay => "overlay",
            Self::Inventory => "inventory",
            Self::Undo => "undo",
        }
    }
}

impl Store<'_> {
    /// Keeps what was drafted. Doing so twice is no error and writes nothing.
    pub(crate) async fn put(&self, content: Content, draft: Draft) -> Result<Digest, StoreError> {
        let (digest, deflated) = draft.finish().map_err(StoreError::Draft)?;
        let chunks = deflated.chunks(mutant::chunk_bytes(CHUNK_BYTES));
        let count = chunks.len();
        let mut is_known = false;
        for (index, chunk) in chunks.enumerate() {
            if index > 0 && mutant::is(Mutant::OneChunk) {
                break;
            }
            let secret = self.secret(content, digest, (index, count), chunk);
            is_known |= self.put_chunk(&secret).await?;
        }
        if is_known {
            // Another version of this tool may have deflated it otherwise; the content counts.
            self.check(content, digest).await?;
        }
        Ok(digest)
    }

    /// Creates a chunk, and returns whether it was there already.
    async fn put_chunk(&self, secret: &Secret) -> Result<bool, ApiError> {
        let mut attempts = 0;
        loop {
            match self.client.create_large(&self.collection(), secret).await {
                Err(error) if error.is_conflict() => {
                    if self.renew_chunk(secret).await? {
                        return Ok(true);
                    }
                    attempts += 1;
                }
                // Nobody knows whether it was created; creating it again tells.
                Err(error) if error.is_unclear() && attempts < ATTEMPTS => attempts += 1,
                answer => return answer.map(|()| false),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Gives a chunk that was there a new version, so that whoever found before that nothing needs
    /// it does not delete it any more. Returns whether it is still there.
    async fn renew_chunk(&self, secret: &Secret) -> Result<bool, ApiError> {
        let name = secret.metadata.name.clone().unwrap_or_default();
        let path = format!("{}/{name}", self.collection());
        let found: Option<PartialObject> = self.client.get(&path, Form::Metadata).await?;
        let Some(PartialObject { metadata }) = found else { return Ok(false) };
        let (api_version, kind) = ("v1".to_owned(), "Secret".to_owned());
        let namespace = Some(self.namespace.to_owned());
        let object = &ObjectRef { kind, api_version, namespace, name };
        let (uid, version) = (metadata.uid, metadata.resource_version);
        let chunk = Marked { path: &path, object, uid, version };
        chunk.renew(self.client, 0, async || Ok(())).await
    }

    /// Returns whether the content with this digest is there, by its first chunk.
    pub(crate) async fn has(&self, content: Content, digest: Digest) -> Result<bool, ApiError> {
        let path = format!("{}/{}", self.collection(), self.name(content, digest, 0));
        Ok(self.client.get::<Value>(&path, Form::Metadata).await?.is_some())
    }

    /// Reads the content with this digest.
    pub(crate) async fn get(
        &self,
        content: Content,
        digest: Digest,
    ) -> Result<Vec<u8>, StoreError> {
        let deflated = self.read(content, digest).await?;
        let mut bytes = Vec::new();
        inflate(&deflated, &mut bytes).map_err(|source| StoreError::Inflate { digest, source })?;
        compare(digest, Digest::of(&bytes))?;
        Ok(bytes)
    }

    /// Checks that the content with this digest is there.
    async fn check(&self, content: Content, digest: Digest) -> Result<(), StoreError> {
        let deflated = self.read(content, digest).await?;
        let mut digester = Digester::default();
        inflate(&deflated, &mut digester)
            .map_err(|source| StoreError::Inflate { digest, source })?;
        compare(digest, digester.finish())
    }

    /// Reads all chunks of the content with this digest.
    async fn read(&self, content: Content, digest: Digest) -> Result<Vec<u8>, StoreError> {
        let (mut deflated, count) = self.chunk(content, digest, 0).await?;
        for index in 1..count {
            deflated.append(&mut self.chunk(content, digest, index).await?.0);
        }
        Ok(deflated)
    }

    /// Reads one chunk, and how many there are.
    async fn chunk(
        &self,
        content: Content,
        digest: Digest,
        index: usize,
    ) -> Result<(Vec<u8>, usize), StoreError> {
        let name = self.name(content, digest, index);
        let path = format!("{}/{name}", self.collection());
        let found: Option<Secret> = self.client.get(&path, Form::Whole).await?;
        let namespace = self.namespace.to_owned();
        let secret = found.ok_or(StoreError::Missing { namespace, name, digest })?;
        let position =
            secret.metadata.annotations.as_ref().and_then(|a| a.get(text::CHUNK_ANNOTATION));
        let count = position.and_then(|position| position.split_once('/')?.1.parse().ok());
        let chunk = secret.data.and_then(|mut data| data.remove("chunk"));
        chunk
            .zip(count)
            .map(|(ByteString(bytes), count)| (bytes, count))
            .ok_or_else(|| self.not_a_chunk(content, digest, index))
    }

    fn secret(
        &self,
        content: Content,
        digest: Digest,
        (index, count): (usize, usize),
        chunk: &[u8],
    ) -> Secret {
        let map = |pairs: &[(&str, String)]| {
            Some(pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect())
        };
        Secret {
            metadata: ObjectMeta {
                name: Some(self.name(content, digest, index)),
                namespace: Some(self.namespace.to_owned()),
                labels: map(&[
                    (text::APP_LABEL, self.app.to_owned()),
                    (text::CONTENT_LABEL, content.name().to_owned()),
                    (text::MANAGED_BY_LABEL, text::MANAGED_BY.to_owned()),
                ]),
                annotations: map(&[
                    (text::DIGEST_ANNOTATION, digest.to_string()),
                    (text::CHUNK_ANNOTATION, format!("{}/{count}", index + 1)),
                ]),
                ..ObjectMeta::default()
            },
            type_: Some(format!("a4co.dev/{}", content.name())),
            immutable: Some(true),
            data: Some(BTreeMap::from([("chunk".to_owned(), ByteString(chunk.to_vec()))])),
            ..Secret::default()
        }
    }

    fn name(&self, content: Content, digest: Digest, index: usize) -> String {
        format!("{}{index}", self.prefix(content, digest))
    }

    /// What the names of the chunks of this content begin with.
    pub(crate) fn prefix(&self, content: Content, digest: Digest) -> String {
        let hex = digest.to_hex();
        format!("a4co.{}.{}-{}-", self.app, content.name(), &hex[..16])
    }

    pub(crate) fn collection(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.namespace)
    }

    fn not_a_chunk(&self, content: Content, digest: Digest, index: usize) -> StoreError {
        let namespace = self.namespace.to_owned();
        StoreError::Chunk { namespace, name: self.name(content, digest, index) }
    }
}

fn inflate(deflated: &[u8], out: &mut impl io::Write) -> io::Result<()> {
    let bytes = io::copy(&mut DeflateDecoder::new(deflated).take(MAX_CONTENT_BYTES + 1), out)?;
    if bytes > MAX_CONTENT_BYTES { Err(io::ErrorKind::FileTooLarge.into()) } else { Ok(()) }
}

fn compare(expected: Digest, computed: Digest) -> Result<(), StoreError> {
    if computed == expected { Ok(()) } else { Err(StoreError::Digest { expected, computed }) }
}
