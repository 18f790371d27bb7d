//! What a release needs from the site: classes and secrets.

use a4co_bundle::{Requirements, SecretRequirement};
use serde_json::Value;

use crate::{
    client::{Client, Form},
    error::ApiError,
    event::{Event, Observer},
    place::Place,
    refusal::Refusal,
};

/// Checks that the site offers what the release needs.
pub(crate) async fn check(
    client: &Client,
    place: &Place,
    requirements: &Requirements,
    observer: &dyn Observer,
) -> Result<(), Refusal> {
    let warn = |warning: &str| observer.observe(&Event::Warning(warning));
    for class in &requirements.ingress_classes {
        let path = format!("/apis/networking.k8s.io/v1/ingressclasses/{class}");
        match exists(client, &path).await? {
            Some(true) => {}
            // Its controller may be installed later.
            Some(false) => warn(&format!(
                "the cluster has no ingress class `{class}`; nothing is reachable from outside \
                 until it has"
            )),
            None => {
                warn(&format!("cannot tell whether the cluster has the ingress class `{class}`"));
            }
        }
    }
    let mut needs = Vec::new();
    for class in &requirements.storage_classes {
        let path = format!("/apis/storage.k8s.io/v1/storageclasses/{class}");
        match exists(client, &path).await? {
            Some(true) => {}
            Some(false) => needs.push(format!("storage class `{class}`")),
            None => {
                warn(&format!("cannot tell whether the cluster has the storage class `{class}`"));
            }
        }
    }
    for secret in &requirements.secrets {
        needs.extend(missing_secret(client, place, secret).await?);
    }
    if needs.is_empty() { Ok(()) } else { Err(Refusal::Needs { needs }) }
}

/// Whether something of the whole cluster exists; `None` when the user may not know, as is usual
/// for whoever has rights in a namespace alone.
async fn exists(client: &Client, path: &str) -> Result<Option<bool>, ApiError> {
    match client.get::<Value>(path, Form::Metadata).await {
        Ok(found) => Ok(Some(found.is_some())),
        Err(error) if error.is_forbidden() => Ok(None),
        Err(error) => Err(error),
    }
}

async fn missing_secret(
    client: &Client,
    place: &Place,
    secret: &SecretRequirement,
) -> Result<Option<String>, ApiError> {
    let path = format!("/api/v1/namespaces/{}/secrets/{}", place.namespace, secret.name);
    let found: Option<Value> = client.get(&path, Form::Whole).await?;
    let lacks = lacks(secret, found.as_ref());
    Ok(lacks.map(|lacks| format!("Secret {}/{}{lacks}", place.namespace, secret.name)))
}

/// What `found` lacks of `secret`, if it lacks anything.
fn lacks(secret: &SecretRequirement, found: Option<&Value>) -> Option<String> {
    let has = |key: &&String| found.is_some_and(|found| found["data"].get(key.as_str()).is_some());
    let missing: Vec<&str> =
        secret.keys.iter().filter(|key| !has(key)).map(String::as_str).collect();
    match missing.as_slice() {
        [] if found.is_some() => None,
        [] => Some(String::new()),
        [key] => Some(format!(" with the key {key}")),
        keys => Some(format!(" with the keys {}", keys.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_has_to_be_there_with_its_keys() {
        let there = json!({ "data": { "a": "" } });
        for (case, keys, found, expected) in [
            ("it is there", &["a"][..], Some(&there), None),
            ("any will do", &[], Some(&there), None),
            ("any would do", &[], None, Some("")),
            ("it is missing", &["a", "b"], None, Some(" with the keys a, b")),
            ("a key is missing", &["a", "b"], Some(&there), Some(" with the key b")),
        ] {
            let keys = keys.iter().map(|key| (*key).to_owned()).collect();
            let secret = SecretRequirement { name: "s".to_owned(), keys };
            assert_eq!(lacks(&secret, found).as_deref(), expected, "{case}");
        }
    }
}
