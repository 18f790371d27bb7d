//! Blobs as streams that go on after a lost connection.

use std::time::Duration;

use a4co_bundle::Digest;
use bytes::{Buf as _, Bytes};
use http::{HeaderValue, Method, StatusCode, header};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::{
    answer::{length, next},
    authorization::Scope,
    client::Client,
    connection::Answer,
    error::RegistryError,
    manifest::MAX_MANIFEST_BYTES,
    name::Repository,
    progress::Event,
    request::{Ask, Party},
    sources::Sources,
    wanted::{Wanted, What},
};

/// So many bytes since the last failure make up for it, and fewer in the time in which something has
/// to come are as good as none.
const PROGRESS: u64 = 64 << 10;

/// The bytes of a blob, from some offset to its end. Who reads them computes the digest; only the
/// length is checked here.
pub struct BlobStream {
    client: Client,
    repository: Repository,
    digest: Digest,
    size: u64,
    /// Bytes before this one were returned.
    offset: u64,
    failures: u32,
    /// Bytes since the last failure.
    progress: u64,
    sources: Sources,
    /// Of the failures after which the next of the sources was asked, the one to be most patient with.
    passed_over: Option<RegistryError>,
    open: Option<Open>,
}

/// An answer that is being read.
struct Open {
    wanted: Wanted,
    body: Incoming,
    /// Bytes to leave out, because the registry began anew.
    skip: u64,
    /// How long bytes were waited for, and how many came then; both since the pace was last looked at.
    pace: (Duration, u64),
}

impl Client {
    /// Reads the blob `digest` of `size` bytes from `offset` on. Nothing is sent before the first
    /// call of [`BlobStream::next`].
    #[must_use]
    pub fn blob(
        &self,
        repository: &Repository,
        digest: Digest,
        size: u64,
        offset: u64,
    ) -> BlobStream {
        BlobStream {
            client: self.clone(),
            repository: repository.clone(),
            digest,
            size,
            offset,
            failures: 0,
            progress: 0,
            sources: Sources::new(self.options().sources(repository.host())),
            passed_over: None,
            open: None,
        }
    }

    /// Reads a small blob, such as a config, and checks its digest.
    ///
    /// # Errors
    /// Fails when it is larger than 4 MiB, cannot be had, or is not what its digest says.
    pub async fn small_blob(
        &self,
        repository: &Repository,
        digest: Digest,
        size: u64,
    ) -> Result<Vec<u8>, RegistryError> {
        let mut stream = self.blob(repository, digest, size, 0);
        if size > MAX_MANIFEST_BYTES {
            let wanted = Box::new(stream.wanted());
            return Err(RegistryError::TooLarge { wanted, limit: MAX_MANIFEST_BYTES });
        }
        loop {
            let mut bytes = Vec::new();
            while let Some(more) = stream.next().await? {
                bytes.extend_from_slice(&more);
            }
            let computed = Digest::of(&bytes);
            if computed == digest {
                return Ok(bytes);
            }
            stream.distrust(computed)?;
            stream.begin_at(0);
        }
    }
}

impl BlobStream {
    /// Returns the next bytes, `None` after the last. A connection that is lost is made again where
    /// it broke, with the next of the mirrors and the registry at once, with the first after a pause.
    ///
    /// # Errors
    /// Fails when the registry does not have the blob, gives more or fewer bytes than `size`, or
    /// fails too often without giving any.
    pub async fn next(&mut self) -> Result<Option<Bytes>, RegistryError> {
        loop {
            match self.step().await {
                Ok(Step::Bytes(bytes)) => {
                    self.sources.give();
                    self.offset += bytes.len() as u64;
                    self.progress += bytes.len() as u64;
                    if self.progress >= PROGRESS {
                        self.failures = 0;
                    }
                    return Ok(Some(bytes));
                }
                Ok(Step::Opened) => {}
                Ok(Step::End) => return Ok(None),
                Err(error) => {
                    self.open = None;
                    self.progress = 0;
                    if self.sources.fail(error.is_transient()) {
                        self.client.observe(&Event::MirrorSkipped { error: &error });
                        let earlier = self.passed_over.take();
                        let earlier = earlier.filter(|it| it.patience() > error.patience());
                        self.passed_over = Some(earlier.unwrap_or(error));
                    } else {
                        self.failures += 1;
                        let error = self.decisive(error);
                        self.client.pause(self.failures, error).await?;
                    }
                }
            }
        }
    }

    /// Returns the failure that says how patiently to go on, where `error` is that of the last source.
    /// A registry that cannot be reached, as where there is no way out, is no reason to give up a
    /// mirror that only failed for now.
    fn decisive(&mut self, error: RegistryError) -> RegistryError {
        match self.passed_over.take() {
            Some(earlier)
                if matches!(error, RegistryError::Unreachable { .. })
                    && earlier.patience() > error.patience() =>
            {
                if !error.is_transient() {
                    self.sources.leave_out();
                }
                earlier
            }
            _ => error,
        }
    }

    /// Begins anew, at `offset`.
    pub(crate) fn begin_at(&mut self, offset: u64) {
        (self.open, self.offset, self.progress) = (None, offset, 0);
        self.sources.forget();
    }

    /// Leaves who gave the bytes, whose digest is `computed`, out of what comes.
    ///
    /// # Errors
    /// Fails, with the wrong digest, when nobody else is left to ask.
    pub(crate) fn distrust(&mut self, computed: Digest) -> Result<(), RegistryError> {
        let (wanted, expected) = (Box::new(self.wanted()), self.digest.to_string());
        let error = RegistryError::Digest { wanted, expected, computed };
        if !self.sources.distrust() {
            return Err(error);
        }
        self.client.observe(&Event::MirrorSkipped { error: &error });
        Ok(())
    }

    /// Returns what was wanted, for errors of who reads.
    pub(crate) fn wanted(&self) -> Wanted {
        Wanted {
            what: What::Blob(self.digest),
            repository: self.repository.clone(),
            mirror: self.open.as_ref().and_then(|open| open.wanted.mirror.clone()),
        }
    }

    async fn step(&mut self) -> Result<Step, RegistryError> {
        let idle = self.client.options().timeouts.idle;
        let Some(open) = &mut self.open else {
            if self.offset >= self.size {
                return Ok(Step::End);
            }
            self.open = Some(self.open().await?);
            return Ok(Step::Opened);
        };
        let begun = Instant::now();
        let next = next(&open.wanted, &mut open.body, idle).await?;
        open.pace.0 += begun.elapsed();
        let Some(mut bytes) = next else {
            if self.offset == self.size {
                return Ok(Step::End);
            }
            let wanted = Box::new(open.wanted.clone());
            let source = format!("{} of {} bytes came", self.offset, self.size).into();
            return Err(RegistryError::Interrupted { wanted, source });
        };
        open.pace.1 += bytes.len() as u64;
        if open.pace.0 >= idle {
            let (_, came) = std::mem::take(&mut open.pace);
            let place = self.offset.saturating_sub(open.skip) + bytes.len() as u64;
            if came < PROGRESS && place < self.size {
                let wanted = Box::new(open.wanted.clone());
                return Err(RegistryError::Timeout { wanted, after: idle });
            }
        }
        let skipped = open.skip.min(bytes.len() as u64);
        open.skip -= skipped;
        bytes.advance(usize::try_from(skipped).unwrap_or(bytes.len()));
        if bytes.len() as u64 > self.size - self.offset {
            let wanted = Box::new(open.wanted.clone());
            return Err(RegistryError::TooLarge { wanted, limit: self.size });
        }
        Ok(if bytes.is_empty() { Step::Opened } else { Step::Bytes(bytes) })
    }

    async fn open(&self) -> Result<Open, RegistryError> {
        let Some(source) = self.sources.current() else {
            return Err(RegistryError::NoMirror { wanted: Box::new(self.wanted()) });
        };
        let wanted = source.wanted(What::Blob(self.digest), &self.repository);
        let scope = Scope::pull(&source.address().path_of(&self.repository));
        let party = Party { wanted: &wanted, address: source.address(), scope: &scope };
        let ask = Ask::new(Method::GET, party.uri(&format!("blobs/{}", self.digest))?)
            .with(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        let ask = if self.offset == 0 { ask } else { ask.with(header::RANGE, self.range()) };
        let answer = self.client.ask_well(party, &ask).await?;
        let skip = self.skip(party, &answer)?;
        Ok(Open { wanted, body: answer.into_body(), skip, pace: Default::default() })
    }

    fn range(&self) -> HeaderValue {
        let text = format!("bytes={}-", self.offset);
        HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("bytes=0-"))
    }

    /// Checks the head of an answer; returns how many of its bytes are known already.
    fn skip(&self, party: Party<'_>, answer: &Answer) -> Result<u64, RegistryError> {
        let refuse = |why: String| {
            Err(RegistryError::Answer { wanted: Box::new(party.wanted.clone()), why })
        };
        let headers = answer.headers();
        let encoding = headers.get(header::CONTENT_ENCODING).map(HeaderValue::as_bytes);
        if !matches!(encoding, None | Some(b"" | b"identity")) {
            return refuse("it is encoded, which was not asked for".to_owned());
        }
        let (skip, expected) = match answer.status() {
            StatusCode::PARTIAL_CONTENT if self.offset > 0 => {
                let range = headers.get(header::CONTENT_RANGE).and_then(|it| it.to_str().ok());
                let expected = format!("bytes {}-{}/{}", self.offset, self.size - 1, self.size);
                let open = format!("bytes {}-{}/*", self.offset, self.size - 1);
                if !range.is_some_and(|range| range == expected || range == open) {
                    return refuse("it is another part of the blob than was asked for".to_owned());
                }
                (0, self.size - self.offset)
            }
            // It does not know how to go on, or does not want to.
            StatusCode::OK => (self.offset, self.size),
            status => return refuse(format!("it is a success of a strange kind, {status}")),
        };
        match length(headers) {
            Some(found) if found != expected => {
                refuse(format!("it has {found} bytes where {expected} were expected"))
            }
            _ => Ok(skip),
        }
    }
}

enum Step {
    Opened,
    Bytes(Bytes),
    End,
}
