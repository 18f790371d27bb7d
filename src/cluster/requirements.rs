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
    for class in &requirements.ingress_classes {
        if let Some(warning) = ingress_class(client, class).await? {
            observer.observe(&Event::Warning(&warning));
        }
    }
    let mut classes = Vec::new();
    for class in &requirements.storage_classes {
        let path = format!("/apis/storage.k8s.io/v1/storageclasses/{class}");
        if client.get::<Value>(&path, Form::Metadata).await?.is_none() {
            classes.push(class.clone());
        }
    }
    if !classes.is_empty() {
        return Err(Refusal::StorageClasses { classes });
    }
    let mut secrets = Vec::new();
    for secret in &requirements.secrets {
        secrets.extend(missing_secret(client, place, secret).await?);
    }
    if secrets.is_empty() { Ok(()) } else { Err(Refusal::Secrets { secrets }) }
}

/// A missing ingress class is no reason to refuse: its controller may be installed later.
async fn ingress_class(client: &Client, class: &str) -> Result<Option<String>, ApiError> {
    let path = format!("/apis/networking.k8s.io/v1/ingressclasses/{class}");
    match client.get::<Value>(&path, Form::Metadata).await {
        Ok(Some(_)) => Ok(None),
        Ok(None) => Ok(Some(format!(
            "the cluster has no ingress class `{class}`; nothing is reachable from outside until it has"
        ))),
        Err(error) if error.is_forbidden() => {
            Ok(Some(format!("cannot tell whether the cluster has the ingress class `{class}`")))
        }
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
    let has = |key: &&String| {
        found.as_ref().is_some_and(|found| found["data"].get(key.as_str()).is_some())
    };
    let missing: Vec<_> = secret.keys.iter().filter(|key| !has(key)).cloned().collect();
    if found.is_some() && missing.is_empty() {
        return Ok(None);
    }
    let keys = missing.join(", ");
    Ok(Some(format!("Secret {}/{} with the keys {keys}", place.namespace, secret.name)))
}
