//! Shows text that a stranger wrote without letting it speak to the terminal.

use std::{cmp::min, fmt, ops::RangeInclusive};

/// Code points that command a terminal, change the direction of writing or cannot be seen. The list
/// is part of the format, so it does not follow the Unicode version of a library.
const UNPRINTABLE: [RangeInclusive<char>; 9] = [
    '\0'..='\u{1f}',
    '\u{7f}'..='\u{9f}',
    '\u{61c}'..='\u{61c}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{feff}'..='\u{feff}',
    '\u{fff9}'..='\u{fffb}',
    '\u{e0000}'..='\u{e007f}',
];

/// Returns whether every character of `text` is shown as it is.
pub(crate) fn is_printable(text: &str) -> bool {
    text.chars().all(is_plain)
}

/// Returns `text` with every character escaped that is not shown as it is.
pub(crate) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if is_plain(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_default());
        }
    }
    shown
}

/// Returns whether a character is shown as it is: it commands no terminal, does not turn the direction
/// of writing, and can be seen.
#[must_use]
pub fn is_plain(character: char) -> bool {
    !UNPRINTABLE.iter().any(|range| range.contains(&character))
}

/// The first place at which bytes are not what they must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Offset of the first byte that differs.
    pub offset: usize,
    /// What stands there, cut short.
    pub found: String,
    /// What must stand there, cut short.
    pub expected: String,
}

impl Difference {
    /// Most bytes shown of either side.
    const SHOWN: usize = 24;

    /// Compares `found` with what must stand there.
    pub(crate) fn between(found: &[u8], expected: &[u8]) -> Option<Self> {
        if found == expected {
            return None;
        }
        let pairs = found.iter().zip(expected);
        let offset = pairs.take_while(|(a, b)| a == b).count();
        Some(Self { offset, found: excerpt(found, offset), expected: excerpt(expected, offset) })
    }
}

fn excerpt(bytes: &[u8], from: usize) -> String {
    let rest = &bytes[from..];
    if rest.is_empty() {
        return "the end".to_owned();
    }
    let shown = &rest[..min(rest.len(), Difference::SHOWN)];
    let dots = if shown.len() < rest.len() { "…" } else { "" };
    format!("`{}{dots}`", printable(&String::from_utf8_lossy(shown)))
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { offset, found, expected } = self;
        write!(f, "at byte {offset} stands {found} instead of {expected}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_command_a_terminal_or_hide_is_escaped() {
        for (case, text, shown) in [
            ("plain text stays", "a `b` \"c\" \\d", "a `b` \"c\" \\d"),
            ("letters of any script stay", "für 東京", "für 東京"),
            ("an escape sequence", "\u{1b}[2J", "\\u{1b}[2J"),
            ("a line break", "a\nb", "a\\nb"),
            ("a C1 control", "\u{9b}2J", "\\u{9b}2J"),
            ("a change of direction", "a\u{202e}b", "a\\u{202e}b"),
            ("a space of no width", "a\u{200b}b", "a\\u{200b}b"),
        ] {
            assert_eq!(printable(text), shown, "{case}");
        }
    }

    #[test]
    fn a_difference_names_the_first_byte_and_both_sides() {
        for (case, found, expected, shown) in [
            ("in the middle", "abXd", "abcd", Some("at byte 2 stands `Xd` instead of `cd`")),
            ("one ends early", "ab", "abc", Some("at byte 2 stands the end instead of `c`")),
            ("none", "ab", "ab", None),
        ] {
            let difference = Difference::between(found.as_bytes(), expected.as_bytes());
            assert_eq!(difference.map(|it| it.to_string()).as_deref(), shown, "{case}");
        }
    }
}
