//! What a schema says of a value, and to which definition it refers.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::super::Schema;

/// What a value looks like in TOML.
pub(super) enum Shape<'a> {
    Table(&'a Json),
    Map(&'a Json),
    List(&'a Json),
    Text,
}

pub(super) fn shape<'a>(schema: &'a Schema, value: &'a Json) -> Shape<'a> {
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

/// Returns how often tables refer to each definition.
pub(super) fn uses(root: &Json) -> BTreeMap<String, usize> {
    let mut uses = BTreeMap::new();
    for definition in root["$defs"].as_object().into_iter().flat_map(|all| all.values()) {
        let values = definition["properties"].as_object().into_iter().flat_map(|all| all.values());
        for name in values.filter_map(definition_in) {
            *uses.entry(name.to_owned()).or_default() += 1;
        }
    }
    uses
}

pub(super) fn is_required(table: &Json, key: &str) -> bool {
    table["required"].as_array().into_iter().flatten().any(|required| required == key)
}

/// Returns whether there is more to say of a definition than its choices.
pub(super) fn is_described(definition: &Json) -> bool {
    definition["properties"].is_object() || definition["oneOf"].is_array()
}

/// Returns the name of the definition to which `value` refers, directly or as an optional value.
pub(super) fn reference_of(value: &Json) -> Option<&str> {
    let mut alternatives = value["anyOf"].as_array().into_iter().flatten();
    let reference = value["$ref"].as_str();
    let reference = reference.or_else(|| alternatives.find_map(|it| it["$ref"].as_str()));
    reference.map(|text| text.trim_start_matches("#/$defs/"))
}

/// Returns the name of the definition to which `value`, or what is in its list or table, refers.
pub(super) fn definition_in(value: &Json) -> Option<&str> {
    let inside = || value.get("items").or_else(|| value.get("additionalProperties"));
    reference_of(value).or_else(|| inside().and_then(reference_of))
}
