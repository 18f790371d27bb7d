//! The language of environments as a page for people, from the types and their doc comments.

use std::{collections::BTreeSet, fmt::Write as _};

use serde_json::Value as Json;

use super::{PARTIAL, Schema, walk::choices};
use crate::{environment::Environment, text::Format};

/// Returns the reference of environment files as Markdown. Each top-level key has the lines of
/// `example`, a TOML text, that are about it.
#[must_use]
pub fn environment_reference(example: &str) -> String {
    let schema = Schema::of::<Environment>();
    let mut page = Page { schema: &schema, text: String::new(), parts: BTreeSet::new() };
    let keys = schema.root["properties"].as_object().into_iter().flatten();
    for (key, value) in keys {
        page.top_level(key, value, is_required(&schema.root, key));
        page.example(&lines_about(key, example));
    }
    page.text.push_str("\n## Parts\n\nTables that appear in several places.\n");
    page.parts();
    page.grammars();
    page.text
}

struct Page<'a> {
    schema: &'a Schema,
    text: String,
    /// Names of definitions that are to be described.
    parts: BTreeSet<String>,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn top_level(&mut self, key: &str, value: &Json, is_required: bool) {
        let (heading, table) = match shape(self.schema, value) {
            Shape::Table(table) => (format!("[{key}]"), Some(table)),
            Shape::Map(table @ Json::Object(_)) if table["properties"].is_object() => {
                (format!("[{key}.<name>]"), Some(table))
            }
            Shape::List(table) if table["properties"].is_object() => {
                (format!("[[{key}]]"), Some(table))
            }
            _ => (key.to_owned(), None),
        };
        let _ = writeln!(self.text, "\n## `{heading}`\n");
        let required = if is_required { " Required." } else { "" };
        let own = prose(value) + required;
        self.line(own.trim());
        let Some(table) = table.cloned() else {
            let kind = self.type_of(value);
            let _ = writeln!(self.text, "\nType: {kind}.");
            return;
        };
        let of_table = prose(&table);
        if of_table != prose(value) {
            let _ = writeln!(self.text, "\n{of_table}");
        }
        self.keys(&table, value[PARTIAL] == true);
    }

    /// Describes the keys of `table`; in a partial one none is required.
    fn keys(&mut self, table: &Json, is_partial: bool) {
        self.line("\n| key | type | meaning |\n|---|---|---|");
        for (key, value) in table["properties"].as_object().into_iter().flatten() {
            let kind = self.type_of(value);
            let meaning = prose(value).replace('\n', " ").replace('|', "\\|");
            let required =
                if is_required(table, key) && !is_partial { "**Required.** " } else { "" };
            let _ = writeln!(self.text, "| `{key}` | {kind} | {required}{meaning} |");
        }
    }

    fn example(&mut self, lines: &str) {
        if !lines.is_empty() {
            let _ = writeln!(self.text, "\n```toml\n{}\n```", lines.trim_end());
        }
    }

    /// Describes every definition that was referred to, and those to which it refers.
    fn parts(&mut self) {
        let mut done = BTreeSet::new();
        while let Some(name) = self.parts.difference(&done).next().cloned() {
            let definition = self.schema.root["$defs"][&name].clone();
            let _ = writeln!(self.text, "\n### {name}\n\n{}", prose(&definition));
            if definition["properties"].is_object() {
                self.keys(&definition, false);
            } else {
                self.choices(&definition);
            }
            done.insert(name);
        }
    }

    fn choices(&mut self, definition: &Json) {
        self.line("\n| value | meaning |\n|---|---|");
        let documented = definition["oneOf"].as_array().into_iter().flatten();
        for choice in documented {
            let meaning = prose(choice).replace('\n', " ");
            for value in choices(&serde_json::json!({ "oneOf": [choice] })) {
                let _ = writeln!(self.text, "| `{value}` | {meaning} |");
            }
        }
    }

    fn grammars(&mut self) {
        self.line("\n## Texts\n\n| type | grammar |\n|---|---|");
        for Format { name, expected, .. } in Format::all() {
            let _ = writeln!(self.text, "| {name} | {} |", expected.replace('|', "\\|"));
        }
    }

    /// Returns the type of `value` in words; definitions become links, and are described later.
    fn type_of(&mut self, value: &Json) -> String {
        if let Some(name) = definition_of(value) {
            let link = name.to_lowercase();
            let text = format!("[{name}](#{link})");
            self.parts.insert(name);
            return text;
        }
        if let Some(items) = value.get("items") {
            return format!("list of {}", self.type_of(&items.clone()));
        }
        if let Some(values) = value.get("additionalProperties").filter(|any| any.is_object()) {
            return format!("table of {}", self.type_of(&values.clone()));
        }
        let name = match &value["type"] {
            Json::Array(names) => names.iter().filter_map(Json::as_str).find(|n| *n != "null"),
            name => name.as_str(),
        };
        let range = match (value["minimum"].as_i64(), value["maximum"].as_i64()) {
            (Some(min), Some(max)) => format!(", {min} to {max}"),
            (Some(min), None) if min > 0 => format!(", {min} or more"),
            (None, Some(max)) => format!(", at most {max}"),
            _ => String::new(),
        };
        match (name, value["format"].as_str().and_then(Format::named)) {
            (_, Some(format)) => format.name.to_owned(),
            (Some("string"), _) => "text".to_owned(),
            (Some(name), _) => format!("{name}{range}"),
            (None, _) => "any".to_owned(),
        }
    }
}

/// What a value looks like in TOML.
enum Shape<'a> {
    Table(&'a Json),
    Map(&'a Json),
    List(&'a Json),
    Text,
}

fn shape<'a>(schema: &'a Schema, value: &'a Json) -> Shape<'a> {
    let value = schema.resolve(value);
    if value["properties"].is_object() {
        return Shape::Table(value);
    }
    if let Some(items) = value.get("items") {
        return Shape::List(schema.resolve(items));
    }
    match value.get("additionalProperties").filter(|any| any.is_object()) {
        Some(values) => Shape::Map(schema.resolve(values)),
        None => Shape::Text,
    }
}

fn is_required(table: &Json, key: &str) -> bool {
    table["required"].as_array().into_iter().flatten().any(|required| required == key)
}

/// Returns the name of the definition to which `value` refers, directly or as an optional value.
fn definition_of(value: &Json) -> Option<String> {
    let alternatives = value["anyOf"].as_array().into_iter().flatten();
    let reference = value["$ref"].as_str();
    let reference = reference.or_else(|| alternatives.filter_map(|a| a["$ref"].as_str()).next());
    reference.map(|text| text.trim_start_matches("#/$defs/").to_owned())
}

/// Returns the description, with links to Rust items as plain code.
fn prose(value: &Json) -> String {
    let text = value["description"].as_str().unwrap_or_default();
    text.replace("[`", "`").replace("`]", "`")
}

/// Returns the lines of a TOML text that belong to the top-level key `key`: from each of its headers
/// to the next header of another key, with the comments above.
fn lines_about(key: &str, example: &str) -> String {
    let mut about = String::new();
    let mut pending = String::new();
    let mut is_about = false;
    for line in example.lines() {
        let header = line.starts_with('[').then(|| line.trim_matches(['[', ']']));
        let assigned = line.split_once('=').map(|(name, _)| name.trim());
        if let Some(header) = header {
            let root = header.split(['.', ']']).next().unwrap_or_default();
            is_about = root == key;
        } else if line.starts_with('#') || line.trim().is_empty() {
            pending.push_str(line);
            pending.push('\n');
            continue;
        } else if about.is_empty() && assigned == Some(key) && !example_has_header(example, line) {
            is_about = true;
        } else if !example_has_header(example, line) {
            is_about = false;
        }
        if is_about {
            about.push_str(&pending);
            about.push_str(line);
            about.push('\n');
        }
        pending.clear();
    }
    about.trim().to_owned()
}

/// Returns whether a header stands before `line`.
fn example_has_header(example: &str, line: &str) -> bool {
    example.lines().take_while(|other| *other != line).any(|other| other.starts_with('['))
}
