//! Conditions, as nearly every kind has them in its status.

use serde_json::Value;

use crate::text;

/// Returns the condition of this type, if `object` has it.
pub(crate) fn find<'a>(object: &'a Value, wanted: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == wanted)
}

/// Returns the condition of this type if its status is `True`.
pub(crate) fn holding<'a>(object: &'a Value, wanted: &str) -> Option<&'a Value> {
    find(object, wanted).filter(|condition| condition["status"] == "True")
}

/// Returns what a condition says for itself: its message, or else its reason, or else `otherwise`.
pub(crate) fn words(condition: &Value, otherwise: &str) -> String {
    let text = |field: &str| condition[field].as_str().filter(|text| !text.is_empty());
    text::clean(text("message").or_else(|| text("reason")).unwrap_or(otherwise))
}
