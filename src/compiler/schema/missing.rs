//! Looks for required keys that have no value.

use serde_json::Value as Json;

use super::{PARTIAL, Schema, SchemaProblem};
use crate::{
    finding::Findings,
    tree::{Node, Table, Value},
};

/// Adds every required key that `node`, which stands at `path`, lacks to `findings`.
pub(super) fn check(
    root: &Schema,
    node: &Node,
    schema: &Json,
    path: &str,
    findings: &mut Findings,
) {
    if schema[PARTIAL] == true {
        return;
    }
    let schema = root.resolve(schema);
    match &node.value {
        Value::Table(table) => {
            own(node, table, schema, path, findings);
            for (key, entry) in &table.0 {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                check(root, &entry.node, super::child(schema, key), &path, findings);
            }
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let path = format!("{path}[{position}]");
                check(root, item, &schema["items"], &path, findings);
            }
        }
        _ => {}
    }
}

fn own(node: &Node, table: &Table, schema: &Json, path: &str, findings: &mut Findings) {
    let required = schema["required"].as_array().into_iter().flatten();
    for key in required.filter_map(Json::as_str) {
        if !table.0.contains_key(key) {
            let (key, table_path) = (key.to_owned(), path.to_owned());
            findings.add(node.place.clone(), SchemaProblem::MissingKey { key, table_path });
        }
    }
}
