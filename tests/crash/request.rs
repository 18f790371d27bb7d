//! Requests by names that are the same in every run.

use http::{Method, Uri};
use serde_json::Value;

use crate::{fault::Fault, site::Site};

/// A request as the program under test sent it.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Value,
}

/// What a request is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum About {
    Head,
    Lease,
    /// Content that is kept in the cluster.
    Store,
    /// Anything else: an object that people asked for.
    Object,
}

/// A request and what became of it.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// When the program under test wanted to send it, as against others of the same run.
    pub(crate) wanted: u64,
    /// When it was sent.
    pub(crate) moment: u64,
    /// Whether its sender had been overtaken by then.
    pub(crate) is_late: bool,
    pub(crate) request: Request,
    /// Name with its occurrence, such as `PATCH configmaps/added#1`.
    pub(crate) name: String,
    pub(crate) about: About,
    /// What was done to it on purpose.
    pub(crate) fault: Option<Fault>,
    /// What the API server answered; `None` when it never got the request.
    pub(crate) status: Option<u16>,
}

impl Request {
    pub(crate) fn new(method: Method, uri: &Uri, body: &[u8]) -> Self {
        Self {
            method,
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            body: serde_json::from_slice(body).unwrap_or_default(),
        }
    }

    /// Whether it changes the cluster.
    pub(crate) fn is_write(&self) -> bool {
        self.method != Method::GET
            && !self.query.contains("dryRun")
            && !self.path.ends_with("selfsubjectaccessreviews")
    }

    /// Plural and name of the object that it is about; a creation has the name in its body.
    pub(crate) fn object(&self) -> (&str, &str) {
        let mut parts: Vec<&str> = self.path.split('/').filter(|part| !part.is_empty()).collect();
        // `api/v1` or `apis/GROUP/VERSION`
        parts.drain(..parts.len().min(if parts.first() == Some(&"api") { 2 } else { 3 }));
        if parts.len() > 2 && parts.first() == Some(&"namespaces") {
            parts.drain(..2);
        }
        let name = self.body["metadata"]["name"].as_str().unwrap_or_default();
        (parts.first().copied().unwrap_or_default(), parts.get(1).copied().unwrap_or(name))
    }

    pub(crate) fn about(&self, site: &Site) -> About {
        let head = site.head_name();
        match self.object() {
            ("configmaps", name) if name == head => About::Head,
            ("leases", _) => About::Lease,
            ("secrets", name) if name.starts_with(&format!("{head}.")) => About::Store,
            _ => About::Object,
        }
    }

    /// A name without what differs from run to run.
    pub(crate) fn name(&self, site: &Site) -> String {
        let (plural, name) = self.object();
        let name = match self.about(site) {
            About::Head => "head".to_owned(),
            About::Lease => "lease".to_owned(),
            // a4co.APP.CONTENT-DIGEST-INDEX
            About::Store => {
                let name = &name[site.head_name().len() + 1..];
                let mut parts = name.split('-');
                let (content, index) = (parts.next(), parts.next_back());
                format!("{}-{}", content.unwrap_or_default(), index.unwrap_or_default())
            }
            About::Object => site.short_name(name),
        };
        format!("{} {plural}/{name}", self.method)
    }
}

impl Entry {
    /// Whether the API server did it.
    pub(crate) fn is_done(&self) -> bool {
        self.status.is_some_and(|status| (200..300).contains(&status))
    }

    pub(crate) fn is_effective_write(&self) -> bool {
        self.request.is_write() && self.is_done()
    }

    /// One line for a person.
    pub(crate) fn line(&self) -> String {
        let status = self.status.map_or("not sent".to_owned(), |status| status.to_string());
        let fault = self.fault.map_or(String::new(), |fault| format!("  ◀ {fault}"));
        let state = match (self.about, self.request.body["data"]["state"].as_str()) {
            (About::Head, Some(state)) => format!(" ({state})"),
            _ => String::new(),
        };
        let query = if self.request.query.contains("dryRun") { " (dry run)" } else { "" };
        format!("{}{state}{query}: {status}{fault}", self.name)
    }
}
