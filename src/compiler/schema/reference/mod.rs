//! The language of environments as a page for people, from the types and their doc comments.
//!
//! Each top-level key is a section. A table or a list of choices that stands in one place only is
//! described there, by its path; what stands in several has a name of its own, and comes at the end.

mod definition;
mod example;
mod section;
mod words;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use serde_json::Value as Json;

use self::{
    definition::{Shape, definition_in, is_described, is_required, reference_of, shape, uses},
    example::{Piece, pieces},
    section::{Section, base_of, sections},
    words::{capitalized, cell, first_sentence, link, prose, range, words_of},
};
use super::{PARTIAL, Schema, walk::choices};
use crate::{environment::Environment, text::Format};

/// Returns the reference of environment files as Markdown, with pieces of `examples`: pairs of file
/// name and TOML text. Sections come in the order of the first of them.
#[must_use]
pub fn environment_reference(examples: &[(&str, &str)]) -> String {
    let schema = Schema::of::<Environment>();
    let examples: Vec<_> = examples.iter().map(|(file, text)| (*file, pieces(text))).collect();
    let mut page = Page {
        uses: uses(&schema.root),
        schema: &schema,
        text: String::new(),
        shared: BTreeSet::new(),
        formats: BTreeSet::new(),
    };
    let sections = sections(&schema, &examples);
    page.contents(&sections);
    for section in &sections {
        page.section(section, &sections);
        page.examples(section.key, &examples);
        page.keys_of_section(section, &sections);
    }
    page.shared();
    page.formats();
    page.text
}

struct Page<'a> {
    schema: &'a Schema,
    /// How often tables refer to each definition.
    uses: BTreeMap<String, usize>,
    text: String,
    /// Names of definitions that are to be described at the end.
    shared: BTreeSet<String>,
    /// Names of grammars that occur.
    formats: BTreeSet<&'static str>,
}

/// A definition that is described where it stands.
struct Own<'a> {
    title: String,
    path: String,
    definition: &'a Json,
}

impl<'a> Page<'a> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn contents(&mut self, sections: &[Section<'_>]) {
        self.line("\n| section | what it says |\n|---|---|");
        for section in sections {
            let title = format!("`{}`", section.title);
            let (link, what) = (link(&title, &title), first_sentence(section.value));
            let _ = writeln!(self.text, "| {link} | {what} |");
        }
    }

    fn section(&mut self, section: &Section<'_>, sections: &[Section<'_>]) {
        let Section { value, title, .. } = section;
        let required = if is_required(&self.schema.root, section.key) { " Required." } else { "" };
        let _ = writeln!(self.text, "\n## `{title}`\n\n{}{required}", prose(value));
        let of_table = section.table.map(prose).unwrap_or_default();
        if section.table.is_none() {
            let kind = self.type_of(value, None);
            let _ = writeln!(self.text, "\nType: {kind}.");
        } else if let Some(same) = base_of(section, sections) {
            let title = format!("`{}`", same.title);
            let link = link(&title, &title);
            let _ = writeln!(self.text, "\nIts keys are those of {link}; none is required.");
        } else if of_table != prose(value) {
            let _ = writeln!(self.text, "\n{of_table}");
        }
    }

    /// Shows the pieces that are about `key`.
    fn examples(&mut self, key: &str, examples: &[(&str, Vec<Piece<'_>>)]) {
        for (position, (file, pieces)) in examples.iter().enumerate() {
            let about: Vec<_> =
                pieces.iter().filter(|it| it.key == key).map(|it| it.text).collect();
            if about.is_empty() {
                continue;
            }
            if position > 0 {
                let _ = writeln!(self.text, "\nIn `{file}`:");
            }
            let _ = writeln!(self.text, "\n```toml\n{}\n```", about.join("\n\n"));
        }
    }

    fn keys_of_section(&mut self, section: &Section<'a>, sections: &[Section<'_>]) {
        if let Some(table) = section.table.filter(|_| base_of(section, sections).is_none()) {
            let is_partial = section.value[PARTIAL] == true;
            self.keys(table, Some(&section.path), is_partial);
        }
    }

    /// Describes the keys of `table`, which stands at `path` or in several places, those that are
    /// required first; in a partial one none is.
    fn keys(&mut self, table: &'a Json, path: Option<&str>, is_partial: bool) {
        let mut own = Vec::new();
        self.line("\n| key | type | meaning |\n|---|---|---|");
        let is_required = |key: &str| is_required(table, key) && !is_partial;
        let mut keys: Vec<_> = table["properties"].as_object().into_iter().flatten().collect();
        keys.sort_by_key(|(key, _)| !is_required(key));
        for (key, value) in keys {
            let described = path.and_then(|path| self.own(value, &format!("{path}.{key}")));
            let kind = self.type_of(value, described.as_ref());
            let required = if is_required(key) { "**Required.** " } else { "" };
            let _ = writeln!(self.text, "| `{key}` | {kind} | {required}{} |", cell(value));
            own.extend(described);
        }
        for Own { title, path, definition } in own {
            let _ = writeln!(self.text, "\n### `{title}`\n\n{}", prose(definition));
            self.definition(definition, Some(&path));
        }
    }

    /// Returns the definition that `value` at `path` refers to, if nothing else does.
    fn own(&self, value: &Json, path: &str) -> Option<Own<'a>> {
        let name = definition_in(value).filter(|name| self.uses.get(*name) == Some(&1))?;
        let definition = &self.schema.root["$defs"][name];
        let path = match shape(self.schema, value) {
            Shape::Map(_) => format!("{path}.<name>"),
            _ => path.to_owned(),
        };
        let title = match (definition["properties"].is_object(), value.get("items")) {
            (true, Some(_)) => format!("[[{path}]]"),
            (true, None) => format!("[{path}]"),
            (false, _) => path.clone(),
        };
        is_described(definition).then_some(Own { title, path, definition })
    }

    /// Describes the keys or the choices of a definition.
    fn definition(&mut self, definition: &'a Json, path: Option<&str>) {
        if definition["properties"].is_object() {
            return self.keys(definition, path, false);
        }
        self.line("\n| value | meaning |\n|---|---|");
        for choice in definition["oneOf"].as_array().into_iter().flatten() {
            for value in choices(&serde_json::json!({ "oneOf": [choice] })) {
                let _ = writeln!(self.text, "| `{value}` | {} |", cell(choice));
            }
        }
    }

    /// Describes every definition that several tables refer to, and those to which it refers.
    fn shared(&mut self) {
        self.line("\n## What stands in several places");
        let mut done = BTreeSet::new();
        while let Some(name) = self.shared.difference(&done).next().cloned() {
            let definition = &self.schema.root["$defs"][&name];
            let title = capitalized(&words_of(&name));
            let _ = writeln!(self.text, "\n### {title}\n\n{}", prose(definition));
            self.definition(definition, None);
            done.insert(name);
        }
    }

    fn formats(&mut self) {
        self.line("\n## Texts\n\n| type | what it is |\n|---|---|");
        for Format { name, expected, .. } in self.formats.iter().filter_map(|it| Format::named(it))
        {
            let _ = writeln!(self.text, "| {name} | {} |", expected.replace('|', "\\|"));
        }
    }

    /// Returns the type of `value` in words, with a link to where it is described.
    fn type_of(&mut self, value: &Json, own: Option<&Own<'_>>) -> String {
        if let Some(name) = reference_of(value) {
            return self.reference(name, own);
        }
        if let Some(items) = value.get("items") {
            return format!("list of {}", self.type_of(items, own));
        }
        if let Some(values) = value.get("additionalProperties").filter(|any| any.is_object()) {
            let values = self.type_of(values, own);
            return match value["propertyNames"]["format"].as_str().and_then(Format::named) {
                Some(names) => format!("table from {} to {values}", self.format(names)),
                None => format!("table of {values}"),
            };
        }
        if let Some(keys) = value["properties"].as_object() {
            let keys = keys.iter().map(|(key, value)| {
                let kind = self.type_of(value, None);
                format!("`{key}`: {kind}")
            });
            return format!("table with {}", keys.collect::<Vec<_>>().join(", "));
        }
        let name = match &value["type"] {
            Json::Array(names) => names.iter().filter_map(Json::as_str).find(|n| *n != "null"),
            name => name.as_str(),
        };
        match (name, value["format"].as_str().and_then(Format::named)) {
            (_, Some(format)) => self.format(format),
            (Some("string"), _) => "text".to_owned(),
            (Some("object"), _) => "table of anything".to_owned(),
            (Some(name), _) => format!("{name}{}", range(value)),
            (None, _) => "anything".to_owned(),
        }
    }

    fn reference(&mut self, name: &str, own: Option<&Own<'_>>) -> String {
        let definition = &self.schema.root["$defs"][name];
        if !is_described(definition) {
            let choices = choices(definition).into_iter().map(|choice| format!("`{choice}`"));
            return choices.collect::<Vec<_>>().join(" or ");
        }
        let is_table = definition["properties"].is_object();
        if let Some(own) = own {
            return link(if is_table { "table" } else { "choice" }, &own.title);
        }
        self.shared.insert(name.to_owned());
        let words = words_of(name);
        link(&words, &words)
    }

    fn format(&mut self, format: &Format) -> String {
        self.formats.insert(format.name);
        link(format.name, "Texts")
    }
}
