//! Where text goes: results to standard output, everything else to standard error.
//!
//! Invariant: whatever the cluster or a bundle says, a terminal gets plain text and our own colours.

use std::{
    env,
    fmt::{self, Write as _},
    io::{self, IsTerminal as _, Write as _},
};

use serde::Serialize;

use super::global::Color;

const RESET: &str = "\x1b[0m";
const BOLD: &str = "\x1b[1m";
const RED: &str = "\x1b[1;31m";
const GREEN: &str = "\x1b[32m";
const YELLOW: &str = "\x1b[33m";
/// Goes to the start of the line and empties it.
const CLEAR: &str = "\r\x1b[2K";
/// Cut lines off at the edge: only the last part of a wrapped one could be emptied.
const CUT: &str = "\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

/// Prints a line of the result.
///
/// A reader that has gone away is no failure.
pub(crate) fn print(line: &str) -> io::Result<()> {
    print_on(line).map(drop)
}

/// Like [`print`], and returns whether there still is a reader.
pub(crate) fn print_on(line: &str) -> io::Result<bool> {
    match writeln!(io::stdout().lock(), "{}", clean(line)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(io::Error::other(format!("cannot write to standard output: {error}"))),
    }
}

/// Prints the result as one JSON document.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    print(&escape(&serde_json::to_string_pretty(value)?))
}

/// Prints one of many JSON documents on a line of its own, and returns whether there still is a
/// reader.
pub(crate) fn print_json_line(value: &impl Serialize) -> io::Result<bool> {
    print_on(&escape(&serde_json::to_string(value)?))
}

/// Says so when the result of a command that changed the cluster could not be printed. What was
/// done stays done, so it is no failure.
pub(crate) fn warn_unprinted(printed: io::Result<()>) {
    if let Err(error) = printed {
        talk(&format!("warning: it is done, but the result is not shown: {error}"));
    }
}

/// Says something that is not a result.
pub(crate) fn talk(line: &str) {
    let mut stderr = io::stderr().lock();
    let clear = if stderr.is_terminal() { CLEAR } else { "" };
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(stderr, "{clear}{}", clean(line));
}

/// Says something on a terminal that whatever is said next replaces.
pub(crate) fn murmur(line: &str) {
    let mut stderr = io::stderr().lock();
    if stderr.is_terminal() {
        let _ = write!(stderr, "{CLEAR}{CUT}{}{WRAP}", clean(line));
        let _ = stderr.flush();
    }
}

/// Lists `items`, each on a line of its own below what was said.
pub(crate) fn list(items: &[impl fmt::Display]) -> String {
    items.iter().fold(String::new(), |list, item| format!("{list}\n  {item}"))
}

/// Counts things in words: `1 object`, `2 objects`.
pub(crate) fn count(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// Makes one line of `text`.
pub(crate) fn one_line(text: &str) -> String {
    text.replace(['\n', '\t'], " ")
}

/// Replaces in text of others also what would be our colours, so that all colours are ours.
pub(crate) fn plain(text: &str) -> String {
    let plain = |it| if is_harmless(it) { it } else { char::REPLACEMENT_CHARACTER };
    text.chars().map(plain).collect()
}

/// Replaces what could command a terminal or make it show text in another order, all but our
/// colours.
fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let color =
            [RESET, BOLD, RED, GREEN, YELLOW].iter().find(|color| rest.starts_with(**color));
        let length = color.map_or(first.len_utf8(), |color| color.len());
        if color.is_some() || is_harmless(first) {
            clean.push_str(&rest[..length]);
        } else {
            clean.push(char::REPLACEMENT_CHARACTER);
        }
        rest = &rest[length..];
    }
    clean
}

/// Escapes in a JSON document what [`clean`] would replace, so that nothing is lost.
fn escape(json: &str) -> String {
    json.chars().fold(String::with_capacity(json.len()), |mut text, character| {
        if is_harmless(character) {
            text.push(character);
        } else {
            let _ = write!(text, "\\u{:04x}", u32::from(character));
        }
        text
    })
}

fn is_harmless(character: char) -> bool {
    match character {
        '\n' | '\t' => true,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            false
        }
        _ => !character.is_control(),
    }
}

/// How text is coloured; colour only adds to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    is_on: bool,
}

impl Style {
    /// For standard error.
    pub(crate) fn for_errors(color: Color) -> Self {
        Self::new(color, io::stderr().is_terminal())
    }

    /// For standard output.
    pub(crate) fn for_results(color: Color) -> Self {
        Self::new(color, io::stdout().is_terminal())
    }

    fn new(color: Color, is_terminal: bool) -> Self {
        let is_on = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                is_terminal && env::var_os("NO_COLOR").is_none_or(|text| text.is_empty())
            }
        };
        Self { is_on }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.paint(BOLD, text)
    }

    pub(crate) fn red(self, text: &str) -> String {
        self.paint(RED, text)
    }

    pub(crate) fn green(self, text: &str) -> String {
        self.paint(GREEN, text)
    }

    pub(crate) fn yellow(self, text: &str) -> String {
        self.paint(YELLOW, text)
    }

    fn paint(self, color: &str, text: &str) -> String {
        if self.is_on { format!("{color}{text}{RESET}") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_plain_text_and_our_colours_only() {
        for (case, text, expected) in [
            ("plain text stays", "größe 東\n\tb", "größe 東\n\tb"),
            ("our colours stay", "\x1b[1;31merror:\x1b[0m x", "\x1b[1;31merror:\x1b[0m x"),
            ("a window title is not set", "a\x1b]0;pwned\x07b", "a\u{fffd}]0;pwned\u{fffd}b"),
            ("no line is overwritten", "bad\rgood", "bad\u{fffd}good"),
            ("the screen is not cleared", "\x1b[2J", "\u{fffd}[2J"),
            ("nor with the one-byte form", "\u{9b}2J", "\u{fffd}2J"),
            ("text is not turned round", "a\u{202e}cba", "a\u{fffd}cba"),
        ] {
            assert_eq!(clean(text), expected, "{case}");
        }
    }

    #[test]
    fn what_others_write_has_no_colour() {
        assert_eq!(plain("a\x1b[1;31merror:\x1b[0m b\tc"), "a\u{fffd}[1;31merror:\u{fffd}[0m b\tc");
    }

    #[test]
    fn json_keeps_what_a_terminal_must_not_get() {
        let text = "a\x1b[2J\u{9b}\u{7f}\u{202e}b\n";
        let json = escape(&serde_json::to_string_pretty(&[text]).unwrap());
        assert_eq!(clean(&json), json);
        assert_eq!(serde_json::from_str::<Vec<String>>(&json).unwrap(), [text]);
    }
}
