//! In which fields two manifests of one object differ.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    /// Path of the field, such as `spec.template.spec.containers[web].image`.
    pub path: String,
    /// Old value, if the old object has the field.
    pub old: Option<Value>,
    /// New value, if the new object has the field.
    pub new: Option<Value>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.old, &self.new) {
            (Some(old), Some(new)) => write!(f, "{}: {old} → {new}", self.path),
            (Some(old), None) => write!(f, "{}: {old} is gone", self.path),
            (None, Some(new)) => write!(f, "{}: {new} is new", self.path),
            (None, None) => f.write_str(&self.path),
        }
    }
}

/// Returns the fields in which `old` and `new` differ, as deep as possible.
///
/// The content of a Secret is not shown, only which of its keys differ.
///
/// Items of lists are matched by `name` where all have one, as Kubernetes merges them; else by
/// position.
#[must_use]
pub fn field_changes(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    compare(String::new(), Some(old), Some(new), &mut changes);
    if old["kind"] == "Secret" {
        changes.iter_mut().for_each(FieldChange::hide);
    }
    changes
}

impl FieldChange {
    /// Hides the values of a Secret's content; which keys changed may be known.
    fn hide(&mut self) {
        if self.path.starts_with("data") || self.path.starts_with("stringData") {
            for value in [&mut self.old, &mut self.new].into_iter().flatten() {
                *value = Value::from("(secret)");
            }
        }
    }
}

fn compare(path: String, old: Option<&Value>, new: Option<&Value>, changes: &mut Vec<FieldChange>) {
    if old == new {
        return;
    }
    let parts = old.zip(new).and_then(|(old, new)| Some((parts(old)?, parts(new)?)));
    let Some((old_parts, new_parts)) = parts else {
        changes.push(FieldChange { path, old: old.cloned(), new: new.cloned() });
        return;
    };
    let find = |parts: &[(String, _)], key: &str| {
        parts.iter().find(|(name, _)| name == key).map(|(_, value)| *value)
    };
    let added = new_parts.iter().filter(|(key, _)| find(&old_parts, key).is_none());
    for (key, _) in old_parts.iter().chain(added) {
        let path = if path.is_empty() || key.starts_with('[') {
            format!("{path}{key}")
        } else {
            format!("{path}.{key}")
        };
        compare(path, find(&old_parts, key), find(&new_parts, key), changes);
    }
}

/// Returns the parts of an object or a list, each with its name in a path.
fn parts(value: &Value) -> Option<Vec<(String, &Value)>> {
    match value {
        Value::Object(fields) => {
            Some(fields.iter().map(|(key, value)| (quoted(key), value)).collect())
        }
        Value::Array(items) => {
            let name = |item: &Value| item["name"].as_str().map(|name| format!("[{name}]"));
            let names: Option<Vec<_>> = items.iter().map(name).collect();
            let positions = || (0..items.len()).map(|position| format!("[{position}]")).collect();
            Some(names.unwrap_or_else(positions).into_iter().zip(items).collect())
        }
        _ => None,
    }
}

/// Quotes keys that have dots themselves, such as those of labels.
fn quoted(key: &str) -> String {
    if key.contains('.') { format!("[\"{key}\"]") } else { key.to_owned() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_content_of_a_secret_is_not_shown() {
        let secret = |value: &str| json!({"kind": "Secret", "stringData": {"password": value}});
        let found = field_changes(&secret("hunter2"), &secret("hunter3"));
        assert_eq!(found[0].to_string(), "stringData.password: \"(secret)\" → \"(secret)\"");
    }

    #[test]
    fn a_difference_is_shown_as_deep_as_possible() {
        for (case, old, new, expected) in [
            ("a value", json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), vec!["a.b: 1 → 2"]),
            ("a field that is new", json!({}), json!({"a": 1}), vec!["a: 1 is new"]),
            (
                "a field that is gone",
                json!({"a": {"b": 1}}),
                json!({"a": {}}),
                vec!["a.b: 1 is gone"],
            ),
            ("another type", json!({"a": 1}), json!({"a": "1"}), vec!["a: 1 → \"1\""]),
            (
                "a key with dots",
                json!({"a": {"b.c": 1}}),
                json!({"a": {"b.c": 2}}),
                vec!["a[\"b.c\"]: 1 → 2"],
            ),
            (
                "items with names, in another order",
                json!([{"name": "x", "v": 1}, {"name": "y", "v": 1}]),
                json!([{"name": "y", "v": 2}, {"name": "x", "v": 1}]),
                vec!["[y].v: 1 → 2"],
            ),
            (
                "items without names",
                json!([1, 2]),
                json!([1, 3, 4]),
                vec!["[1]: 2 → 3", "[2]: 4 is new"],
            ),
        ] {
            let found: Vec<_> = field_changes(&old, &new).iter().map(ToString::to_string).collect();
            assert_eq!(found, expected, "{case}");
        }
    }
}
