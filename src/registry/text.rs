//! Text of other people: washed before it is shown, escaped before it is sent.

use a4co_bundle::is_plain;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what RFC 3986, 2.3, calls unreserved.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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

/// Returns `text` with digests of 12 digits instead of 64, for lines of progress.
#[must_use]
pub fn short_digests(text: &str) -> String {
    const START: &str = "sha256:";
    const LENGTH: usize = 64;
    const SHORT: usize = 12;
    let mut parts = text.split(START);
    let mut short = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        short.push_str(START);
        let digits = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        let left_out = if digits == LENGTH { SHORT..LENGTH } else { 0..0 };
        short.push_str(&part[..left_out.start]);
        short.push_str(&part[left_out.end..]);
    }
    short
}

/// Writes `text` so that it can stand in the query of a URL (RFC 3986, 2.3).
pub(crate) fn in_query(text: &str) -> String {
    utf8_percent_encode(text, QUERY).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_shortened_and_nothing_else_is() {
        let digest = "0123456789abcdef".repeat(4);
        for (text, expected) in [
            (format!("the blob sha256:{digest} of a"), "the blob sha256:0123456789ab of a"),
            (format!("a@sha256:{digest}"), "a@sha256:0123456789ab"),
            (format!("sha256:{digest}0"), &format!("sha256:{digest}0")),
            ("sha256:1234 sha256:".to_owned(), "sha256:1234 sha256:"),
            ("é".to_owned(), "é"),
        ] {
            assert_eq!(short_digests(&text), expected, "{text}");
        }
    }

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
