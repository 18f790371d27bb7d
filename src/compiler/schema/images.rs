//! Finds the images that a tree names, wherever its schema has one.

use serde_json::Value as Json;

use super::{PARTIAL, Schema};
use crate::{
    image::ImageReference,
    place::Place,
    tree::{Node, Value},
};

/// Adds every image in `node` with its place to `found`.
pub(super) fn find(
    root: &Schema,
    node: &Node,
    schema: &Json,
    found: &mut Vec<(ImageReference, Place)>,
) {
    if schema[PARTIAL] == true {
        return;
    }
    let schema = root.resolve(schema);
    match &node.value {
        Value::String(text) if schema["format"] == "image" => {
            found.extend(ImageReference::parse(text).map(|image| (image, node.place.clone())));
        }
        Value::Table(table) => {
            for (key, entry) in &table.0 {
                find(root, &entry.node, super::child(schema, key), found);
            }
        }
        Value::Array(items) => {
            for item in items {
                find(root, item, &schema["items"], found);
            }
        }
        _ => {}
    }
}
