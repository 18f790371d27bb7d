//! The wire between the program under test and the API server, on which things go wrong.
//!
//! A fault strikes one request, known by its name. Where the command is to stop there, the wire
//! lets through what came before and holds back what comes after, so that the same name is the same
//! run again, although several requests are under way at once.

use std::{
    collections::BTreeMap,
    future, io,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use a4co_cluster::Client;
use futures::FutureExt as _;
use http::Response;
use kube::client::Body;
use serde_json::json;
use tokio::sync::watch;
use tower::BoxError;

use crate::{
    cluster::Cluster,
    fault::{self, Fault},
    request::{Entry, Request},
    site::Site,
    stand_in,
};

/// What somebody writes who meddles.
pub(crate) const MEDDLED: &str = "meddled+";

/// One command's connection to the API server.
#[derive(Clone)]
pub(crate) struct Wire(Arc<Shared>);

struct Shared {
    cluster: Cluster,
    site: Site,
    record: Mutex<Record>,
    /// Whether requests pass.
    gate: watch::Sender<bool>,
    /// Whether the command is to stop.
    stop: watch::Sender<bool>,
    /// Requests that the API server has not answered yet.
    under_way: watch::Sender<usize>,
}

struct Record {
    /// Which fault strikes which request, until it has.
    fault: Option<(Fault, String)>,
    /// Path of the object that somebody meddles with.
    meddled: Option<String>,
    seen: BTreeMap<String, usize>,
    entries: Vec<Entry>,
    /// A request that arrives after its command has ended, with the number of its entry.
    parked: Option<(usize, http::Request<Body>)>,
}

/// What to do with a request.
struct Judgement {
    entry: Entry,
    is_held_back: bool,
}

impl Wire {
    pub(crate) fn new(cluster: &Cluster, site: &Site, fault: Option<(Fault, String)>) -> Self {
        Self(Arc::new(Shared {
            cluster: cluster.clone(),
            site: site.clone(),
            record: Mutex::new(Record {
                fault,
                meddled: None,
                seen: BTreeMap::new(),
                entries: Vec::new(),
                parked: None,
            }),
            gate: watch::Sender::new(true),
            stop: watch::Sender::new(false),
            under_way: watch::Sender::new(0),
        }))
    }

    /// A client whose requests go over this wire.
    pub(crate) fn client(&self) -> Client {
        let shared = self.0.clone();
        let service = tower::service_fn(move |request| carry(shared.clone(), request));
        Client::over(kube::Client::new(service, "default"), "the wire".to_owned())
    }

    /// Says which object somebody meddles with when that is the fault.
    pub(crate) fn will_meddle(&self, path: Option<String>) {
        self.0.record().meddled = path;
    }

    /// Completes when the command is to stop.
    pub(crate) async fn stopped(&self) {
        if self.0.stop.subscribe().wait_for(|stop| *stop).await.is_err() {
            future::pending::<()>().await;
        }
    }

    /// Whether the fault has struck.
    pub(crate) fn has_struck(&self) -> bool {
        self.0.record().fault.is_none()
    }

    /// Lets everything pass that was held back, and all that comes.
    pub(crate) fn open(&self) {
        self.0.gate.send_replace(true);
    }

    /// Waits until the API server has answered what it got.
    pub(crate) async fn idle(&self) {
        // The sender lives as long as this wire does.
        let _ = self.0.under_way.subscribe().wait_for(|count| *count == 0).await;
    }

    /// Marks what was sent since `moment`.
    pub(crate) fn mark_late(&self, moment: u64) {
        for entry in &mut self.0.record().entries {
            entry.is_late |= entry.moment >= moment;
        }
    }

    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.0.record().entries.clone()
    }

    /// Lets the request arrive that is still on its way, and tells what became of it.
    pub(crate) async fn deliver(&self) -> Option<Entry> {
        let (index, request) = self.0.record().parked.take()?;
        let moment = next_moment();
        // What is answered is of no interest to anybody any more.
        let _ = self.0.forward(index, request).await;
        let mut entry = self.0.record().entries.get(index).cloned()?;
        (entry.moment, entry.is_late) = (moment, true);
        Some(entry)
    }
}

impl Shared {
    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Names a request, and decides what happens to it.
    fn judge(&self, request: Request) -> Judgement {
        let mut record = self.record();
        let mut name = request.name(&self.site);
        if request.is_write() {
            let seen = record.seen.entry(name.clone()).or_default();
            *seen += 1;
            name = format!("{name}#{seen}");
        }
        let is_held_back = !*self.gate.borrow();
        let is_meant = |(_, wanted): &mut (Fault, String)| request.is_write() && *wanted == name;
        let fault = record.fault.take_if(is_meant).map(|(fault, _)| fault);
        if fault.is_some_and(Fault::stops) {
            self.gate.send_replace(false);
        }
        let about = request.about(&self.site);
        let wanted = next_moment();
        let (moment, is_late, status) = (0, false, None);
        let entry = Entry { wanted, moment, is_late, request, name, about, fault, status };
        Judgement { entry, is_held_back }
    }

    fn note(&self, mut entry: Entry) -> usize {
        entry.moment = next_moment();
        let entries = &mut self.record().entries;
        entries.push(entry);
        entries.len() - 1
    }

    async fn opened(&self) {
        if self.gate.subscribe().wait_for(|open| *open).await.is_err() {
            future::pending::<()>().await;
        }
    }

    /// Sends a request that reaches the API server even if nobody waits for the answer.
    async fn forward(
        self: &Arc<Self>,
        index: usize,
        request: http::Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        self.under_way.send_modify(|count| *count += 1);
        let shared = self.clone();
        let answer = tokio::spawn(async move {
            let answer = shared.exchange(index, request).await;
            shared.under_way.send_modify(|count| *count -= 1);
            answer
        });
        answer.await?
    }

    async fn exchange(
        &self,
        index: usize,
        request: http::Request<Body>,
    ) -> Result<Response<Body>, BoxError> {
        let is_read = request.method() == http::Method::GET;
        let path = is_read.then(|| request.uri().path().to_owned());
        let (parts, body) = self.cluster.kube.send(request).await?.into_parts();
        let bytes = body.collect_bytes().await?;
        if let (Some(path), true) = (path, parts.status.is_success()) {
            stand_in::learn(&path, &bytes);
        }
        if let Some(entry) = self.record().entries.get_mut(index) {
            entry.status = Some(parts.status.as_u16());
        }
        Ok(Response::from_parts(parts, Body::from(bytes.to_vec())))
    }
}

/// A number for each moment, in their order.
pub(crate) fn next_moment() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Carries one request. What happens to it is decided when it comes, not when it is awaited.
fn carry(
    shared: Arc<Shared>,
    request: http::Request<Body>,
) -> impl Future<Output = Result<Response<Body>, BoxError>> + Send {
    let (parts, body) = request.into_parts();
    // The body is in memory, so it is there at once.
    let bytes = body.collect_bytes().now_or_never().and_then(Result::ok).unwrap_or_default();
    let asked = Request::new(parts.method.clone(), &parts.uri, &bytes);
    let known = stand_in::answer(&asked);
    let judged = shared.judge(asked);
    let request = http::Request::from_parts(parts, Body::from(bytes.to_vec()));
    async move {
        let Judgement { entry, is_held_back } = judged;
        let fault = entry.fault;
        if is_held_back {
            shared.opened().await;
        }
        if fault == Some(Fault::Pause) {
            shared.stop.send_replace(true);
            shared.opened().await;
        }
        if let Some(known) = known {
            return Ok(known);
        }
        let index = shared.note(entry);
        match fault {
            None | Some(Fault::Pause) => shared.forward(index, request).await,
            Some(Fault::Meddling) => {
                let path = shared.record().meddled.clone();
                if let Some(path) = path {
                    let fields = json!({ "data": { "text": MEDDLED } });
                    shared.cluster.merge(&path, &fields).await?;
                }
                shared.forward(index, request).await
            }
            Some(Fault::KillBefore) => {
                shared.stop.send_replace(true);
                future::pending().await
            }
            Some(Fault::KillAfter) => {
                let _ = shared.forward(index, request).await;
                shared.stop.send_replace(true);
                future::pending().await
            }
            Some(Fault::ReplyLost) => {
                shared.forward(index, request).await?;
                Err(io::Error::from(io::ErrorKind::ConnectionReset).into())
            }
            Some(Fault::Error) => Ok(fault::internal_error()),
            Some(Fault::ErrorAfter) => {
                shared.forward(index, request).await?;
                Ok(fault::internal_error())
            }
            Some(Fault::Conflict) => Ok(fault::conflict()),
            Some(Fault::Late) => {
                shared.record().parked = Some((index, request));
                future::pending().await
            }
            Some(Fault::TimeoutAfter) => {
                let _ = shared.forward(index, request).await;
                future::pending().await
            }
        }
    }
}
