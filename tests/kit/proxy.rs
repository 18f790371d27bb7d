//! A proxy in front of the API server that records what is asked and makes things go wrong.
//!
//! ```text
//! a4co-apply ──HTTP──▶ proxy, which asks the rule about each request ──TLS──▶ API server
//! ```

use std::{
    io::{self, BufReader},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::json;

use super::{
    Site,
    http::Message,
    running::until,
    upstream::{Address, Upstream},
};

/// What goes wrong with a request.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The connection breaks before the API server gets the request.
    Reset,
    /// The API server does the work, and the connection breaks before the answer.
    LoseAnswer,
    /// The API server gets the request late, even if nobody waits for the answer any more.
    Delay(Duration),
    /// The API server does the work, and something in between answers that it took too long.
    GiveUp,
    /// Something in between answers that the API server is away.
    Unavailable,
    /// The API server answers that it has too much to do.
    Refuse,
    /// The API server does not allow it, as an admission policy would not.
    Forbidden,
    /// The answer begins, and its body never comes.
    Stall,
    /// Something in between answers this text, as the kubelet would with a log.
    Answer(&'static str),
}

/// A request as the proxy got it.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    /// Path without the query.
    pub path: String,
    pub query: String,
    pub body: String,
}

/// Decides what goes wrong with each request.
type Rule = Box<dyn FnMut(&Request) -> Option<Fault> + Send>;

/// A running proxy; it ends when it is dropped.
pub struct Proxy {
    pub kubeconfig: PathBuf,
    port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    address: Address,
    watch: Mutex<Watch>,
    under_way: AtomicUsize,
    is_over: AtomicBool,
}

/// What goes wrong from now on, and what was asked so far.
struct Watch {
    rule: Rule,
    requests: Vec<Request>,
}

impl Request {
    fn of(message: &Message) -> Self {
        let mut parts = message.start.split(' ').map(str::to_owned);
        let (method, target) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        let body = String::from_utf8_lossy(&message.body).into_owned();
        Self { method, path: path.to_owned(), query: query.to_owned(), body }
    }

    /// Whether it changes the cluster.
    pub fn is_write(&self) -> bool {
        self.method != "GET"
            && !self.query.contains("dryRun")
            && !self.path.ends_with("selfsubjectaccessreviews")
    }

    /// Whether it is about the object with this plural and name, such as `configmaps/a`.
    pub fn is_about(&self, object: &str) -> bool {
        self.path.ends_with(&format!("/{object}"))
    }
}

/// `fault` for one request: the one that comes after `before` others that `wanted` accepts.
pub fn nth(
    before: usize,
    fault: Fault,
    wanted: impl Fn(&Request) -> bool + Send + 'static,
) -> impl FnMut(&Request) -> Option<Fault> + Send {
    let mut seen = 0;
    move |request| {
        let is_wanted = wanted(request);
        seen += usize::from(is_wanted);
        (is_wanted && seen == before + 1).then_some(fault)
    }
}

impl Proxy {
    pub fn start(
        site: &Site,
        rule: impl FnMut(&Request) -> Option<Fault> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let kubeconfig = site.path(&format!("proxy-{port}.kubeconfig"));
        write_kubeconfig(&kubeconfig, port);
        let shared = Arc::new(Shared {
            address: Address::of_cluster(site),
            watch: Mutex::new(Watch { rule: Box::new(rule), requests: Vec::new() }),
            under_way: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
        });
        let proxy = Self { kubeconfig, port, shared: shared.clone() };
        thread::spawn(move || shared.accept(&listener));
        proxy
    }

    /// Uses another rule from now on, and forgets what was recorded.
    pub fn restart(&self, rule: impl FnMut(&Request) -> Option<Fault> + Send + 'static) {
        *self.watch() = Watch { rule: Box::new(rule), requests: Vec::new() };
    }

    pub fn requests(&self) -> Vec<Request> {
        self.watch().requests.clone()
    }

    /// Waits until a request comes that `wanted` accepts.
    pub fn wait_for(&self, wanted: impl Fn(&Request) -> bool) {
        until("the request", || self.watch().requests.iter().any(&wanted));
    }

    /// Waits until the API server has got all requests, delayed ones too.
    pub fn wait_until_idle(&self) {
        until("the last request", || self.shared.under_way.load(Ordering::SeqCst) == 0);
    }

    fn watch(&self) -> MutexGuard<'_, Watch> {
        self.shared.watch.lock().unwrap()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

impl Shared {
    fn accept(self: Arc<Self>, listener: &TcpListener) {
        for stream in listener.incoming() {
            if self.is_over.load(Ordering::SeqCst) {
                return;
            }
            let shared = self.clone();
            // A connection that breaks is what this is for.
            thread::spawn(move || stream.and_then(|stream| shared.serve(&stream)));
        }
    }

    fn serve(&self, mut stream: &TcpStream) -> io::Result<()> {
        let mut requests = BufReader::new(stream);
        let mut upstream = None;
        while let Some(message) = Message::read(&mut requests)? {
            self.under_way.fetch_add(1, Ordering::SeqCst);
            let answer = self.answer(&message, &mut upstream);
            self.under_way.fetch_sub(1, Ordering::SeqCst);
            match answer? {
                Some(answer) => answer.write(&mut stream)?,
                None => break,
            }
        }
        Ok(())
    }

    /// The answer to a request; `None` when the connection is to break.
    fn answer(
        &self,
        message: &Message,
        upstream: &mut Option<Upstream>,
    ) -> io::Result<Option<Message>> {
        let fault = self.judge(Request::of(message));
        match fault {
            Some(Fault::Reset) => return Ok(None),
            Some(Fault::Unavailable) => return Ok(Some(unavailable())),
            Some(Fault::Refuse) => return Ok(Some(too_many())),
            Some(Fault::Forbidden) => return Ok(Some(forbidden())),
            Some(Fault::Answer(text)) => return Ok(Some(Message::new("HTTP/1.1 200 OK", text))),
            Some(Fault::Stall) => return Ok(Some(Message::endless("HTTP/1.1 200 OK"))),
            Some(Fault::Delay(time)) => thread::sleep(time),
            Some(Fault::LoseAnswer | Fault::GiveUp) | None => {}
        }
        let upstream = match upstream {
            Some(upstream) => upstream,
            None => upstream.insert(self.address.connect()?),
        };
        let answer = upstream.ask(message)?;
        Ok(match fault {
            Some(Fault::LoseAnswer) => None,
            Some(Fault::GiveUp) => Some(status(504, "Timeout", "no answer in time")),
            _ => Some(answer),
        })
    }

    fn judge(&self, request: Request) -> Option<Fault> {
        let mut watch = self.watch.lock().unwrap();
        let fault = (watch.rule)(&request);
        watch.requests.push(request);
        fault
    }
}

fn unavailable() -> Message {
    let message = "the server is currently unable to handle the request";
    status(503, "ServiceUnavailable", message)
}

fn too_many() -> Message {
    status(429, "TooManyRequests", "too many requests, please try again later")
}

fn forbidden() -> Message {
    status(403, "Forbidden", "denied by a policy")
}

fn status(code: u16, reason: &str, message: &str) -> Message {
    let status = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": code,
    });
    Message::new(&format!("HTTP/1.1 {code} {reason}"), &status.to_string())
}

pub fn write_kubeconfig(path: &Path, port: u16) {
    let server = format!("http://127.0.0.1:{port}");
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{ "name": "proxy", "cluster": { "server": server } }],
        "users": [{ "name": "proxy", "user": {} }],
        "contexts": [{ "name": "proxy", "context": { "cluster": "proxy", "user": "proxy" } }],
        "current-context": "proxy",
    });
    fs_err::write(path, config.to_string()).unwrap();
}
