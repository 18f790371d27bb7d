//! Sends a blob in parts that a broken connection does not undo (OCI distribution specification,
//! "Pushing a blob in chunks").
//!
//! ```text
//! POST ──▶ session ──▶ PATCH part ──▶ PATCH part ──▶ … ──▶ digest right? ──▶ PUT
//!             ▲            │ fails                            │ wrong
//!             └── GET: how much is there?                     └──▶ DELETE, nothing is offered
//! ```
//!
//! A registry that does not say how much there is, or has given the session up, gets the blob anew;
//! distribution 2.8 (`docker-registry`) does that whenever a part came in part.
//!
//! A registry that refuses a part gets the blob whole, in one `PATCH` without `Content-Range`, as
//! Docker sends it: GitHub's takes no part over 4 MiB (416), Google's Artifact Registry no parts at
//! all. What breaks then is begun anew.

use std::{io, sync::Arc};

use a4co_bundle::Digest;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::BodyExt as _;
use tokio::task::spawn_blocking;

use crate::{
    address::follow,
    client::{Client, location},
    connection::{Answer, Body},
    content::{Content, PartBody, Place, advance},
    error::RegistryError,
    progress::Event,
    request::{Ask, Party},
    text::in_query,
};

/// Bytes of one part: what a broken connection costs at most.
const PART: u64 = 16 << 20;
/// Largest part that a registry may ask for, as cloud storage behind it has its own smallest.
const LARGEST_PART: u64 = 256 << 20;
/// How a registry says the smallest part that it takes.
const SMALLEST_PART: &str = "oci-chunk-min-length";

/// A blob on its way into a registry.
pub(crate) struct Upload<'a> {
    client: &'a Client,
    party: Party<'a>,
    digest: Digest,
    size: u64,
    content: Arc<dyn Content>,
    session: Option<Session>,
    /// Whether it is sent in one request.
    is_whole: bool,
    /// Failures since the registry last had more than ever before.
    failures: u32,
    /// The most that the registry ever had.
    most: u64,
}

/// What the registry keeps of an upload.
struct Session {
    uri: Uri,
    /// What it has for sure.
    place: Place,
    /// Whether it may have more.
    is_uncertain: bool,
    part: u64,
}

impl<'a> Upload<'a> {
    pub(crate) fn new(
        client: &'a Client,
        party: Party<'a>,
        digest: Digest,
        size: u64,
        content: Arc<dyn Content>,
    ) -> Self {
        let (session, is_whole, failures, most) = (None, false, 0, 0);
        Self { client, party, digest, size, content, session, is_whole, failures, most }
    }

    /// Sends the blob, as long as going on may help.
    pub(crate) async fn run(mut self) -> Result<(), RegistryError> {
        loop {
            match self.step().await {
                Ok(true) => return Ok(()),
                Ok(false) => {}
                Err(error) => {
                    self.failures += 1;
                    if let Some(session) = &mut self.session {
                        session.is_uncertain = true;
                    }
                    self.recover(error).await?;
                }
            }
        }
    }

    /// Pauses, begins a new session, or gives up.
    async fn recover(&mut self, error: RegistryError) -> Result<(), RegistryError> {
        let may_go_on = self.failures < self.client.options().retry.attempts;
        if let (Some(session), Some(status), true) = (&self.session, error.status(), may_go_on) {
            match after_refusal(status, session.place.offset, self.size, self.is_whole) {
                // A token ran out, and there is a new one.
                AfterRefusal::SameAgain if self.failures < 3 => return Ok(()),
                AfterRefusal::Anew => {
                    self.session = None;
                    return Ok(());
                }
                AfterRefusal::Whole => {
                    self.cancel().await;
                    self.is_whole = true;
                    return Ok(());
                }
                AfterRefusal::SameAgain | AfterRefusal::AsUsual => {}
            }
        }
        if !error.is_transient() || !may_go_on {
            self.cancel().await;
        }
        self.client.pause(self.failures, error).await
    }

    /// Does the next thing; returns whether it was the last.
    async fn step(&mut self) -> Result<bool, RegistryError> {
        match &self.session {
            None => self.begin().await.map(|()| false),
            Some(session) if session.is_uncertain => self.ask_offset().await,
            Some(session) if session.place.offset < self.size => {
                self.send_part().await.map(|()| false)
            }
            Some(_) => self.finish().await.map(|()| true),
        }
    }

    async fn begin(&mut self) -> Result<(), RegistryError> {
        let uri = self.party.uri("blobs/uploads/")?;
        let answer = self.client.ask_well(self.party, &Ask::new(Method::POST, uri.clone())).await?;
        let smallest = answer.headers().get(SMALLEST_PART).and_then(|it| it.to_str().ok());
        let smallest = smallest.and_then(|it| it.parse().ok()).unwrap_or(0);
        let part = if self.is_whole { self.size } else { PART.max(smallest).min(LARGEST_PART) };
        let uri = self.next_uri(&uri, &answer)?;
        let (digest, size) = (self.digest, self.size);
        self.client.observe(&Event::Started { digest, size, offset: 0 });
        let place = Place::default();
        self.session = Some(Session { uri, place, is_uncertain: false, part });
        Ok(())
    }

    /// Asks how much the registry has; returns whether it has all, checked and stored. One that
    /// cannot say it gets the blob anew: that it cannot is no reason to give up.
    async fn ask_offset(&mut self) -> Result<bool, RegistryError> {
        match self.find_offset().await {
            Err(error) if !may_be_asked_again(&error) => {
                self.session = None;
                Ok(false)
            }
            found => found,
        }
    }

    async fn find_offset(&mut self) -> Result<bool, RegistryError> {
        // The last request may have come through, and only its answer been lost.
        let Some(session) = &self.session else { return Ok(false) };
        let is_sent = session.place.offset == self.size;
        if is_sent && self.client.looks_for_blob(self.party, self.digest).await? {
            return Ok(true);
        }
        if self.is_whole && !is_sent {
            self.cancel().await;
            return Ok(false);
        }
        let ask = Ask::new(Method::GET, session.uri.clone());
        let answer = self.client.ask_well(self.party, &ask).await?;
        let uri = self.next_uri(&session.uri, &answer).unwrap_or_else(|_| session.uri.clone());
        let offset = self.offset_of(&answer, session.place.offset)?;
        let place = if offset < session.place.offset {
            // It lost some; all has to be sent again.
            Place::default()
        } else {
            let (content, place) = (self.content.clone(), session.place.clone());
            let advanced = spawn_blocking(move || advance(&*content, &place, offset)).await;
            advanced.map_err(io::Error::from).and_then(|it| it).map_err(|it| self.local(it))?
        };
        match &mut self.session {
            Some(session) if place.offset == offset && (is_sent || !self.is_whole) => {
                (session.uri, session.place, session.is_uncertain) = (uri, place, false);
            }
            _ => self.session = None,
        }
        Ok(false)
    }

    async fn send_part(&mut self) -> Result<(), RegistryError> {
        let Some(session) = &self.session else { return Ok(()) };
        let from = session.place.offset;
        let length = session.part.min(self.size - from);
        let (body, sending) = PartBody::new(&*self.content, &session.place, length)
            .map_err(|error| self.local(error))?;
        let mut request: Request<Body> = Request::new(body.boxed_unsync());
        *request.method_mut() = Method::PATCH;
        *request.uri_mut() = session.uri.clone();
        let octets = HeaderValue::from_static("application/octet-stream");
        request.headers_mut().insert(header::CONTENT_TYPE, octets);
        if !self.is_whole
            && let Ok(range) = HeaderValue::try_from(format!("{from}-{}", from + length - 1))
        {
            request.headers_mut().insert(header::CONTENT_RANGE, range);
        }
        let mut seen = 0;
        let is_alive = || {
            let moved = sending.moved();
            std::mem::replace(&mut seen, moved) != moved
        };
        let answer = self.client.send_once(self.party, request, is_alive).await;
        let end = sending.take_end().transpose().map_err(|error| self.local(error))?;
        let answer = answer?;
        if !answer.status().is_success() {
            return Err(self.client.refusal(self.party, answer).await);
        }
        let place = end.ok_or_else(|| self.party.strange("it took less than was sent"))?;
        let uri = self.next_uri(&session.uri, &answer)?;
        let told = self.offset_of(&answer, place.offset).ok().filter(|_| !self.is_whole);
        let has = told.unwrap_or(place.offset);
        if let Some(session) = &mut self.session {
            session.uri = uri;
        }
        if has != place.offset {
            let wanted = Box::new(self.party.wanted.clone());
            let source = format!("it has {has} bytes where {} were sent", place.offset).into();
            return Err(RegistryError::Interrupted { wanted, source });
        }
        self.client.observe(&Event::Transferred { digest: self.digest, bytes: length });
        if has > self.most {
            (self.most, self.failures) = (has, 0);
        }
        if let Some(session) = &mut self.session {
            session.place = place;
        }
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), RegistryError> {
        let Some(session) = &self.session else { return Ok(()) };
        let computed = session.place.digester.clone().finish();
        if computed != self.digest {
            let (wanted, expected) = (Box::new(self.party.wanted.clone()), self.digest);
            return Err(RegistryError::Damaged { wanted, expected, computed });
        }
        let separator = if session.uri.query().is_some() { '&' } else { '?' };
        let digest = in_query(&self.digest.to_string());
        let uri = format!("{}{separator}digest={digest}", session.uri);
        let uri =
            uri.parse().map_err(|_| self.party.strange("its session has a URL that is none"))?;
        let mut ask = Ask::new(Method::PUT, uri);
        ask.deadline = Some(self.client.options().timeouts.store);
        self.client.ask_well(self.party, &ask).await?;
        self.session = None;
        Ok(())
    }

    /// Gives the session back, if the registry cares.
    async fn cancel(&mut self) {
        if let Some(session) = self.session.take() {
            let _ = self.client.ask(self.party, &Ask::new(Method::DELETE, session.uri)).await;
        }
    }

    fn next_uri(&self, base: &Uri, answer: &Answer) -> Result<Uri, RegistryError> {
        let next = location(answer).and_then(|location| follow(base, location));
        next.map_err(|source| RegistryError::Location {
            wanted: Box::new(self.party.wanted.clone()),
            source,
        })
    }

    /// Reads `Range: 0-N` as how many bytes there are. `0-0` is what registries say after the first
    /// byte and before it, so it is one byte only where one is `known`.
    fn offset_of(&self, answer: &Answer, known: u64) -> Result<u64, RegistryError> {
        let range = answer.headers().get(header::RANGE).and_then(|it| it.to_str().ok());
        let range = range.map(|it| it.strip_prefix("bytes=").unwrap_or(it));
        let last = range.and_then(|it| it.strip_prefix("0-")).and_then(|it| it.parse::<u64>().ok());
        match last {
            None => Err(self.party.strange("it does not say how much of the blob it has")),
            Some(0) => Ok(u64::from(known == 1)),
            Some(last) if last < self.size => Ok(last + 1),
            Some(_) => {
                Err(self.party.strange("it says that it has more of the blob than there is"))
            }
        }
    }

    fn local(&self, source: io::Error) -> RegistryError {
        RegistryError::Local { wanted: Box::new(self.party.wanted.clone()), source }
    }
}

/// What a refusal to a request of a session leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AfterRefusal {
    /// The same session goes on.
    SameAgain,
    /// A new session.
    Anew,
    /// A new session, and the blob in one request.
    Whole,
    /// A pause, or the end.
    AsUsual,
}

/// Decides what the refusal `status` leads to, where the registry took `offset` of `size` bytes.
fn after_refusal(status: StatusCode, offset: u64, size: u64, is_whole: bool) -> AfterRefusal {
    match status.as_u16() {
        401 => AfterRefusal::SameAgain,
        403 | 408 | 429 => AfterRefusal::AsUsual,
        // It took parts before, and lost the session.
        404 | 410 if offset > 0 => AfterRefusal::Anew,
        // Of what it has whole, it says that it is something else: it put the parts together wrong.
        400..500 if !is_whole && (offset < size || status == StatusCode::BAD_REQUEST) => {
            AfterRefusal::Whole
        }
        _ => AfterRefusal::AsUsual,
    }
}

/// Returns whether the same may be asked again: there was no answer, or a token ran out, or this
/// machine failed.
fn may_be_asked_again(error: &RegistryError) -> bool {
    matches!(
        error,
        RegistryError::Interrupted { .. }
            | RegistryError::Unreachable { .. }
            | RegistryError::Timeout { .. }
            | RegistryError::Local { .. }
    ) || error.status() == Some(StatusCode::UNAUTHORIZED)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_leads_on_as_long_as_there_is_another_way() {
        use AfterRefusal::{Anew, AsUsual, SameAgain, Whole};
        for (case, status, offset, is_whole, expected) in [
            ("the first part is too large", 416, 0, false, Whole),
            ("parts are not known", 405, 0, false, Whole),
            ("a later part is refused", 416, 5, false, Whole),
            ("the parts are put together wrong", 400, 9, false, Whole),
            ("the whole is refused", 416, 0, true, AsUsual),
            ("the whole is something else", 400, 9, true, AsUsual),
            ("it may not be", 403, 0, false, AsUsual),
            ("too many requests", 429, 0, false, AsUsual),
            ("the registry is broken", 503, 5, false, AsUsual),
            ("a token ran out", 401, 5, false, SameAgain),
            ("the session is gone", 404, 5, false, Anew),
            ("a session that was never there", 404, 0, false, Whole),
        ] {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(after_refusal(status, offset, 9, is_whole), expected, "{case}");
        }
    }
}
