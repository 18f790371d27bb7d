//! The API server as the harness itself uses it: without faults, and off the record.

use std::cell::OnceCell;

use a4co_testenv::ControlPlane;
use http::{Method, Request, StatusCode};
use kube::{
    Config,
    client::Body,
    config::{KubeConfigOptions, Kubeconfig},
};
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};

use crate::command::SOMEBODY;

/// Why the harness itself could not go on; a fault of the program under test is a `Violation`.
pub(crate) type Error = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T, E = Error> = std::result::Result<T, E>;

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const APPLY: &str = "application/apply-patch+yaml";

/// A connection of one thread.
#[derive(Clone)]
pub(crate) struct Cluster {
    pub(crate) kube: kube::Client,
}

struct Worker {
    runtime: Runtime,
    cluster: Cluster,
}

thread_local! {
    static WORKER: OnceCell<Worker> = const { OnceCell::new() };
}

/// Does `work` on this thread, whose connections stay open for the next one.
pub(crate) fn block_on<T>(work: impl AsyncFnOnce(&Cluster) -> Result<T>) -> Result<T> {
    WORKER.with(|cell| {
        if cell.get().is_none() {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            let cluster = runtime.block_on(Cluster::connect())?;
            // Nobody else sets it: the cell belongs to this thread.
            let _ = cell.set(Worker { runtime, cluster });
        }
        let Worker { runtime, cluster } = cell.get().ok_or("this thread has no runtime")?;
        runtime.block_on(work(cluster))
    })
}

impl Cluster {
    async fn connect() -> Result<Self> {
        let kubeconfig = Kubeconfig::read_from(ControlPlane::shared().kubeconfig())?;
        let options = KubeConfigOptions::default();
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await?;
        Ok(Self { kube: kube::Client::try_from(config)? })
    }

    /// Reads an object; `None` when it, or its kind, does not exist.
    pub(crate) async fn get(&self, path: &str) -> Result<Option<Value>> {
        let (status, answer) = self.send(Method::GET, path, JSON, &Value::Null).await?;
        match status {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => Ok(Some(answer)),
            _ => Err(format!("GET {path}: {answer}").into()),
        }
    }

    /// Reads all objects at `path`; none when their kind does not exist.
    pub(crate) async fn list(&self, path: &str) -> Result<Vec<Value>> {
        let list = self.get(path).await?.unwrap_or_default();
        Ok(list["items"].as_array().cloned().unwrap_or_default())
    }

    pub(crate) async fn create(&self, path: &str, object: &Value) -> Result<()> {
        self.change(Method::POST, path, JSON, object).await
    }

    /// Changes an object by a merge patch, in which `null` removes a field.
    pub(crate) async fn merge(&self, path: &str, fields: &Value) -> Result<()> {
        self.change(Method::PATCH, &format!("{path}?fieldManager={SOMEBODY}"), MERGE, fields).await
    }

    /// Like [`Self::merge`], if the object exists.
    pub(crate) async fn merge_if_there(&self, path: &str, fields: &Value) -> Result<()> {
        match self.send(Method::PATCH, path, MERGE, fields).await? {
            (status, _) if status.is_success() || status == StatusCode::NOT_FOUND => Ok(()),
            (_, answer) => Err(format!("PATCH {path}: {answer}").into()),
        }
    }

    /// Applies an object on the server's side as `manager`.
    pub(crate) async fn apply(&self, path: &str, manager: &str, object: &Value) -> Result<()> {
        let path = format!("{path}?fieldManager={manager}&force=true");
        self.change(Method::PATCH, &path, APPLY, object).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Result<()> {
        let options = json!({ "propagationPolicy": "Background" });
        self.change(Method::DELETE, path, JSON, &options).await
    }

    async fn change(&self, method: Method, path: &str, form: &str, body: &Value) -> Result<()> {
        let asked = format!("{method} {path}");
        match self.send(method, path, form, body).await? {
            (status, _) if status.is_success() => Ok(()),
            (_, answer) => Err(format!("{asked}: {answer}").into()),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        form: &str,
        body: &Value,
    ) -> Result<(StatusCode, Value)> {
        let bytes = if body.is_null() { Vec::new() } else { serde_json::to_vec(body)? };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("accept", JSON)
            .header("content-type", form)
            .body(Body::from(bytes))?;
        let response = self.kube.send(request).await?;
        let status = response.status();
        let bytes = response.into_body().collect_bytes().await?;
        Ok((status, serde_json::from_slice(&bytes).unwrap_or_default()))
    }
}
