//! The schema as editors want it.

use serde_json::{Value as Json, json};

use super::{PARTIAL, Schema};
use crate::environment::Environment;

/// Keywords below which there are schemas by names of ours.
const BY_NAME: [&str; 2] = ["$defs", "properties"];

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
        Json::Object(keywords) => {
            keywords.remove(PARTIAL);
            keywords.remove("required");
            if keywords.contains_key("properties") && !keywords.contains_key("additionalProperties")
            {
                keywords.insert("additionalProperties".to_owned(), json!(false));
            }
            for (keyword, value) in keywords {
                match value {
                    Json::Object(named) if BY_NAME.contains(&keyword.as_str()) => {
                        named.values_mut().for_each(loosen);
                    }
                    value => loosen(value),
                }
            }
        }
        _ => {}
    }
}
