//! Requests to the API server, the only place that sends any.
//!
//! Every request has a deadline. Answers other than success become an [`ApiError`] that names what
//! was asked and keeps the server's own words and causes.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use kube::{
    Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    connect::{Connect, ConnectError},
    connection,
    error::ApiError,
    list::List,
    mutant::{self, Mutant},
    term::Term,
};

/// Field manager of every object that a release owns. It never changes.
pub const FIELD_MANAGER: &str = "a4co";

/// How long one request may take; longer than the API server's own 60 s limit for mutations helps
/// nobody.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// How long an API server that has answered before may stay away, as it does when it restarts, or
/// have too much to do.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long an API server may fail inside, as it does while its storage elects a leader.
const PATIENCE_WITH_FAULTS: Duration = Duration::from_secs(10);

/// Largest answer that is read. A list of 500 objects of 1.5 MiB each, the most that Kubernetes
/// stores of one, is larger still; but nobody has that.
const LARGEST_ANSWER: usize = 512 << 20;

const NONE: Duration = Duration::ZERO;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

const JSON: &str = "application/json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";
const MERGE_PATCH: &str = "application/merge-patch+json";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// A connection to one API server as one user.
#[derive(Clone)]
pub struct Client {
    kube: kube::Client,
    server: String,
    /// How long one request may take.
    timeout: Duration,
    has_answered: Arc<AtomicBool>,
    /// Whether a write got no answer, so that it may still be under way.
    has_lost: Arc<AtomicBool>,
    /// When writes have to end.
    term: Option<Term>,
}

/// How much of an object is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// All of it.
    Whole,
    /// Its metadata.
    Metadata,
}

/// Whether a write is meant, or only asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// The write happens.
    Real,
    /// The API server does everything but store the result.
    DryRun,
}

/// What becomes of the objects that a deleted object owns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dependents {
    /// They are deleted too.
    Follow,
    /// They stay, and whoever selects them next owns them.
    Stay,
}

/// What happens when another field manager owns a field with another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conflicts {
    /// The write is refused.
    Refuse,
    /// The fields change hands.
    Force,
}

impl Client {
    /// Connects as `connect` says. Nothing is sent yet.
    ///
    /// # Errors
    /// Fails when there is no usable kubeconfig and no in-cluster account.
    pub async fn new(connect: &Connect) -> Result<Self, ConnectError> {
        let config = load_config(connect).await?;
        let server = config.cluster_url.to_string();
        let kube = connection::open(config).map_err(ConnectError::Client)?;
        Ok(Self::over(kube, server))
    }

    /// Uses a connection that exists, which may be one that watches or breaks requests. `server` is
    /// what errors call it.
    #[must_use]
    pub fn over(kube: kube::Client, server: String) -> Self {
        let (has_answered, has_lost) = (Arc::default(), Arc::default());
        Self { kube, server, timeout: REQUEST_TIMEOUT, has_answered, has_lost, term: None }
    }

    /// Gives up on a request after `timeout`.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Returns a client that writes nothing after `term`.
    pub(crate) fn within(&self, term: Term) -> Self {
        Self { term: Some(term), ..self.clone() }
    }

    /// Returns whether a write got no answer, so that it may still be under way.
    pub(crate) fn has_lost_writes(&self) -> bool {
        self.has_lost.load(Ordering::Relaxed)
    }

    /// Returns what errors call the server: its URL.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Reads the object at `path`; `None` when it does not exist.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
    ) -> Result<Option<T>, ApiError> {
        let accept = match form {
            Form::Whole => JSON,
            Form::Metadata => METADATA,
        };
        optional(self.read(path, accept).await)
    }

    /// Reads a page of the objects at `path`; `None` when their kind is not served.
    pub(crate) async fn list<T: DeserializeOwned>(
        &self,
        path: &str,
        form: Form,
    ) -> Result<Option<List<T>>, ApiError> {
        let accept = match form {
            Form::Whole => JSON,
            Form::Metadata => METADATA_LIST,
        };
        optional(self.read(path, accept).await)
    }

    /// Asks for `path` and returns the answer as soon as it begins; the body comes as it comes, which
    /// for a log may be without end.
    pub(crate) async fn open(&self, path: &str) -> Result<Response<Body>, ApiError> {
        let asked = || format!("GET {}", path.split('?').next().unwrap_or(path));
        let request = Request::get(path)
            .body(Body::empty())
            .map_err(|source| ApiError::Request { asked: asked(), source })?;
        let answer = tokio::time::timeout(self.timeout, self.kube.send(request))
            .await
            .map_err(|_| ApiError::Timeout { asked: asked(), after: self.timeout })?;
        let unreachable =
            |source| ApiError::Unreachable { server: self.server.clone(), asked: asked(), source };
        let response = answer.map_err(unreachable)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let status = response.status().as_u16();
        let body = tokio::time::timeout(self.timeout, response.into_body().collect())
            .await
            .map_err(|_| ApiError::Timeout { asked: asked(), after: self.timeout })?;
        let body = body.map_err(unreachable)?.to_bytes();
        Err(ApiError::from_status(asked(), status, &body))
    }

    /// Creates an object below `path`, of which the answer says no more than the metadata.
    pub(crate) async fn create_large(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<(), ApiError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.send::<IgnoredAny>(Method::POST, &path, METADATA, (JSON, encode(body))).await?;
        Ok(())
    }

    /// Creates an object below `path`.
    pub(crate) async fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, ApiError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.send(Method::POST, &path, JSON, (JSON, encode(body))).await
    }

    /// Replaces the object at `path`; its `resourceVersion` decides who wins a race.
    pub(crate) async fn replace<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, ApiError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.send(Method::PUT, &path, JSON, (JSON, encode(body))).await
    }

    /// Applies `manifest` to the object at `path` (server-side apply) in the name of `manager`.
    pub(crate) async fn apply(
        &self,
        path: &str,
        manager: &str,
        manifest: &Value,
        conflicts: Conflicts,
        effect: Effect,
    ) -> Result<Applied, ApiError> {
        let mut path = format!("{path}?fieldManager={manager}&fieldValidation=Strict");
        if conflicts == Conflicts::Force {
            path.push_str("&force=true");
        }
        if effect == Effect::DryRun {
            path.push_str("&dryRun=All");
        }
        self.send(Method::PATCH, &path, METADATA, (APPLY_PATCH, encode(manifest))).await
    }

    /// Changes the object at `path` by a merge patch (RFC 7386).
    pub(crate) async fn merge(
        &self,
        path: &str,
        manager: &str,
        change: &Value,
    ) -> Result<Applied, ApiError> {
        let path = format!("{path}?fieldManager={manager}");
        self.send(Method::PATCH, &path, METADATA, (MERGE_PATCH, encode(change))).await
    }

    /// Asks whether an object could be created below `path`.
    pub(crate) async fn preview_create(
        &self,
        path: &str,
        manifest: &Value,
    ) -> Result<(), ApiError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&dryRun=All");
        self.send::<IgnoredAny>(Method::POST, &path, METADATA, (JSON, encode(manifest))).await?;
        Ok(())
    }

    /// Asks what applying `manifest` would make of the object at `path`, all of it.
    pub(crate) async fn preview_apply(
        &self,
        path: &str,
        manifest: &Value,
        conflicts: Conflicts,
    ) -> Result<Value, ApiError> {
        let force = conflicts == Conflicts::Force;
        let path = format!(
            "{path}?fieldManager={FIELD_MANAGER}&fieldValidation=Strict&force={force}&dryRun=All"
        );
        let body = (APPLY_PATCH, encode(manifest));
        self.send::<Map<_, _>>(Method::PATCH, &path, JSON, body).await.map(Value::Object)
    }

    /// Asks what a merge patch (RFC 7386) would make of the object at `path`, all of it.
    pub(crate) async fn preview_merge(
        &self,
        path: &str,
        change: &Value,
    ) -> Result<Value, ApiError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}&dryRun=All");
        let body = (MERGE_PATCH, encode(change));
        self.send::<Map<_, _>>(Method::PATCH, &path, JSON, body).await.map(Value::Object)
    }

    /// Deletes the object at `path`, provided that it still is the one with `uid`, in the version
    /// `resource_version`.
    ///
    /// Returns whether there was something to delete.
    pub(crate) async fn delete(
        &self,
        path: &str,
        uid: &str,
        resource_version: &str,
        dependents: Dependents,
    ) -> Result<bool, ApiError> {
        let options = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": if mutant::is(Mutant::DeleteWithoutPrecondition) {
                Value::Null
            } else {
                serde_json::json!({ "uid": uid, "resourceVersion": resource_version })
            },
            "propagationPolicy": match dependents {
                Dependents::Follow => "Background",
                Dependents::Stay => "Orphan",
            },
        });
        let body = (JSON, encode(&options));
        Ok(optional::<Value>(self.send(Method::DELETE, path, JSON, body).await)?.is_some())
    }

    /// Reads `path`, and asks again while the API server cannot answer.
    async fn read<T: DeserializeOwned>(&self, path: &str, accept: &str) -> Result<T, ApiError> {
        self.insist(Method::GET, path, accept, None, |error| self.patience(error)).await
    }

    /// Sends a write, and again as long as the API server says that it did nothing because it has
    /// too much to do.
    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: (&str, Vec<u8>),
    ) -> Result<T, ApiError> {
        let (content_type, bytes) = body;
        let patience = |error: &ApiError| if error.is_too_many() { PATIENCE } else { NONE };
        self.insist(method, path, accept, Some((content_type, bytes.into())), patience).await
    }

    /// Asks until there is an answer, or an error that has lasted longer than `patience` with it.
    async fn insist<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, Bytes)>,
        patience: impl Fn(&ApiError) -> Duration,
    ) -> Result<T, ApiError> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.ask(&method, path, accept, body.clone()).await {
                Err(error) if start.elapsed() < patience(&error) => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    /// How long to go on asking in the face of `error`.
    fn patience(&self, error: &ApiError) -> Duration {
        // A server that never answered is more likely misnamed than restarting.
        if !self.has_answered.load(Ordering::Relaxed) {
            return NONE;
        }
        match error {
            ApiError::Status { code: 500, .. } => PATIENCE_WITH_FAULTS,
            error if error.is_unclear() || error.is_too_many() => PATIENCE,
            _ => NONE,
        }
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: &Method,
        path: &str,
        accept: &str,
        body: Option<(&str, Bytes)>,
    ) -> Result<T, ApiError> {
        let asked = || format!("{method} {}", path.split('?').next().unwrap_or(path));
        let is_write = method != Method::GET;
        if is_write && self.term.as_ref().is_some_and(Term::is_over) {
            return Err(ApiError::Overtaken { asked: asked() });
        }
        let (content_type, bytes) = body.unwrap_or((JSON, Bytes::new()));
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", content_type)
            .body(Body::from(bytes))
            .map_err(|source| ApiError::Request { asked: asked(), source })?;
        let answer = match tokio::time::timeout(self.timeout, self.receive(request)).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(source)) => {
                Err(ApiError::Unreachable { server: self.server.clone(), asked: asked(), source })
            }
            Err(_) => Err(ApiError::Timeout { asked: asked(), after: self.timeout }),
        };
        let is_clear = answer.as_ref().is_ok_and(|(status, _)| !status.is_server_error());
        if is_write && !is_clear {
            self.has_lost.store(true, Ordering::Relaxed);
        }
        let (status, bytes) = answer?;
        self.has_answered.store(true, Ordering::Relaxed);
        if !status.is_success() {
            return Err(ApiError::from_status(asked(), status.as_u16(), &bytes));
        }
        if bytes.len() > LARGEST_ANSWER {
            return Err(ApiError::TooLarge { asked: asked(), most: LARGEST_ANSWER });
        }
        serde_json::from_slice(&bytes).map_err(|source| ApiError::Answer { asked: asked(), source })
    }

    /// Sends a request and reads the answer, or a little more than what is read at most.
    async fn receive(&self, request: Request<Body>) -> Result<(StatusCode, Vec<u8>), kube::Error> {
        let response = self.kube.send(request).await?;
        let status = response.status();
        let length = response.headers().get("content-length");
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let mut bytes = Vec::with_capacity(length.unwrap_or(0).min(LARGEST_ANSWER));
        let mut body = response.into_body();
        while let Some(frame) = body.frame().await {
            if let Ok(data) = frame?.into_data() {
                bytes.extend_from_slice(&data);
            }
            if bytes.len() > LARGEST_ANSWER {
                break;
            }
        }
        Ok((status, bytes))
    }
}

/// What the answer to a server-side apply tells.
pub(crate) type Applied = crate::live::PartialObject;

fn optional<T>(result: Result<T, ApiError>) -> Result<Option<T>, ApiError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[expect(clippy::expect_used, reason = "our own values have string keys and finite numbers")]
fn encode(value: &impl serde::Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("the value is JSON")
}

async fn load_config(connect: &Connect) -> Result<Config, ConnectError> {
    let options =
        KubeConfigOptions { context: connect.context.clone(), ..KubeConfigOptions::default() };
    let config = match &connect.kubeconfig {
        Some(path) => {
            let kubeconfig = Kubeconfig::read_from(path).map_err(ConnectError::Kubeconfig)?;
            Config::from_custom_kubeconfig(kubeconfig, &options).await
        }
        // In a pod, and nobody names another cluster: not even by a mistyped file.
        None if names_no_kubeconfig()
            && connect.context.is_none()
            && Config::incluster().is_ok() =>
        {
            return Config::incluster().map_err(ConnectError::Pod);
        }
        None => Config::from_kubeconfig(&options).await,
    };
    config.map_err(ConnectError::Kubeconfig)
}

fn names_no_kubeconfig() -> bool {
    let is_set = env::var_os("KUBECONFIG").is_some_and(|value| !value.is_empty());
    let home = env::home_dir().map(|home| home.join(".kube/config"));
    !is_set && !home.is_some_and(|file| file.exists())
}
