//! The only place that writes: results to standard output, talk to standard error.

use std::{
    env,
    ffi::OsString,
    io::{self, IsTerminal as _, Write as _},
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;

use crate::failure::Failure;

/// Goes to the start of the line and empties it.
const CLEAR: &str = "\r\x1b[2K";

/// Prints a part of the result. A reader that has gone away is no failure.
pub(crate) fn print(text: &str) -> io::Result<()> {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// Version of the JSON documents; it rises when a member changes its meaning or goes away.
const SCHEMA: u32 = 1;

#[derive(Serialize)]
struct Document<'a, T> {
    schema: u32,
    command: &'a str,
    #[serde(flatten)]
    result: &'a T,
}

/// Prints the result of `command` as one JSON document. It has to be an object.
pub(crate) fn print_json(command: &str, result: &impl Serialize) -> io::Result<()> {
    let document = Document { schema: SCHEMA, command, result };
    print(&(serde_json::to_string_pretty(&document)? + "\n"))
}

/// Why a command failed, as JSON; the members are those of `a4co-apply`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailureDocument<'a> {
    schema: u32,
    command: &'a str,
    error: String,
    because: Vec<String>,
    state: Option<&'a str>,
    hint: Option<String>,
    exit_code: u8,
}

/// Prints why `command` failed as one JSON document.
pub(crate) fn print_failure(command: &str, failure: &Failure) -> io::Result<()> {
    let document = FailureDocument {
        schema: SCHEMA,
        command,
        error: failure.to_string(),
        because: failure.because(),
        state: None,
        hint: failure.hint(),
        exit_code: failure.code(),
    };
    print(&(serde_json::to_string_pretty(&document)? + "\n"))
}

/// Whether a murmur stands in the last line of the terminal.
static MURMUR: AtomicBool = AtomicBool::new(false);

/// Says something that is not a result.
pub(crate) fn talk(line: &str) {
    let mut stderr = io::stderr().lock();
    let clear = if MURMUR.swap(false, Ordering::Relaxed) { CLEAR } else { "" };
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(stderr, "{clear}{line}");
}

/// Returns whether there is a terminal that takes what [`murmur`] sends.
pub(crate) fn can_murmur() -> bool {
    takes_escapes(io::stderr().is_terminal(), |name| env::var_os(name))
}

/// `NO_COLOR` is what <https://no-color.org> says of it; to us it means every escape code.
fn takes_escapes(is_terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let refuses = variable("NO_COLOR").is_some_and(|value| !value.is_empty());
    is_terminal && !refuses && variable("TERM").is_none_or(|value| value != "dumb")
}

/// Says something on a terminal that whatever is said next replaces.
pub(crate) fn murmur(line: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{CLEAR}{line}").and_then(|()| stderr.flush());
    MURMUR.store(true, Ordering::Relaxed);
}

/// Takes away what was murmured.
pub(crate) fn hush() {
    if MURMUR.swap(false, Ordering::Relaxed) {
        let mut stderr = io::stderr().lock();
        let _ = write!(stderr, "{CLEAR}").and_then(|()| stderr.flush());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_go_to_terminals_that_want_them() {
        for (case, is_terminal, variables, expected) in [
            ("a terminal", true, [None, Some("xterm")], true),
            ("a terminal without a name", true, [None, None], true),
            ("a file", false, [None, Some("xterm")], false),
            ("NO_COLOR", true, [Some("1"), Some("xterm")], false),
            ("NO_COLOR that says nothing", true, [Some(""), Some("xterm")], true),
            ("a dumb terminal", true, [None, Some("dumb")], false),
        ] {
            let [no_color, term] = variables;
            let variable = |name: &str| if name == "TERM" { term } else { no_color };
            let found = takes_escapes(is_terminal, |name| variable(name).map(OsString::from));
            assert_eq!(found, expected, "{case}");
        }
    }
}
