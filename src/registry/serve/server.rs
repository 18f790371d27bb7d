//! Accepts connections and answers requests, with an end to everything.

use std::{
    io,
    net::SocketAddr,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use a4co_bundle::Digest;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request as HttpRequest, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::json;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::Semaphore,
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{
    connection::{Body, body_of},
    held::{HeldImages, SharedFile},
    serve::{
        answer::{Answer, Refusal},
        body::body_from,
        catalog::{Catalog, CatalogError},
        route::{Line, route},
    },
    text::printable,
};

/// Most bytes of the head of a request.
const MOST_HEAD: usize = 16 << 10;
/// How long nothing is accepted after the machine had no more to give, such as file handles.
const EXHAUSTED: Duration = Duration::from_millis(100);

const VERSION: &str = "docker-distribution-api-version";
const DIGEST: &str = "docker-content-digest";
const OCTETS: &str = "application/octet-stream";
const JSON: &str = "application/json";

/// How much whoever asks may take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; others wait.
    pub connections: usize,
    /// How long a connection may do nothing, or take nothing of what it asked for.
    pub idle: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connections: 64, idle: Duration::from_mins(1) }
    }
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Who asked.
    pub peer: SocketAddr,
    /// Method, path and query, made harmless.
    pub line: String,
    /// HTTP status of the answer.
    pub status: u16,
}

/// A registry that can only be read.
pub struct Server<R> {
    inner: Arc<Inner<R>>,
}

struct Inner<R> {
    held: HeldImages<R>,
    catalog: Catalog,
    limits: Limits,
    /// Hears of every request.
    heard: Box<dyn Fn(&Request) + Send + Sync>,
}

/// What a connection did so far: it counts whatever moves.
type Moves = Arc<AtomicU64>;

impl<R: SharedFile> Server<R> {
    /// Makes a server of what `held` has; `heard` hears of every request.
    ///
    /// # Errors
    /// Fails as [`Catalog::new`] does.
    pub fn new(
        held: HeldImages<R>,
        limits: Limits,
        heard: impl Fn(&Request) + Send + Sync + 'static,
    ) -> Result<Self, CatalogError> {
        let catalog = Catalog::new(held.images(), held.stored())?;
        Ok(Self { inner: Arc::new(Inner { held, catalog, limits, heard: Box::new(heard) }) })
    }

    /// Answers whoever connects to `listener` until `end` comes; then all connections are closed.
    ///
    /// # Errors
    /// Does not fail: what goes wrong with one connection ends that one.
    pub async fn run(&self, listener: TcpListener, end: impl Future<Output = ()>) {
        let permits = Arc::new(Semaphore::new(self.inner.limits.connections));
        let mut connections = JoinSet::new();
        let mut end = pin!(end);
        loop {
            let accept = async {
                let permit = permits.clone().acquire_owned().await;
                (permit, listener.accept().await)
            };
            let (permit, accepted) = tokio::select! {
                () = &mut end => return,
                Some(_) = connections.join_next() => continue,
                accepted = accept => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    let inner = self.inner.clone();
                    connections.spawn(async move {
                        inner.attend(stream, peer).await;
                        drop(permit);
                    });
                }
                Err(_) => sleep(EXHAUSTED).await,
            }
        }
    }
}

impl<R: SharedFile> Inner<R> {
    /// Answers one connection as long as something moves.
    async fn attend(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let _ = stream.set_nodelay(true);
        let (moves, idle) = (Moves::default(), self.limits.idle);
        let counted = moves.clone();
        let service = service_fn(move |request| {
            let answer = self.answer(&request, peer, &counted);
            async move { Ok::<_, std::convert::Infallible>(answer) }
        });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(idle)
            .max_buf_size(MOST_HEAD)
            .serve_connection(TokioIo::new(stream), service);
        let mut connection = pin!(connection);
        let mut before = 0;
        loop {
            if timeout(idle, &mut connection).await.is_ok() {
                return;
            }
            let now = moves.load(Ordering::Relaxed);
            if now == before {
                return;
            }
            before = now;
        }
    }

    fn answer(
        &self,
        request: &HttpRequest<Incoming>,
        peer: SocketAddr,
        moves: &Moves,
    ) -> Response<Body> {
        moves.fetch_add(1, Ordering::Relaxed);
        let (method, uri) = (request.method(), request.uri());
        let range = request.headers().get(header::RANGE).and_then(|value| value.to_str().ok());
        let (path, query) = (uri.path(), uri.query().unwrap_or(""));
        let line = Line { method, path, query, range };
        let answer = route(line, &self.catalog, self.held.stored());
        let response = self.respond(&answer, method == Method::HEAD, moves);
        let response =
            response.unwrap_or_else(|_| refusal(Refusal::Broken, method == Method::HEAD));
        let line = printable(&format!("{method} {uri}"));
        (self.heard)(&Request { peer, line, status: response.status().as_u16() });
        response
    }

    fn respond(&self, answer: &Answer, is_head: bool, moves: &Moves) -> io::Result<Response<Body>> {
        match answer {
            Answer::Version => Ok(text(StatusCode::OK, "{}".into(), is_head)),
            Answer::Tags { name, tags } => {
                let list = json!({ "name": name, "tags": tags }).to_string();
                Ok(text(StatusCode::OK, list.into(), is_head))
            }
            Answer::Refusal(refused) => Ok(refusal(*refused, is_head)),
            Answer::Manifest { digest } => self.blob(*digest, None, true, is_head, moves),
            Answer::Blob { digest, part } => {
                self.blob(*digest, part.clone(), false, is_head, moves)
            }
        }
    }

    fn blob(
        &self,
        digest: Digest,
        part: Option<std::ops::Range<u64>>,
        is_document: bool,
        is_head: bool,
        moves: &Moves,
    ) -> io::Result<Response<Body>> {
        let content = self.held.content(digest).ok_or(io::ErrorKind::NotFound)?;
        let size = content.size();
        let media_type = if is_document { content.media_type() } else { OCTETS };
        let media_type =
            HeaderValue::from_str(media_type).unwrap_or(HeaderValue::from_static(OCTETS));
        let length = part.as_ref().map_or(size, |part| part.end - part.start);
        let body = match &part {
            _ if is_head => body_of(Bytes::new()),
            None => body_from(content.whole()?, length),
            Some(part) => body_from(content.part(part.clone())?, length),
        };
        let moves = moves.clone();
        let body = body.map_frame(move |frame| {
            moves.fetch_add(1, Ordering::Relaxed);
            frame
        });
        let mut response = Response::new(body.boxed_unsync());
        let headers = response.headers_mut();
        set(headers, DIGEST, &digest.to_string());
        headers.insert(header::CONTENT_TYPE, media_type);
        headers.insert(header::CONTENT_LENGTH, length.into());
        if !is_document {
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        }
        if let Some(part) = part {
            let range = format!("bytes {}-{}/{size}", part.start, part.end - 1);
            set(headers, "content-range", &range);
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        }
        Ok(common(response))
    }
}

fn text(status: StatusCode, text: Bytes, is_head: bool) -> Response<Body> {
    let length = text.len();
    let mut response = Response::new(body_of(if is_head { Bytes::new() } else { text }));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    common(response)
}

fn refusal(refusal: Refusal, is_head: bool) -> Response<Body> {
    let errors = json!({ "errors": [{ "code": refusal.code(), "message": refusal.message() }] });
    let mut response = text(refusal.status(), errors.to_string().into(), is_head);
    match refusal {
        Refusal::Method => set(response.headers_mut(), "allow", "GET, HEAD"),
        Refusal::Range { size } => {
            set(response.headers_mut(), "content-range", &format!("bytes */{size}"));
        }
        _ => {}
    }
    response
}

fn common(mut response: Response<Body>) -> Response<Body> {
    set(response.headers_mut(), VERSION, "registry/2.0");
    response
}

fn set(headers: &mut HeaderMap, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
