//! Changes to single objects, for what an environment cannot say.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use crate::{
    schema::ANY,
    text::{DnsLabel, JsonPointer, ObjectName},
};

/// A change to one object, rendered or brought along. First `merge`, then `set`, then `remove`.
///
/// Images in it are pinned like all others. It may not change what the object is, nor the labels
/// that every object has; and it must change something.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Patch {
    /// The object.
    pub(crate) target: Target,
    /// Fields to lay over the object's: tables are merged, anything else is replaced, arrays too
    /// (RFC 7386).
    #[serde(default)]
    pub(crate) merge: AnyTable,
    /// Single values by JSON pointer (RFC 6901), such as `"/spec/template/spec/containers/0/tty"`.
    /// What is around them must be there; `-` stands for the end of an array.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "json-pointer"}))]
    pub(crate) set: BTreeMap<JsonPointer, AnyValue>,
    /// JSON pointers of what goes.
    #[serde(default)]
    pub(crate) remove: Vec<JsonPointer>,
    /// Texts that look like images and are none.
    #[serde(default)]
    pub(crate) not_images: Vec<String>,
}

/// Names one object of the release.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Target {
    /// Kind, such as `Deployment`.
    pub(crate) kind: String,
    /// Name.
    pub(crate) name: ObjectName,
    /// Group and version, if the release has several objects of that kind and name.
    #[serde(default)]
    pub(crate) api_version: Option<String>,
    /// Namespace, if the release has several objects of that kind and name.
    #[serde(default)]
    pub(crate) namespace: Option<DnsLabel>,
}

/// A table of anything.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct AnyTable(pub(crate) Value);

/// Anything.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct AnyValue(pub(crate) Value);

impl Default for AnyTable {
    fn default() -> Self {
        Self(Value::Object(serde_json::Map::new()))
    }
}

impl JsonSchema for AnyTable {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyTable".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", ANY: true })
    }
}

impl JsonSchema for AnyValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "AnyValue".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ ANY: true })
    }
}
