//! The schema as editors want it.

use serde_json::{Value as Json, json};

use super::{PARTIAL, Schema};
use crate::environment::Environment;

/// Returns the JSON Schema (draft 2020-12) of an environment file, for editors and other tools.
///
/// Every file may be a layer, so that no key is required; which ones an environment needs, compiling
/// tells. Formats are our own names of grammars, which tools skip.
#[must_use]
pub fn environment_schema() -> Json {
    let mut schema = Schema::of::<Environment>().root;
    loosen(&mut schema);
    schema["title"] = json!("a4co environment");
    schema
}

fn loosen(schema: &mut Json) {
    match schema {
        Json::Array(items) => items.iter_mut().for_each(loosen),
        Json::Object(fields) => {
            fields.remove(PARTIAL);
            // As keywords these are lists and objects of known form; below `properties` the same
            // words are keys of ours, with a schema each.
            if fields.get("required").is_some_and(Json::is_array) {
                fields.remove("required");
            }
            if fields.get("properties").is_some_and(Json::is_object)
                && !fields.contains_key("additionalProperties")
            {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(loosen);
        }
        _ => {}
    }
}
