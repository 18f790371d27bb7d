//! How the reference calls things, and how it links to them.

use serde_json::Value as Json;

/// Returns the name of a definition in words: `SecretKey` is a "secret key".
pub(super) fn words_of(definition: &str) -> String {
    let mut words = String::new();
    for character in definition.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}

/// Returns `text` with a capital letter first.
pub(super) fn capitalized(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

/// Returns a link to a heading, whose anchor is made as GitHub makes it.
pub(super) fn link(text: &str, heading: &str) -> String {
    let is_kept = |character: &char| character.is_alphanumeric() || "-_ ".contains(*character);
    let anchor: String = heading.to_lowercase().chars().filter(is_kept).collect();
    format!("[{text}](#{})", anchor.replace(' ', "-"))
}

/// Returns the description.
pub(super) fn prose(value: &Json) -> &str {
    value["description"].as_str().unwrap_or_default()
}

/// Returns the description as one line for a cell of a table.
pub(super) fn cell(value: &Json) -> String {
    prose(value).replace("\n\n", " ").replace('\n', " ").replace('|', "\\|")
}

/// Returns the first sentence of the description.
pub(super) fn first_sentence(value: &Json) -> String {
    let text = cell(value);
    let end = text.find(". ").map_or(text.len(), |end| end + 1);
    text[..end].to_owned()
}

/// Returns the numbers that are possible, in words that follow the type.
pub(super) fn range(value: &Json) -> String {
    match (value["minimum"].as_i64(), value["maximum"].as_i64()) {
        (Some(min), Some(max)) => format!(", {min} to {max}"),
        (Some(min), None) if min > 0 => format!(", {min} or more"),
        (None, Some(max)) => format!(", at most {max}"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_links_lead_to_anchors() {
        assert_eq!(words_of("SecretKey"), "secret key");
        assert_eq!(capitalized("secret key"), "Secret key");
        for (heading, anchor) in [
            ("Secret key", "[x](#secret-key)"),
            ("`[services.<name>.probes]`", "[x](#servicesnameprobes)"),
            ("`[secret_store.aws]`", "[x](#secret_storeaws)"),
        ] {
            assert_eq!(link("x", heading), anchor);
        }
    }
}
