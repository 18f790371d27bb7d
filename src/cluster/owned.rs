//! Which fields of an object each field manager owns.
//!
//! The API server keeps a set of fields for each manager (`fieldsV1`): a tree whose keys are
//! `f:NAME` for a field, `k:{…}` for the item of a list that has these keys, `v:VALUE` for a value
//! in a list, `i:INDEX` for an item at a place, and `.` for the thing itself (KEP-555). The
//! functions here walk such a tree and an object together.

use serde_json::{Map, Value};

/// Where a part of an object or a list is.
enum Place {
    Field(String),
    Item(usize),
}

/// Takes the fields of `set` out of `object`, and what is empty without them.
pub(crate) fn remove(object: &mut Value, set: &Value) {
    for (key, inner) in parts(set) {
        remove_part(object, key, inner);
    }
}

fn remove_part(object: &mut Value, key: &str, inner: &Value) {
    let Some(place) = find(object, key) else { return };
    if !is_leaf(inner)
        && let Some(part) = get_mut(object, &place)
    {
        remove(part, inner);
        if !is_empty(part) {
            return;
        }
    }
    take_out(object, &place);
}

/// Makes the fields of `set` in `object` what they are in `source`.
pub(crate) fn graft(object: &mut Value, source: &Value, set: &Value) {
    for (key, inner) in parts(set) {
        let Some(part) = find(source, key).and_then(|place| get(source, &place)) else {
            remove_part(object, key, inner);
            continue;
        };
        let whole = is_leaf(inner);
        let place = find(object, key).unwrap_or_else(|| {
            let empty = if part.is_array() { Value::Array(Vec::new()) } else { Map::new().into() };
            insert(object, key, if whole { part.clone() } else { empty })
        });
        if let Some(slot) = get_mut(object, &place) {
            if whole { slot.clone_from(part) } else { graft(slot, part, inner) }
        }
    }
}

/// Returns whether two sets have a field in common.
pub(crate) fn overlap(set: &Value, other: &Value) -> bool {
    parts(set).any(|(key, inner)| match other.get(key) {
        Some(found) if is_leaf(inner) || is_leaf(found) => true,
        Some(found) => overlap(inner, found),
        None => false,
    })
}

/// Adds the fields of `other` to `set`.
pub(crate) fn unite(set: &mut Value, other: &Value) {
    let Some(other) = other.as_object() else { return };
    if !set.is_object() {
        *set = Map::new().into();
    }
    for (key, inner) in other {
        unite(&mut set[key], inner);
    }
}

/// Takes the fields of `other` out of `set`, and what is empty without them.
pub(crate) fn subtract(set: &mut Value, other: &Value) {
    let (Some(fields), Some(other)) = (set.as_object_mut(), other.as_object()) else { return };
    for (key, inner) in other {
        let Some(part) = fields.get_mut(key) else { continue };
        if !is_leaf(part) {
            subtract(part, inner);
        }
        if is_leaf(part) {
            fields.remove(key);
        }
    }
}

/// Finds the part of `object` that `keys` of a set lead to.
pub(crate) fn at<'a>(object: &'a Value, keys: &[&str]) -> Option<&'a Value> {
    keys.iter().try_fold(object, |part, key| get(part, &find(part, key)?))
}

/// The parts of a set, without the mark for the thing itself.
pub(crate) fn parts(set: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let members = set.as_object().into_iter().flatten();
    members.map(|(key, inner)| (key.as_str(), inner)).filter(|(key, _)| *key != ".")
}

fn is_leaf(set: &Value) -> bool {
    set.as_object().is_none_or(Map::is_empty)
}

fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}

/// Finds the part of `object` that `key` of a set names.
fn find(object: &Value, key: &str) -> Option<Place> {
    let (kind, text) = key.split_once(':')?;
    if kind == "f" {
        return object.get(text).map(|_| Place::Field(text.to_owned()));
    }
    let items = object.as_array()?;
    let wanted: Value = serde_json::from_str(text).ok()?;
    let position = match kind {
        "k" => {
            let keys = wanted.as_object()?;
            items.iter().position(|item| keys.iter().all(|(name, key)| has_key(item, name, key)))
        }
        "v" => items.iter().position(|item| *item == wanted),
        "i" => usize::try_from(wanted.as_u64()?).ok().filter(|index| *index < items.len()),
        _ => None,
    };
    position.map(Place::Item)
}

/// A key that an item lacks has its default, and the one default among the keys of Kubernetes' lists
/// is the protocol of a port.
fn has_key(item: &Value, name: &str, key: &Value) -> bool {
    item.get(name).map_or(name == "protocol" && key == "TCP", |value| value == key)
}

fn get<'a>(object: &'a Value, place: &Place) -> Option<&'a Value> {
    match place {
        Place::Field(name) => object.get(name),
        Place::Item(index) => object.get(*index),
    }
}

fn get_mut<'a>(object: &'a mut Value, place: &Place) -> Option<&'a mut Value> {
    match place {
        Place::Field(name) => object.get_mut(name),
        Place::Item(index) => object.get_mut(*index),
    }
}

fn take_out(object: &mut Value, place: &Place) {
    match (place, object) {
        (Place::Field(name), Value::Object(fields)) => drop(fields.remove(name)),
        (Place::Item(index), Value::Array(items)) => drop(items.remove(*index)),
        _ => {}
    }
}

/// Adds `part` to `object` where `key` of a set says, and returns where that is.
fn insert(object: &mut Value, key: &str, part: Value) -> Place {
    match (key.strip_prefix("f:"), object) {
        (Some(name), Value::Object(fields)) => {
            fields.insert(name.to_owned(), part);
            Place::Field(name.to_owned())
        }
        (_, Value::Array(items)) => {
            items.push(part);
            Place::Item(items.len() - 1)
        }
        _ => Place::Field(key.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod() -> Value {
        json!({ "spec": {
            "replicas": 3,
            "containers": [{ "name": "a", "image": "x" }, { "name": "b", "image": "y" }],
            "finalizers": ["one", "two"],
        }})
    }

    #[test]
    fn fields_of_a_set_are_taken_out() {
        for (case, set, expected) in [
            (
                "a field",
                json!({ "f:spec": { "f:replicas": {} } }),
                json!({ "spec": {
                    "containers": [{ "name": "a", "image": "x" }, { "name": "b", "image": "y" }],
                    "finalizers": ["one", "two"],
                }}),
            ),
            (
                "a field of an item, and a whole item",
                json!({ "f:spec": {
                    "f:replicas": {},
                    "f:finalizers": { "v:\"one\"": {} },
                    "f:containers": {
                        "k:{\"name\":\"a\"}": { "f:image": {} },
                        "k:{\"name\":\"b\"}": { ".": {}, "f:name": {}, "f:image": {} },
                    },
                }}),
                json!({ "spec": { "containers": [{ "name": "a" }], "finalizers": ["two"] } }),
            ),
            ("what is not there", json!({ "f:spec": { "f:x": {} }, "f:y": {} }), pod()),
        ] {
            let mut object = pod();
            remove(&mut object, &set);
            assert_eq!(object, expected, "{case}");
        }
    }

    #[test]
    fn fields_of_a_set_are_grafted() {
        let source = json!({ "spec": {
            "replicas": 7,
            "containers": [{ "name": "c", "image": "z" }, { "name": "a", "image": "w" }],
        }});
        let set = json!({ "f:spec": {
            "f:replicas": {},
            "f:finalizers": { "v:\"two\"": {} },
            "f:containers": {
                "k:{\"name\":\"a\"}": { ".": {}, "f:name": {}, "f:image": {} },
                "k:{\"name\":\"c\"}": { ".": {}, "f:name": {}, "f:image": {} },
            },
        }});
        let mut object = pod();
        graft(&mut object, &source, &set);
        let expected = json!({ "spec": {
            "replicas": 7,
            "containers": [
                { "name": "a", "image": "w" },
                { "name": "b", "image": "y" },
                { "name": "c", "image": "z" },
            ],
            "finalizers": ["one"],
        }});
        assert_eq!(object, expected);
    }

    #[test]
    fn a_port_without_a_protocol_is_found_by_the_default() {
        let mut object = json!({ "ports": [{ "port": 80 }, { "port": 81 }] });
        remove(&mut object, &json!({ "f:ports": { "k:{\"port\":80,\"protocol\":\"TCP\"}": {} } }));
        assert_eq!(object, json!({ "ports": [{ "port": 81 }] }));
    }

    #[test]
    fn sets_overlap_where_they_have_a_field_in_common() {
        let set = json!({ "f:a": { ".": {}, "f:b": {} }, "f:c": {} });
        for (case, other, expected) in [
            ("the same field", json!({ "f:a": { "f:b": {} } }), true),
            ("what is below one", json!({ "f:c": { "f:d": {} } }), true),
            ("another field of the same thing", json!({ "f:a": { ".": {}, "f:x": {} } }), false),
            ("nothing", json!({}), false),
        ] {
            assert_eq!(overlap(&set, &other), expected, "{case}");
        }
    }

    #[test]
    fn a_set_is_taken_out_of_another() {
        let set = || json!({ "f:a": { ".": {}, "f:b": {}, "f:c": {} }, "f:d": {} });
        for (case, other, expected) in [
            (
                "one field",
                json!({ "f:d": {} }),
                json!({ "f:a": { ".": {}, "f:b": {}, "f:c": {} } }),
            ),
            (
                "a field of a thing, which stays",
                json!({ "f:a": { "f:b": {} } }),
                json!({ "f:a": { ".": {}, "f:c": {} }, "f:d": {} }),
            ),
            (
                "a thing that has a mark for itself, and all of it",
                json!({ "f:a": { ".": {}, "f:b": {}, "f:c": {} } }),
                json!({ "f:d": {} }),
            ),
            ("what is not there", json!({ "f:x": {} }), set()),
        ] {
            let mut rest = set();
            subtract(&mut rest, &other);
            assert_eq!(rest, expected, "{case}");
        }
    }

    #[test]
    fn keys_of_a_set_lead_to_a_part() {
        let keys = ["f:spec", "f:containers", "k:{\"name\":\"b\"}", "f:image"];
        assert_eq!(at(&pod(), &keys), Some(&json!("y")));
        assert_eq!(at(&pod(), &["f:spec", "f:x"]), None);
        assert_eq!(at(&pod(), &[]), Some(&pod()));
    }

    #[test]
    fn sets_are_united() {
        let mut set = json!({ "f:a": { ".": {}, "f:b": {} } });
        unite(&mut set, &json!({ "f:a": { "f:c": {} }, "f:d": {} }));
        assert_eq!(set, json!({ "f:a": { ".": {}, "f:b": {}, "f:c": {} }, "f:d": {} }));
    }
}
