//! Text of other people: washed before it is shown, escaped before it is sent.

use std::fmt::Write as _;

/// Most characters of somebody else's text in a message of ours.
const LONGEST: usize = 300;

/// Returns at most 300 characters of `text`, with everything escaped that commands a terminal, turns
/// the direction of writing or cannot be seen.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == LONGEST {
            shown.push('…');
            break;
        }
        if is_plain(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// The list of `docs/bundle-format.md`, "printable text".
fn is_plain(character: char) -> bool {
    !matches!(character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{61c}' | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Writes `text` so that it can stand in the query of a URL (RFC 3986, 2.3).
pub(crate) fn in_query(text: &str) -> String {
    let mut query = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            query.push(char::from(byte));
        } else {
            let _ = write!(query, "%{byte:02X}");
        }
    }
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_registry_says_is_short_and_commands_nothing() {
        for (case, text, shown) in [
            ("plain text stays", "für 東京", "für 東京".to_owned()),
            ("an escape sequence", "\u{1b}]0;x\u{7}", "\\u{1b}]0;x\\u{7}".to_owned()),
            ("a line break", "a\nb", "a\\nb".to_owned()),
            ("a change of direction", "\u{202e}", "\\u{202e}".to_owned()),
            ("a long text", &"a".repeat(301), "a".repeat(300) + "…"),
        ] {
            assert_eq!(printable(text), shown, "{case}");
        }
    }

    #[test]
    fn a_query_has_no_character_that_means_something() {
        assert_eq!(in_query("repository:a/b:pull,push"), "repository%3Aa%2Fb%3Apull%2Cpush");
    }
}
