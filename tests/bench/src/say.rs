//! Tells how far things are, on standard error; results go to standard output.

use std::io::Write as _;

/// Says a line.
pub(crate) fn say(line: &str) {
    // Whoever closed standard error does not want to hear it.
    let _ = writeln!(std::io::stderr(), "bench: {line}");
}

/// Prints a part of the result.
pub(crate) fn print(text: &str) -> std::io::Result<()> {
    std::io::stdout().write_all(text.as_bytes())
}
