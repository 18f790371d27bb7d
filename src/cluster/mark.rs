//! Makes late writes fail: marks an object and takes the mark away again.
//!
//! A write that an overtaken command sent before it died is good for the version of the object that
//! it had read. Both requests here give the object a new version and nothing else. They go by a
//! field manager of their own, so that whose fields are whose stays as it was.

use std::time::Duration;

use a4co_bundle::ObjectRef;
use serde_json::{Value, json};

use crate::{
    client::{Client, Conflicts, Effect},
    error::ApiError,
    image::FENCE_MANAGER,
    text::FENCE_ANNOTATION,
};

const ATTEMPTS: usize = 10;
const PAUSE: Duration = Duration::from_millis(200);

/// Gives the object at `path`, which has this uid, a new version.
pub(crate) async fn renew(
    client: &Client,
    path: &str,
    object: &ObjectRef,
    uid: &Value,
    epoch: u64,
) -> Result<(), ApiError> {
    for annotations in [json!({ FENCE_ANNOTATION: epoch.to_string() }), json!({})] {
        let mark = json!({
            "apiVersion": object.api_version,
            "kind": object.kind,
            "metadata": {
                "name": object.name,
                "namespace": object.namespace,
                "uid": uid,
                "annotations": annotations,
            },
        });
        let mut attempts = 0;
        loop {
            let done =
                client.apply(path, FENCE_MANAGER, &mark, Conflicts::Force, Effect::Real).await;
            match done {
                // A mark that was perhaps not made is made again.
                Err(error) if error.is_unclear() && attempts < ATTEMPTS => attempts += 1,
                done => {
                    done?;
                    break;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(())
}
