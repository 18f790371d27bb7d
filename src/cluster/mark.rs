//! Makes late writes fail: marks an object and takes the mark away again.
//!
//! A write that an overtaken command sent before it died is good for the version of the object that
//! it had read. Both requests here give the object a new version and nothing else. They go by a
//! field manager of their own, so that whose fields are whose stays as it was; and they are good for
//! one version themselves, so that a mark that comes late fails, too.

use std::time::Duration;

use a4co_bundle::ObjectRef;
use serde_json::{Value, json};

use crate::{
    client::{Client, Conflicts, Effect, Form},
    error::ApiError,
    image::FENCE_MANAGER,
    live::PartialObject,
    text::FENCE_ANNOTATION,
    write::bare,
};

const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// The object that is marked.
pub(crate) struct Marked<'a> {
    pub(crate) path: &'a str,
    pub(crate) object: &'a ObjectRef,
    pub(crate) uid: String,
    /// The version that was read.
    pub(crate) version: String,
}

impl Marked<'_> {
    /// Gives the object a new version, unless somebody else has done that meanwhile. `check` tells
    /// whether the command may still write. Returns whether the object is still there.
    pub(crate) async fn renew<E: From<ApiError>>(
        mut self,
        client: &Client,
        epoch: u64,
        check: impl AsyncFn() -> Result<(), E>,
    ) -> Result<bool, E> {
        let mark = json!({ FENCE_ANNOTATION: epoch.to_string() });
        for (annotations, is_mark) in [(mark, true), (json!({}), false)] {
            let mut attempts = 0;
            loop {
                let error = match self.apply(client, &annotations).await {
                    Ok(version) => {
                        self.version = version;
                        break;
                    }
                    // It has a new version, and no mark of ours.
                    Err(error) if error.is_conflict() && is_mark && attempts == 0 => {
                        return Ok(true);
                    }
                    Err(error) if error.is_not_found() => return Ok(false),
                    Err(error) => error,
                };
                if attempts >= ATTEMPTS || !(error.is_conflict() || error.is_unclear()) {
                    return Err(error.into());
                }
                attempts += 1;
                tokio::time::sleep(PAUSE).await;
                let found: Option<PartialObject> = client.get(self.path, Form::Metadata).await?;
                check().await?;
                match found.map(|found| found.metadata) {
                    Some(now) if now.uid == self.uid => self.version = now.resource_version,
                    // Another object has the name by now; the mark is gone with the first.
                    _ => return Ok(false),
                }
            }
        }
        Ok(true)
    }

    async fn apply(&self, client: &Client, annotations: &Value) -> Result<String, ApiError> {
        let mut mark = bare(self.object, &self.uid, &self.version);
        mark["metadata"]["annotations"] = annotations.clone();
        let (force, real) = (Conflicts::Force, Effect::Real);
        let applied = client.apply(self.path, FENCE_MANAGER, &mark, force, real).await?;
        Ok(applied.metadata.resource_version)
    }
}
