//! Stands between a tool and the API server, and stops at one write.
//!
//! ```text
//! tool ──HTTP──▶ proxy ──TLS──▶ API server
//! ```
//!
//! From the write that is meant on, the proxy answers nothing more: it says that the moment has
//! come and keeps the connection, until whoever started the tool has killed it.

use std::{
    future::pending,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use http::{Request, Response, request::Parts};
use http_body_util::{BodyExt as _, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    net::TcpListener,
    sync::{Notify, watch},
    task::JoinSet,
};

use super::case::{Moment, Target};
use crate::error::{Error, Result};

/// A running proxy; it ends when it is dropped.
pub(crate) struct Proxy {
    kubeconfig: PathBuf,
    shared: Arc<Shared>,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    client: kube::Client,
    target: Option<Target>,
    writes: Mutex<Vec<String>>,
    /// Whether the moment has come.
    is_over: AtomicBool,
    moment: Notify,
    /// Requests that the API server has not answered yet.
    under_way: watch::Sender<usize>,
}

impl Proxy {
    /// Starts to listen, and writes a kubeconfig that leads here.
    pub(crate) async fn start(
        client: kube::Client,
        folder: &Path,
        target: Option<Target>,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let kubeconfig = folder.join("proxy.kubeconfig");
        write_kubeconfig(&kubeconfig, listener.local_addr()?.port())?;
        let (writes, is_over, moment) = (Mutex::default(), AtomicBool::default(), Notify::new());
        let under_way = watch::Sender::new(0);
        let shared = Arc::new(Shared { client, target, writes, is_over, moment, under_way });
        let task = tokio::spawn(accept(listener, shared.clone()));
        Ok(Self { kubeconfig, shared, task })
    }

    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The writes so far, with method and path.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.shared.writes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until the moment has come.
    pub(crate) async fn reached(&self) {
        self.shared.moment.notified().await;
    }

    /// Waits until the API server has answered everything that it got.
    pub(crate) async fn idle(&self) {
        // The sender lives as long as this proxy does.
        let _ = self.shared.under_way.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // They end with this task.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let shared = shared.clone();
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let shared = shared.clone();
                async move { shared.serve(request).await }
            });
            // A connection that breaks is what a killed tool leaves.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

impl Shared {
    async fn serve(self: &Arc<Self>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
        let is_write = is_write(&request);
        let number = if is_write { self.note(&request) } else { 0 };
        let moment = self.target.filter(|target| target.number == number).map(|t| t.moment);
        if moment == Some(Moment::Before) {
            return self.stop().await;
        }
        if self.is_over.load(Ordering::SeqCst) {
            return pending().await;
        }
        let answer = self.forward(request).await;
        if moment == Some(Moment::After) {
            return self.stop().await;
        }
        if self.is_over.load(Ordering::SeqCst) {
            return pending().await;
        }
        answer
    }

    /// Takes note of a write, and returns which one it is.
    fn note(&self, request: &Request<Incoming>) -> usize {
        let mut writes = self.writes.lock().unwrap_or_else(PoisonError::into_inner);
        if !self.is_over.load(Ordering::SeqCst) {
            writes.push(format!("{} {}", request.method(), request.uri().path()));
        }
        writes.len()
    }

    async fn stop(&self) -> Result<Response<Full<Bytes>>> {
        self.is_over.store(true, Ordering::SeqCst);
        self.moment.notify_one();
        pending().await
    }

    /// Sends a request that arrives even if the tool is killed before the answer.
    async fn forward(
        self: &Arc<Self>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await.map_err(Error::other)?.to_bytes();
        self.under_way.send_modify(|count| *count += 1);
        let shared = self.clone();
        let answer = tokio::spawn(async move {
            let answer = shared.exchange(parts, body).await;
            shared.under_way.send_modify(|count| *count -= 1);
            answer
        });
        answer.await.map_err(Error::other)?
    }

    async fn exchange(&self, parts: Parts, body: Bytes) -> Result<Response<Full<Bytes>>> {
        let mut forwarded = Request::builder().method(parts.method).uri(parts.uri);
        for name in ["accept", "content-type", "user-agent"] {
            if let Some(value) = parts.headers.get(name) {
                forwarded = forwarded.header(name, value);
            }
        }
        let body = kube::client::Body::from(body.to_vec());
        let response = self.client.send(forwarded.body(body).map_err(Error::other)?).await?;
        let mut answer = Response::builder().status(response.status());
        if let Some(value) = response.headers().get("content-type") {
            answer = answer.header("content-type", value);
        }
        let bytes = response.into_body().collect().await?.to_bytes();
        answer.body(Full::new(bytes)).map_err(Error::other)
    }
}

/// Whether a request changes the cluster.
fn is_write(request: &Request<Incoming>) -> bool {
    let uri = request.uri();
    let is_question = uri.path().contains("/selfsubject");
    let is_dry_run = uri.query().is_some_and(|query| query.contains("dryRun"));
    !(request.method() == "GET" || is_question || is_dry_run)
}

fn write_kubeconfig(path: &Path, port: u16) -> Result<()> {
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "proxy",
                       "cluster": { "server": format!("http://127.0.0.1:{port}") } }],
        "users": [{ "name": "proxy", "user": {} }],
        "contexts": [{ "name": "proxy", "context": { "cluster": "proxy", "user": "proxy" } }],
        "current-context": "proxy",
    });
    Ok(fs_err::write(path, config.to_string())?)
}
