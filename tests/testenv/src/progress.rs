//! Tells a person what takes long.

use std::io::Write as _;

/// Writes a line to standard error itself, so that it shows during a test too.
pub(crate) fn say(text: &str) {
    // A closed standard error is no reason to stop.
    let _ = writeln!(std::io::stderr(), "testenv: {text}");
}
