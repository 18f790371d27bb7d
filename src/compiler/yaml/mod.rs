//! YAML, for people, and for programs whose configuration it is. This folder alone uses the library
//! behind it. Objects are never YAML, but files in `ConfigMaps` are: another library that writes
//! them otherwise would make other releases.

mod problem;
mod read;

use a4co_bundle::Object;
use serde::Serialize;
use serde_json::Value;

pub use self::problem::YamlProblem;
pub(crate) use self::read::read;

/// Returns `objects` as YAML documents, in their order.
#[must_use]
pub fn to_yaml(objects: &[Object]) -> String {
    let documents = objects.iter().map(|object| document(&object.manifest()));
    documents.flat_map(|document| ["---\n".to_owned(), document]).collect()
}

/// Returns `value` as a document of its own, keys in the order that it has.
#[expect(clippy::expect_used, reason = "configurations have string keys and always become YAML")]
pub(crate) fn to_document<T: Serialize>(value: &T) -> String {
    serde_yaml::to_string(value).expect("a configuration is YAML")
}

/// Writes one document, keys in the order that people expect: what it is, then what it says.
#[expect(clippy::expect_used, reason = "JSON values have string keys and always become YAML")]
fn document(manifest: &Value) -> String {
    let first = ["apiVersion", "kind", "metadata"];
    let mut document = serde_yaml::Mapping::new();
    let entries = manifest.as_object().into_iter().flatten();
    let (head, rest): (Vec<_>, Vec<_>) =
        entries.partition(|(key, _)| first.contains(&key.as_str()));
    for (key, value) in head.into_iter().chain(rest) {
        let value = serde_yaml::to_value(value).expect("JSON is YAML");
        document.insert(key.as_str().into(), value);
    }
    serde_yaml::to_string(&document).expect("a mapping is YAML")
}
