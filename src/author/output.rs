//! The only place that writes: results to standard output, talk to standard error.

use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

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

/// Says something that is not a result.
pub(crate) fn talk(line: &str) {
    let mut stderr = io::stderr().lock();
    let clear = if stderr.is_terminal() { CLEAR } else { "" };
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(stderr, "{clear}{line}");
}

/// Says something on a terminal that whatever is said next replaces.
pub(crate) fn murmur(line: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{CLEAR}{line}").and_then(|()| stderr.flush());
}
