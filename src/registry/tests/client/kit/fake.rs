//! A registry that does what a test says.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::tls;

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Received {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn is(&self, method: &str, target: &str) -> bool {
        self.method == *method && self.target == target
    }
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Bytes,
    then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    End,
    /// The connection breaks.
    Break,
    /// The body goes on without end.
    GoOn,
    /// The body goes on without end, a byte now and then.
    Trickle,
    /// Nothing comes any more.
    Hang,
    /// The connection breaks before anything comes.
    Silence,
}

impl Reply {
    pub(crate) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), then: Then::End }
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Breaks the connection after the body, which was promised to be `promised` bytes.
    pub(crate) fn break_of(self, promised: usize) -> Self {
        Self { then: Then::Break, ..self }.header("content-length", &promised.to_string())
    }

    pub(crate) fn endless(self) -> Self {
        Self { then: Then::GoOn, ..self }
    }

    pub(crate) fn trickle(self) -> Self {
        Self { then: Then::Trickle, ..self }
    }

    pub(crate) fn hang(self) -> Self {
        Self { then: Then::Hang, ..self }
    }

    /// Breaks the connection without an answer.
    pub(crate) fn silence() -> Self {
        Self { then: Then::Silence, ..Self::new(200) }
    }

    fn into_response(self, sent: Arc<AtomicU64>) -> Response<UnsyncBoxBody<Bytes, io::Error>> {
        let length = self.body.len().to_string();
        let first = stream::iter([Ok(self.body)]);
        let body = match self.then {
            Then::End => first.boxed(),
            // What was sent is on its way before it breaks.
            Then::Break => {
                let broken = async {
                    tokio::task::yield_now().await;
                    Err(io::ErrorKind::Other.into())
                };
                first.chain(stream::once(broken)).boxed()
            }
            Then::GoOn => {
                first.chain(stream::repeat_with(|| Ok(Bytes::from(vec![b' '; 65_536])))).boxed()
            }
            Then::Trickle => {
                let byte = |()| async {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    Some((Ok(Bytes::from_static(b" ")), ()))
                };
                first.chain(stream::unfold((), byte)).boxed()
            }
            Then::Hang | Then::Silence => first.chain(stream::pending()).boxed(),
        };
        let counted = body.map(move |piece: io::Result<Bytes>| {
            let piece = piece?;
            sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            Ok(Frame::data(piece))
        });
        let mut response = Response::builder().status(self.status);
        if self.then == Then::End && self.status != 204 {
            response = response.header("content-length", length);
        }
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(StreamBody::new(counted).boxed_unsync()).unwrap()
    }
}

type Handler = dyn Fn(&Received) -> Reply + Send + Sync;

/// A registry that runs as long as the runtime of its test.
pub(crate) struct Fake {
    pub(crate) host: String,
    received: Arc<Mutex<Vec<Received>>>,
    sent: Arc<AtomicU64>,
}

impl Fake {
    pub(crate) async fn start(
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::start_with(None, handler).await
    }

    /// With TLS, if there is an acceptor.
    pub(crate) async fn start_with(
        tls: Option<tls::Acceptor>,
        handler: impl Fn(&Received) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let fake = Self { host, received: Arc::default(), sent: Arc::default() };
        let (received, sent) = (fake.received.clone(), fake.sent.clone());
        let handler: Arc<Handler> = Arc::new(handler);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (received, sent, handler) = (received.clone(), sent.clone(), handler.clone());
                let tls = tls.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| {
                        answer(request, received.clone(), sent.clone(), handler.clone())
                    });
                    // A connection that breaks is what some tests are about.
                    let _ = match tls {
                        None => {
                            http1::Builder::new()
                                .serve_connection(TokioIo::new(stream), service)
                                .await
                        }
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => {
                                http1::Builder::new()
                                    .serve_connection(TokioIo::new(stream), service)
                                    .await
                            }
                            Err(_) => Ok(()),
                        },
                    };
                });
            }
        });
        fake
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    /// How many requests came of a kind.
    pub(crate) fn count(&self, method: &str, part: &str) -> usize {
        let is_meant = |it: &&Received| it.method == *method && it.target.contains(part);
        self.received().iter().filter(is_meant).count()
    }

    /// Bytes of bodies that were sent.
    pub(crate) fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }
}

async fn answer(
    request: Request<Incoming>,
    received: Arc<Mutex<Vec<Received>>>,
    sent: Arc<AtomicU64>,
    handler: Arc<Handler>,
) -> io::Result<Response<UnsyncBoxBody<Bytes, io::Error>>> {
    let (head, body) = request.into_parts();
    // What comes of a body that breaks counts, too: a registry keeps it.
    let mut bytes = Vec::new();
    let mut body = body;
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    let request = Received {
        method: head.method,
        target: head.uri.path_and_query().unwrap().to_string(),
        headers: head.headers,
        body: bytes.into(),
    };
    // As the specification and some registries want it.
    let has_length =
        ["content-length", "transfer-encoding"].iter().any(|it| request.header(it).is_some());
    let needs_length = ["POST", "PUT", "PATCH"].contains(&request.method.as_str());
    let reply = if needs_length && !has_length { Reply::new(411) } else { handler(&request) };
    received.lock().unwrap().push(request);
    if reply.then == Then::Silence {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(reply.into_response(sent))
}
