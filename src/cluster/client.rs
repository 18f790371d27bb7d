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

use http::{Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use kube::{
    Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    connect::{Connect, ConnectError},
    error::ApiError,
    list::List,
};

/// Field manager of every object that a release owns. It never changes.
pub const FIELD_MANAGER: &str = "a4co";

/// How long one request may take; longer than the API server's own 60 s limit for mutations helps
/// nobody.
const REQUEST_TIMEOUT: Duration = Duration::from_mins(1);

/// How long an API server that has answered before may stay away, as it does when it restarts.
const PATIENCE: Duration = Duration::from_secs(30);

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

const JSON: &str = "application/json";
const APPLY_PATCH: &str = "application/apply-patch+yaml";
const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

/// A connection to one API server as one user.
#[derive(Clone)]
pub struct Client {
    kube: kube::Client,
    server: String,
    has_answered: Arc<AtomicBool>,
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
        let kube = kube::Client::try_from(config).map_err(ConnectError::Client)?;
        Ok(Self { kube, server, has_answered: Arc::default() })
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

    /// Creates an object below `path`.
    pub(crate) async fn create<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, ApiError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.send(Method::POST, &path, JSON, Some((JSON, encode(body)))).await
    }

    /// Replaces the object at `path`; its `resourceVersion` decides who wins a race.
    pub(crate) async fn replace<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<T, ApiError> {
        let path = format!("{path}?fieldManager={FIELD_MANAGER}");
        self.send(Method::PUT, &path, JSON, Some((JSON, encode(body)))).await
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
        self.send(Method::PATCH, &path, METADATA, Some((APPLY_PATCH, encode(manifest)))).await
    }

    /// Deletes the object at `path`, provided that it still is the one with `uid`.
    ///
    /// Returns whether there was something to delete.
    pub(crate) async fn delete(&self, path: &str, uid: &str) -> Result<bool, ApiError> {
        let options = serde_json::json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": { "uid": uid },
            "propagationPolicy": "Background",
        });
        let body = Some((JSON, encode(&options)));
        Ok(optional::<Value>(self.send(Method::DELETE, path, JSON, body).await)?.is_some())
    }

    /// Reads `path`, and asks again while the API server does not answer.
    async fn read<T: DeserializeOwned>(&self, path: &str, accept: &str) -> Result<T, ApiError> {
        let start = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            match self.send(Method::GET, path, accept, None).await {
                // A server that never answered is more likely misnamed than restarting.
                Err(error) if error.is_unanswered() && start.elapsed() < self.patience() => {
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                answer => return answer,
            }
        }
    }

    fn patience(&self) -> Duration {
        if self.has_answered.load(Ordering::Relaxed) { PATIENCE } else { Duration::ZERO }
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        accept: &str,
        body: Option<(&str, Vec<u8>)>,
    ) -> Result<T, ApiError> {
        let asked = || format!("{method} {}", path.split('?').next().unwrap_or(path));
        let (content_type, bytes) = body.unwrap_or((JSON, Vec::new()));
        let request = Request::builder()
            .method(&method)
            .uri(path)
            .header("accept", accept)
            .header("content-type", content_type)
            .body(Body::from(bytes))
            .map_err(|source| ApiError::Request { asked: asked(), source })?;
        let answer = tokio::time::timeout(REQUEST_TIMEOUT, self.receive(request))
            .await
            .map_err(|_| ApiError::Timeout { asked: asked(), after: REQUEST_TIMEOUT })?;
        let (status, bytes) = answer.map_err(|source| ApiError::Unreachable {
            server: self.server.clone(),
            asked: asked(),
            source,
        })?;
        self.has_answered.store(true, Ordering::Relaxed);
        if !status.is_success() {
            return Err(ApiError::from_status(asked(), status.as_u16(), &bytes));
        }
        serde_json::from_slice(&bytes).map_err(|source| ApiError::Answer { asked: asked(), source })
    }

    async fn receive(&self, request: Request<Body>) -> Result<(StatusCode, Vec<u8>), kube::Error> {
        let response = self.kube.send(request).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes().into()))
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
