//! Secret values: none may stand in a bundle, whoever puts it there.

use serde_json::Value;

/// What the last line of the head of a private key in PEM has.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// Returns whether `text` has a private key in it.
pub(super) fn is_private_key(text: &str) -> bool {
    text.contains(PRIVATE_KEY)
}

/// Returns whether `manifest` is a Secret with values, or has a private key anywhere.
pub(crate) fn is_in(manifest: &Value) -> bool {
    let is_secret = manifest["apiVersion"] == "v1" && manifest["kind"] == "Secret";
    let has_values = ["data", "stringData"].into_iter().any(|field| match &manifest[field] {
        Value::Null => false,
        Value::Object(values) => !values.is_empty(),
        _ => true,
    });
    (is_secret && has_values) || has_private_key(manifest)
}

fn has_private_key(value: &Value) -> bool {
    match value {
        Value::String(text) => is_private_key(text),
        Value::Array(items) => items.iter().any(has_private_key),
        Value::Object(fields) => fields.values().any(has_private_key),
        _ => false,
    }
}
