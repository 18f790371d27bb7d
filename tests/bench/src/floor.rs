//! The floor: the patches of a workload and nothing else.
//!
//! No tool that sends the same objects can be faster than this, but by sending fewer of them. It is
//! a process of its own, with the HTTP library, the kind of request and the number of requests in
//! flight that `a4co-apply` has, so that the difference is what a4co adds: reading and verifying a
//! bundle, checks, state, journal, readiness. It reads no state, checks no answer but its status,
//! and could not undo anything.

use std::path::Path;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::Request;
use http_body_util::BodyExt as _;
use kube::client::Body;
use serde::{Deserialize, Serialize};
use serde_json::{Value, value::RawValue};

use crate::{
    api,
    error::{Error, Result},
};

/// Requests in flight; as many as `a4co-apply` has.
const IN_FLIGHT: usize = 16;

const APPLY_PATCH: &str = "application/apply-patch+yaml";
const METADATA: &str =
    "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json";

#[derive(Serialize)]
struct Written<'a> {
    path: String,
    body: &'a Value,
}

#[derive(Deserialize)]
struct Patch<'a> {
    path: &'a str,
    #[serde(borrow)]
    body: &'a RawValue,
}

/// Makes a file of patches, one a line.
pub(crate) fn to_file<'a>(
    patches: impl IntoIterator<Item = (String, &'a Value)>,
) -> Result<String> {
    let mut text = String::new();
    for (path, body) in patches {
        text.push_str(&serde_json::to_string(&Written { path, body })?);
        text.push('\n');
    }
    Ok(text)
}

/// Sends the patches of each file, the files one after the other.
pub(crate) async fn send(kubeconfig: &Path, files: &[std::path::PathBuf]) -> Result<()> {
    let client = api::connect(kubeconfig).await?;
    for file in files {
        let text = fs_err::read_to_string(file)?;
        let patches = text.lines().map(serde_json::from_str::<Patch<'_>>);
        stream::iter(patches)
            .map(|patch| {
                let client = client.clone();
                async move { apply(&client, &patch?).await }
            })
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<Vec<()>>()
            .await?;
    }
    Ok(())
}

async fn apply(client: &kube::Client, patch: &Patch<'_>) -> Result<()> {
    let request =
        Request::patch(format!("{}?fieldManager=floor&fieldValidation=Strict", patch.path))
            .header("accept", METADATA)
            .header("content-type", APPLY_PATCH)
            .body(Body::from(patch.body.get().as_bytes().to_vec()))
            .map_err(Error::other)?;
    let response = client.send(request).await?;
    let status = response.status();
    let answer = response.into_body().collect().await?.to_bytes();
    if status.is_success() {
        return Ok(());
    }
    Err(Error::Refused {
        request: format!("PATCH {}", patch.path),
        status: status.as_u16(),
        answer: String::from_utf8_lossy(&answer).into_owned(),
    })
}
