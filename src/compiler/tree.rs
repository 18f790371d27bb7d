//! TOML or YAML as a tree in which every key and value remembers its place.

use std::{collections::BTreeMap, sync::Arc};

use toml::de::{DeTable, DeValue};

use crate::{
    finding::Findings,
    place::{Place, SourceFile},
    problem::Problem,
};

/// A value and its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// Nothing, in an array of YAML. TOML has no such value.
    Null,
    String(String),
    Integer(i64),
    Boolean(bool),
    Array(Vec<Node>),
    Table(Table),
    /// A float, a date or an integer beyond its range: no key takes one.
    Other(&'static str),
}

/// The entries of a table by key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table(pub(crate) BTreeMap<String, Entry>);

/// A key's place and the value that it has.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) key: Place,
    pub(crate) node: Node,
}

impl Node {
    /// Parses `file`. Syntax errors, all of them, are added to `findings`.
    pub(crate) fn parse(file: &Arc<SourceFile>, findings: &mut Findings) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(&file.text);
        for error in &errors {
            let place = Place::new(file, error.span().unwrap_or(0..0));
            findings.add(place, Problem::Syntax { message: error.message().to_owned() });
        }
        let table = errors.is_empty().then(|| convert_table(file, table.get_ref()))?;
        Some(Self { place: Place::top_of(file), value: Value::Table(table) })
    }

    /// Returns the entries, if this is a table.
    pub(crate) fn as_table(&self) -> Option<&Table> {
        match &self.value {
            Value::Table(table) => Some(table),
            _ => None,
        }
    }

    /// Returns the text, if this is a string.
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value at `key`, if this is a table that has it.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.as_table()?.0.get(key).map(|entry| &entry.node)
    }

    /// Takes the entry `key` out, if this is a table that has it.
    pub(crate) fn take(&mut self, key: &str) -> Option<Entry> {
        match &mut self.value {
            Value::Table(table) => table.0.remove(key),
            _ => None,
        }
    }

    /// Takes the entry at the path of `keys` out, if there is one.
    pub(crate) fn take_at(&mut self, keys: &[&str]) -> Option<Entry> {
        let (last, tables) = keys.split_last()?;
        let mut node = self;
        for key in tables {
            let Value::Table(table) = &mut node.value else {
                return None;
            };
            node = &mut table.0.get_mut(*key)?.node;
        }
        node.take(last)
    }

    /// Returns the place of the value at `path`, or of the nearest value around it. Parts of the
    /// path are keys, and positions in arrays.
    pub(crate) fn place_of(&self, path: &[&str]) -> Place {
        let mut node = self;
        for part in path {
            let child = match &node.value {
                Value::Table(table) => table.0.get(*part).map(|entry| &entry.node),
                Value::Array(items) => part.parse().ok().and_then(|at: usize| items.get(at)),
                _ => None,
            };
            match child {
                Some(child) => node = child,
                None => break,
            }
        }
        node.place.clone()
    }

    /// Returns the value without its places.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::String(text) => text.as_str().into(),
            Value::Integer(number) => (*number).into(),
            Value::Boolean(value) => (*value).into(),
            Value::Array(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(Table(entries)) => {
                entries.iter().map(|(key, entry)| (key.clone(), entry.node.to_json())).collect()
            }
            Value::Null | Value::Other(_) => serde_json::Value::Null,
        }
    }

    /// Returns the type in words, for messages.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::String(_) => "a string",
            Value::Integer(_) => "an integer",
            Value::Boolean(_) => "a boolean",
            Value::Array(_) => "an array",
            Value::Table(_) => "a table",
            Value::Other(kind) => kind,
        }
    }
}

fn convert_table(file: &Arc<SourceFile>, table: &DeTable<'_>) -> Table {
    let entries = table.iter().map(|(key, value)| {
        let place = Place::new(file, key.span());
        let node = convert(file, value.get_ref(), Place::new(file, value.span()));
        // A table made by `[a.b]` or `a.b = …` has no value to point at: its key stands for it.
        let node = match node.value {
            Value::Table(_) => Node { place: place.clone(), ..node },
            _ => node,
        };
        (key.get_ref().to_string(), Entry { key: place, node })
    });
    Table(entries.collect())
}

fn convert(file: &Arc<SourceFile>, value: &DeValue<'_>, place: Place) -> Node {
    let value = match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => match i64::from_str_radix(number.as_str(), number.radix()) {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::Other("an integer beyond 64 bits"),
        },
        DeValue::Boolean(value) => Value::Boolean(*value),
        DeValue::Float(_) => Value::Other("a float"),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .map(|item| convert(file, item.get_ref(), Place::new(file, item.span())))
                .collect(),
        ),
        DeValue::Table(table) => Value::Table(convert_table(file, table)),
    };
    Node { place, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Node, String> {
        let file = SourceFile { path: "x.toml".to_owned(), text: text.to_owned() };
        let mut findings = Findings::default();
        Node::parse(&Arc::new(file), &mut findings).ok_or_else(|| findings.to_string())
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = "[a.b]\nc = [\n  1,\n  'x',\n]\nd.e = true\n[[f]]\ng = { h = 2 }\n";
        let node = parse(text).expect("well-formed");
        for (case, path, place) in [
            ("a table by its header", &["a", "b"] as &[_], "x.toml:1:4"),
            ("an array", &["a", "b", "c"], "x.toml:2:5"),
            ("an item", &["a", "b", "c", "1"], "x.toml:4:3"),
            ("a dotted key", &["a", "b", "d", "e"], "x.toml:6:7"),
            ("a key of an inline table", &["f", "0", "g", "h"], "x.toml:8:11"),
            ("what is absent, by what is around it", &["a", "b", "z", "y"], "x.toml:1:4"),
            ("a position that is absent", &["a", "b", "c", "7"], "x.toml:2:5"),
        ] {
            assert_eq!(format!("{:?}", node.place_of(path)), place, "{case}");
        }
    }

    #[test]
    fn all_syntax_errors_are_found_at_once() {
        let found = parse("a = \nb = 1\nb = 2\n").expect_err("not well-formed");
        for part in ["x.toml:1:", "x.toml:3:1", "duplicate key"] {
            assert!(found.contains(part), "{part} in {found}");
        }
    }
}
