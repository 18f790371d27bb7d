//! Checks a tree against the schema that the Rust types of an environment have.
//!
//! The types are the only statement of what an environment may say: `schemars` derives the schema
//! from them, and this walk reports everything that differs from it, each thing with its place.
//! Deserializing afterwards cannot fail on a tree that passed.

mod editor;
mod images;
mod missing;
mod problem;
mod reference;
mod walk;

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::Value as Json;

use self::walk::Walk;
pub use self::{
    editor::environment_schema, problem::SchemaProblem, reference::environment_reference,
};
use crate::{finding::Findings, image::ImageReference, place::Place, tree::Node};

/// Marks the schema of a table that need not be complete.
pub(crate) const PARTIAL: &str = "x-partial";

/// Marks the schema of a value that may be anything that JSON has.
pub(crate) const ANY: &str = "x-any";

/// The schema of a type.
pub(crate) struct Schema {
    root: Json,
}

/// How well a tree conforms to its schema, whether or not keys are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Conformity {
    /// Something has the wrong type or grammar: the tree cannot be deserialized.
    Unusable,
    /// There are keys that do not exist; deserializing skips them.
    UnknownKeys,
    /// Nothing is wrong.
    Full,
}

impl Schema {
    /// Derives the schema of `T`.
    pub(crate) fn of<T: JsonSchema>() -> Self {
        let schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>();
        Self { root: schema.to_value() }
    }

    /// Adds everything in `node` that the schema does not have to `findings`. Keys may be missing:
    /// a layer need not be complete.
    pub(crate) fn check(&self, node: &Node, findings: &mut Findings) -> Conformity {
        let mut walk = Walk { schema: self, findings, conformity: Conformity::Full };
        walk.node(node, &self.root, "");
        walk.conformity
    }

    /// Adds every required key that `node` lacks to `findings`.
    pub(crate) fn check_complete(&self, node: &Node, findings: &mut Findings) {
        missing::check(self, node, &self.root, "", findings);
    }

    /// Returns every image that `node` names, with its place.
    pub(crate) fn images(&self, node: &Node) -> Vec<(ImageReference, Place)> {
        let mut found = Vec::new();
        images::find(self, node, &self.root, &mut found);
        found
    }

    /// Follows a reference, and the one alternative to null of an optional value.
    fn resolve<'a>(&'a self, schema: &'a Json) -> &'a Json {
        if let Some(reference) = schema["$ref"].as_str() {
            let pointer = reference.trim_start_matches('#');
            return self.root.pointer(pointer).map_or(schema, |found| self.resolve(found));
        }
        let alternatives = schema["anyOf"].as_array().map(Vec::as_slice).unwrap_or_default();
        match alternatives.iter().find(|alternative| alternative["type"] != "null") {
            Some(alternative) => self.resolve(alternative),
            None => schema,
        }
    }
}

/// Returns the schema of the value that `key` has in a table of `schema`.
fn child<'a>(schema: &'a Json, key: &str) -> &'a Json {
    schema["properties"].get(key).unwrap_or(&schema["additionalProperties"])
}
