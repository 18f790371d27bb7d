//! Goes through a tree and its schema side by side.

use serde_json::Value as Json;

use super::{ANY, Conformity, Schema, SchemaProblem};
use crate::{
    finding::Findings,
    place::Place,
    text::{Format, TextError},
    tree::{Node, Table, Value},
};

/// One walk.
pub(super) struct Walk<'a> {
    pub(super) schema: &'a Schema,
    pub(super) findings: &'a mut Findings,
    /// How well the tree conforms, as far as was walked.
    pub(super) conformity: Conformity,
}

impl Walk<'_> {
    fn report(&mut self, place: &Place, problem: SchemaProblem) {
        self.conformity = self.conformity.min(problem.conformity());
        self.findings.add(place.clone(), problem);
    }

    /// Checks `node`, which stands at `path`.
    pub(super) fn node(&mut self, node: &Node, schema: &Json, path: &str) {
        let schema = self.schema.resolve(schema);
        let expected = expected_type(schema);
        if schema[ANY] == true && (schema["type"].is_null() || node.kind() == expected) {
            return self.any(node, path);
        }
        match &node.value {
            Value::Table(table) if expected == "a table" => {
                self.table(table, schema, path);
            }
            Value::Array(items) if expected == "an array" => {
                for (position, item) in items.iter().enumerate() {
                    let path = format!("{path}[{position}]");
                    self.node(item, &schema["items"], &path);
                }
            }
            Value::String(text) if expected == "a string" => self.text(node, text, schema, path),
            Value::Integer(number) if expected == "an integer" => {
                self.number(node, *number, schema, path);
            }
            Value::Boolean(_) if expected == "a boolean" => {}
            _ => {
                let (path, found) = (path.to_owned(), node.kind());
                self.report(&node.place, SchemaProblem::WrongType { path, expected, found });
            }
        }
    }

    /// Checks that `node` and all in it are values that JSON has.
    fn any(&mut self, node: &Node, path: &str) {
        match &node.value {
            Value::Table(table) => {
                for (key, entry) in &table.0 {
                    self.any(&entry.node, &format!("{path}.{key}"));
                }
            }
            Value::Array(items) => {
                for (position, item) in items.iter().enumerate() {
                    self.any(item, &format!("{path}[{position}]"));
                }
            }
            Value::Other(found) => {
                let expected = "a string, an integer, a boolean, an array or a table";
                let path = path.to_owned();
                self.report(&node.place, SchemaProblem::WrongType { path, expected, found });
            }
            Value::Null | Value::String(_) | Value::Integer(_) | Value::Boolean(_) => {}
        }
    }

    fn table(&mut self, table: &Table, schema: &Json, path: &str) {
        for (key, entry) in &table.0 {
            let child = schema["properties"].get(key);
            let any = schema.get("additionalProperties").filter(|any| any.is_object());
            let Some(child) = child.or(any) else {
                let known = keys_of(&schema["properties"]);
                let (key, table_path) = (key.clone(), path.to_owned());
                self.report(&entry.key, SchemaProblem::UnknownKey { key, table_path, known });
                continue;
            };
            if let Err(error) = check_format(&schema["propertyNames"], key) {
                self.report(&entry.key, SchemaProblem::Malformed { path: path.to_owned(), error });
            }
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            self.node(&entry.node, child, &path);
        }
    }

    fn text(&mut self, node: &Node, text: &str, schema: &Json, path: &str) {
        let known = choices(schema);
        if !known.is_empty() && !known.iter().any(|choice| choice == text) {
            let (path, found) = (path.to_owned(), text.to_owned());
            self.report(&node.place, SchemaProblem::NotOneOf { path, found, known });
        } else if let Err(error) = check_format(schema, text) {
            self.report(&node.place, SchemaProblem::Malformed { path: path.to_owned(), error });
        }
    }

    fn number(&mut self, node: &Node, found: i64, schema: &Json, path: &str) {
        let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
        if least.is_some_and(|least| found < least) || most.is_some_and(|most| found > most) {
            let range = match (least, most) {
                (Some(least), Some(most)) => format!("{least} to {most}"),
                (Some(least), None) => format!("{least} or more"),
                _ => format!("at most {}", most.unwrap_or_default()),
            };
            let path = path.to_owned();
            self.report(&node.place, SchemaProblem::OutOfRange { path, range, found });
        }
    }
}

/// Returns the type that `schema` asks for, in words.
fn expected_type(schema: &Json) -> &'static str {
    let name = match &schema["type"] {
        Json::Array(names) => names.iter().filter_map(Json::as_str).find(|name| *name != "null"),
        name => name.as_str(),
    };
    match name {
        Some("object") => "a table",
        Some("array") => "an array",
        Some("integer") => "an integer",
        Some("boolean") => "a boolean",
        // Choices with a doc comment each are a `oneOf` without a type.
        _ => "a string",
    }
}

/// Returns the texts that `schema` allows; none if it allows any.
pub(super) fn choices(schema: &Json) -> Vec<String> {
    let listed = schema["enum"].as_array().into_iter().flatten();
    let documented = schema["oneOf"].as_array().into_iter().flatten();
    let constant = documented.flat_map(|choice| {
        let several = choice["enum"].as_array().into_iter().flatten();
        several.chain(choice.get("const"))
    });
    listed.chain(constant).filter_map(Json::as_str).map(str::to_owned).collect()
}

fn keys_of(properties: &Json) -> Vec<String> {
    properties.as_object().into_iter().flat_map(|keys| keys.keys().cloned()).collect()
}

fn check_format(schema: &Json, text: &str) -> Result<(), TextError> {
    match schema["format"].as_str().and_then(Format::named) {
        Some(format) => format.check(text),
        None => Ok(()),
    }
}
