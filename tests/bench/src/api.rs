//! What the comparison itself asks the API server, outside of what is measured.

use std::{collections::BTreeMap, path::Path};

use http::Request;
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use kube::{
    Client, Config,
    client::{Body, ConfigExt as _},
    config::{KubeConfigOptions, Kubeconfig},
};
use serde::Deserialize;
use serde_json::Value;
use tower::ServiceBuilder;

use crate::{
    error::{Error, Result},
    workload::{Kind, VERSION_LABEL},
};

const METADATA_LIST: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";

#[derive(Deserialize)]
struct List {
    /// The API server says `null` for none.
    items: Option<Vec<Object>>,
}

#[derive(Deserialize)]
struct Object {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    #[serde(default)]
    labels: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    git_version: String,
}

/// Connects to the cluster of a kubeconfig.
pub(crate) async fn connect(kubeconfig: &Path) -> Result<Client> {
    let kubeconfig = Kubeconfig::read_from(kubeconfig).map_err(Error::other)?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await;
    let config = config.map_err(Error::other)?;
    // The floor shall be as low as it can be: no request waits for Nagle's algorithm.
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    let connector = config.rustls_https_connector_with_connector(connector)?;
    let http: HttpClient<_, Body> = HttpClient::builder(TokioExecutor::new()).build(connector);
    let service = ServiceBuilder::new().layer(config.base_uri_layer()).service(http);
    Ok(Client::new(service, config.default_namespace))
}

/// Version of the API server.
pub(crate) async fn version(client: &Client) -> Result<String> {
    let bytes = ask(client, "GET", "/version", "application/json").await?;
    Ok(serde_json::from_slice::<Version>(&bytes)?.git_version)
}

/// How many objects of the workload in `namespace` have which version.
pub(crate) async fn versions(client: &Client, namespace: &str) -> Result<BTreeMap<String, usize>> {
    let mut versions = BTreeMap::new();
    for kind in Kind::ALL {
        // The tools' own objects have no such label.
        let path = format!("{}?labelSelector={VERSION_LABEL}", kind.collection(namespace));
        let bytes = ask(client, "GET", &path, METADATA_LIST).await?;
        for object in serde_json::from_slice::<List>(&bytes)?.items.unwrap_or_default() {
            if let Some(version) = object.metadata.labels.get(VERSION_LABEL) {
                *versions.entry(version.clone()).or_default() += 1;
            }
        }
    }
    Ok(versions)
}

/// The objects at `path` that have `label`, whole.
pub(crate) async fn objects(client: &Client, path: &str, label: &str) -> Result<Vec<Value>> {
    let path = format!("{path}?labelSelector={}", label.replace('/', "%2F"));
    let bytes = ask(client, "GET", &path, "application/json").await?;
    let mut list: Value = serde_json::from_slice(&bytes)?;
    let items = list["items"].take();
    Ok(serde_json::from_value::<Option<_>>(items)?.unwrap_or_default())
}

/// Deletes everything in `namespace`. The namespace stays, for nobody is there to end it.
pub(crate) async fn empty(client: &Client, namespace: &str) -> Result<()> {
    // The one kind in which a tool keeps state that the workload does not have.
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases");
    let kinds = Kind::ALL.iter().map(|kind| kind.collection(namespace));
    for path in kinds.chain([leases]) {
        ask(client, "DELETE", &path, "application/json").await?;
    }
    Ok(())
}

/// The object at `path`.
pub(crate) async fn get(client: &Client, path: &str) -> Result<Value> {
    Ok(serde_json::from_slice(&ask(client, "GET", path, "application/json").await?)?)
}

/// Changes the object at `path` as a person does.
pub(crate) async fn merge(client: &Client, path: &str, change: &Value) -> Result<()> {
    let request = Request::builder()
        .method("PATCH")
        .uri(format!("{path}?fieldManager=by-hand"))
        .header("content-type", "application/merge-patch+json");
    send(client, request.body(Body::from(serde_json::to_vec(change)?)).map_err(Error::other)?)
        .await
        .map(drop)
}

async fn ask(client: &Client, method: &str, path: &str, accept: &str) -> Result<Vec<u8>> {
    let request = Request::builder().method(method).uri(path).header("accept", accept);
    send(client, request.body(Body::empty()).map_err(Error::other)?).await
}

async fn send(client: &Client, request: Request<Body>) -> Result<Vec<u8>> {
    let asked = format!("{} {}", request.method(), request.uri().path());
    let response = client.send(request).await?;
    let status = response.status();
    let bytes = response.into_body().collect().await?.to_bytes().to_vec();
    if status.is_success() {
        return Ok(bytes);
    }
    Err(Error::Refused {
        request: asked,
        status: status.as_u16(),
        answer: String::from_utf8_lossy(&bytes).into_owned(),
    })
}
