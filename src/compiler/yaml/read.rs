//! Reads YAML, which may be anyone's, as a tree with places.
//!
//! What is read is what every reader of YAML would read: a text without quotes that is a boolean or
//! a number to some of them is refused, like tags, doubled keys and keys that are no texts. Aliases
//! and merge keys are followed, as far as they do not make much more of a file than it is. A key
//! without a value is not there.
//!
//! The library tells no places, but a text that stands in the file as it is comes as a slice of the
//! file. So texts and keys know their place, and anything else has that of its key.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::de::{
    DeserializeSeed, EnumAccess, IgnoredAny, MapAccess, SeqAccess, VariantAccess, Visitor,
};
use serde_yaml::Deserializer;

use super::YamlProblem;
use crate::{
    finding::Findings,
    place::{Place, SourceFile},
    tree::{Entry, Node, Table, Value},
};

/// Largest integer that every JSON implementation keeps exactly.
const MAX_INTEGER: u64 = (1 << 53) - 1;

/// How much more than the file what is read of it may be.
const MOST_TIMES: usize = 10;

/// Reads every document of `file` that has something in it. What is wrong is added to `findings`.
pub(crate) fn read(file: &Arc<SourceFile>, findings: &mut Findings) -> Vec<Node> {
    // Some editors begin a file with a byte order mark.
    let text = file.text.strip_prefix('\u{feff}').unwrap_or(&file.text);
    let start = file.text.len() - text.len();
    let budget = text.len().saturating_mul(MOST_TIMES).saturating_add(1000);
    let mut reader = Reader { file, findings, budget };
    let mut documents = Vec::new();
    for document in Deserializer::from_str(text) {
        let around = Place::top_of(file);
        match (Seed { reader: &mut reader, around }).deserialize(document) {
            Ok(Node { value: Value::Null, .. }) => {}
            Ok(node) if node.as_table().is_some() => documents.push(node),
            Ok(Node { place, value }) => {
                let found = Node { place: place.clone(), value }.kind();
                reader.findings.add(place, YamlProblem::NotATable { found });
            }
            Err(error) => {
                reader.report_syntax(&error, start);
                // Where one document ends that is not well-formed, nobody can tell.
                break;
            }
        }
    }
    documents
}

/// What is read, and how much more may be.
struct Reader<'a, 'f> {
    file: &'a Arc<SourceFile>,
    findings: &'f mut Findings,
    budget: usize,
}

impl Reader<'_, '_> {
    fn report_syntax(&mut self, error: &serde_yaml::Error, start: usize) {
        if self.budget == 0 {
            self.findings.add(Place::top_of(self.file), YamlProblem::Bomb);
            return;
        }
        let at = error.location().map_or(0, |location| location.index() + start);
        let place = Place::new(self.file, at..at);
        let message = error.to_string();
        // The parser repeats the place in words.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        let has_tab = place.line().contains('\t');
        self.findings.add(place, YamlProblem::Syntax { message, has_tab });
    }

    /// Returns the place of `text` if it is a slice of the file.
    fn place_of(&self, text: &str) -> Option<Place> {
        let start = text.as_ptr().addr().checked_sub(self.file.text.as_ptr().addr())?;
        let end = start.checked_add(text.len()).filter(|end| *end <= self.file.text.len())?;
        Some(Place::new(self.file, start..end))
    }

    /// Returns whether `text`, a slice of the file, stands there in quotes.
    fn is_quoted(&self, text: &str) -> bool {
        let start = text.as_ptr().addr().checked_sub(self.file.text.as_ptr().addr());
        let before = start.and_then(|start| self.file.text.get(..start));
        before.is_some_and(|before| before.ends_with(['"', '\'']))
    }

    /// Takes `cost` of what may still be read.
    fn take(&mut self, cost: usize) -> bool {
        self.budget = self.budget.saturating_sub(cost);
        self.budget > 0
    }
}

/// Reads one value.
struct Seed<'r, 'a, 'f> {
    reader: &'r mut Reader<'a, 'f>,
    /// Place of what the value is in.
    around: Place,
}

impl Seed<'_, '_, '_> {
    fn node<E: serde::de::Error>(self, value: Value) -> Result<Node, E> {
        let cost = if let Value::String(text) = &value { text.len() + 1 } else { 1 };
        if !self.reader.take(cost) {
            return Err(E::custom("too large"));
        }
        Ok(Node { place: self.around, value })
    }

    fn number<E: serde::de::Error>(self, number: &impl ToString) -> Result<Node, E> {
        let number = number.to_string();
        self.reader.findings.add(self.around.clone(), YamlProblem::Number { number });
        self.node(Value::Other("a number"))
    }
}

impl<'de> DeserializeSeed<'de> for Seed<'_, '_, '_> {
    type Value = Node;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_, '_, '_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_none<E: serde::de::Error>(self) -> Result<Node, E> {
        self.node(Value::Null)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Node, E> {
        self.node(Value::Boolean(value))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Node, E> {
        match i64::try_from(number) {
            Ok(small) if number <= MAX_INTEGER => self.node(Value::Integer(small)),
            _ => self.number(&number),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Node, E> {
        if number.unsigned_abs() <= MAX_INTEGER {
            self.node(Value::Integer(number))
        } else {
            self.number(&number)
        }
    }

    fn visit_u128<E: serde::de::Error>(self, number: u128) -> Result<Node, E> {
        self.number(&number)
    }

    fn visit_i128<E: serde::de::Error>(self, number: i128) -> Result<Node, E> {
        self.number(&number)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Node, E> {
        self.number(&format!("{number:?}"))
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Node, E> {
        self.node(Value::String(text.to_owned()))
    }

    fn visit_borrowed_str<E: serde::de::Error>(mut self, text: &'de str) -> Result<Node, E> {
        if let Some(place) = self.reader.place_of(text) {
            self.around = place;
        }
        if let Some(some) = other_meaning(text)
            && !self.reader.is_quoted(text)
        {
            let text = text.to_owned();
            let problem = YamlProblem::Ambiguous { text, some };
            self.reader.findings.add(self.around.clone(), problem);
        }
        self.node(Value::String(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = items
            .next_element_seed(Seed { reader: &mut *self.reader, around: self.around.clone() })?
        {
            nodes.push(node);
        }
        self.node(Value::Array(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<Node, A::Error> {
        let mut entries = BTreeMap::new();
        let mut merged = Vec::new();
        let mut first = None;
        while let Some(key) =
            map.next_key_seed(Seed { reader: &mut *self.reader, around: self.around.clone() })?
        {
            first.get_or_insert_with(|| key.place.clone());
            let around = key.place.clone();
            let mut node = map.next_value_seed(Seed { reader: &mut *self.reader, around })?;
            // A table has no text to point at: its key stands for it.
            if let Value::Table(_) = node.value {
                node.place = key.place.clone();
            }
            match key.value {
                Value::String(name) if name == "<<" => merged.push(node),
                Value::String(name) => self.insert(&mut entries, name, key.place, node),
                _ => {
                    let found = key.kind();
                    self.reader.findings.add(key.place, YamlProblem::Key { found });
                }
            }
        }
        for entry in merged.into_iter().flat_map(entries_of) {
            entries.entry(entry.0).or_insert(entry.1);
        }
        entries.retain(|_, entry| !matches!(entry.node.value, Value::Null));
        // A table in an array, or at the top, is where its first key is.
        if let Some(first) = first {
            self.around = first;
        }
        self.node(Value::Table(Table(entries)))
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Node, A::Error> {
        let (tag, content): (String, _) = data.variant()?;
        content.newtype_variant::<IgnoredAny>()?;
        self.reader.findings.add(self.around.clone(), YamlProblem::Tag { tag });
        self.node(Value::Other("a tagged value"))
    }
}

impl Seed<'_, '_, '_> {
    fn insert(
        &mut self,
        entries: &mut BTreeMap<String, Entry>,
        name: String,
        key: Place,
        node: Node,
    ) {
        if entries.contains_key(&name) {
            self.reader.findings.add(key, YamlProblem::Twice { key: name });
            return;
        }
        entries.insert(name, Entry { key, node });
    }
}

/// Returns the entries that a merge key brings: those of a table, or of several.
fn entries_of(node: Node) -> Vec<(String, Entry)> {
    match node.value {
        Value::Table(table) => table.0.into_iter().collect(),
        Value::Array(items) => items.into_iter().flat_map(entries_of).collect(),
        _ => Vec::new(),
    }
}

/// Returns what `text` without quotes is to readers of YAML 1.1, to which `kubectl` belongs, if that
/// is something else than a text.
fn other_meaning(text: &str) -> Option<&'static str> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_number = digits.len() > 1
        && digits.starts_with(|first: char| first.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    match text {
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" | "n" | "N" | "no" | "No" | "NO"
        | "off" | "Off" | "OFF" => Some("a boolean"),
        _ if is_number => Some("a number"),
        _ => None,
    }
}
