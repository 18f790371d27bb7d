//! Secrets in the form that the API server keeps.
//!
//! `stringData` is only written: the API server moves it into `data`, where its keys then belong to
//! nobody. So a key that a later release drops would stay, and what others change would not be
//! seen as drift. It is moved before it is sent, and its keys are ours.

use k8s_openapi::ByteString;
use serde_json::{Map, Value};

/// Moves `stringData` of a Secret into `data`; any other manifest stays as it is.
pub(crate) fn encode(manifest: &mut Value) {
    if manifest["kind"] != "Secret" || manifest["apiVersion"] != "v1" {
        return;
    }
    let plain = manifest.as_object_mut().and_then(|fields| fields.remove("stringData"));
    let Some(Value::Object(plain)) = plain else { return };
    if !manifest["data"].is_object() {
        manifest["data"] = Map::new().into();
    }
    for (key, text) in plain {
        // What is no text is for the API server to refuse.
        let bytes = text.as_str().map(|text| ByteString(text.as_bytes().to_vec()));
        let value = bytes.and_then(|bytes| serde_json::to_value(bytes).ok()).unwrap_or(text);
        manifest["data"][key] = value;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn plain_text_becomes_data_and_wins() {
        let secret = |rest: Value| {
            let mut secret = json!({ "apiVersion": "v1", "kind": "Secret" });
            secret.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            secret
        };
        for (case, before, after) in [
            (
                "no plain text",
                json!({ "data": { "a": "aGk=" } }),
                json!({ "data": { "a": "aGk=" } }),
            ),
            (
                "only plain text",
                json!({ "stringData": { "a": "hi" } }),
                json!({ "data": { "a": "aGk=" } }),
            ),
            (
                "both",
                json!({ "data": { "a": "eA==", "b": "eA==" }, "stringData": { "a": "hi" } }),
                json!({ "data": { "a": "aGk=", "b": "eA==" } }),
            ),
            ("an empty one", json!({ "stringData": {} }), json!({ "data": {} })),
            ("nonsense", json!({ "stringData": { "a": 1 } }), json!({ "data": { "a": 1 } })),
        ] {
            let mut manifest = secret(before);
            encode(&mut manifest);
            assert_eq!(manifest, secret(after), "{case}");
        }
        let other = json!({ "apiVersion": "v1", "kind": "X", "stringData": { "a": "hi" } });
        let mut manifest = other.clone();
        encode(&mut manifest);
        assert_eq!(manifest, other);
    }
}
