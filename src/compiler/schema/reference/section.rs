//! The sections of the reference: one for each top-level key.

use serde_json::Value as Json;

use super::{
    super::{PARTIAL, Schema},
    definition::{Shape, definition_in, shape},
    example::Piece,
};

/// A top-level key.
pub(super) struct Section<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a Json,
    /// The key as people write it.
    pub(super) title: String,
    /// Path of the table that it is, or that there are several of.
    pub(super) path: String,
    /// That table.
    pub(super) table: Option<&'a Json>,
}

/// Returns the top-level keys: tables in the order of the examples, then what is no table.
pub(super) fn sections<'a>(
    schema: &'a Schema,
    examples: &[(&str, Vec<Piece<'_>>)],
) -> Vec<Section<'a>> {
    let keys = schema.root["properties"].as_object().into_iter().flatten();
    let mut sections: Vec<_> = keys.map(|(key, value)| section(schema, key, value)).collect();
    let order: Vec<_> = examples.iter().flat_map(|(_, pieces)| pieces).map(|it| it.key).collect();
    sections.sort_by_key(|section| {
        let position = order.iter().position(|key| *key == section.key);
        (!section.title.starts_with('['), position.unwrap_or(order.len()))
    });
    sections
}

fn section<'a>(schema: &'a Schema, key: &'a str, value: &'a Json) -> Section<'a> {
    let is_table = |schema: &Json| schema["properties"].is_object();
    let (title, path, table) = match shape(schema, value) {
        Shape::Table(table) => (format!("[{key}]"), key.to_owned(), Some(table)),
        Shape::Map(table) if is_table(table) => {
            (format!("[{key}.<name>]"), format!("{key}.<name>"), Some(table))
        }
        Shape::Map(_) => (format!("[{key}]"), key.to_owned(), None),
        Shape::List(table) if is_table(table) => {
            (format!("[[{key}]]"), key.to_owned(), Some(table))
        }
        _ => (key.to_owned(), key.to_owned(), None),
    };
    Section { key, value, title, path, table }
}

/// Returns the section whose tables are laid on that of `section`.
pub(super) fn base_of<'s, 'a>(
    section: &Section<'_>,
    all: &'s [Section<'a>],
) -> Option<&'s Section<'a>> {
    let name = definition_in(section.value).filter(|_| section.value[PARTIAL] == true)?;
    let is_same =
        |it: &&Section<'_>| it.key != section.key && definition_in(it.value) == Some(name);
    all.iter().find(is_same)
}
