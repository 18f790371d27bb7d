//! Small text helpers.

/// Returns the last lines of a log, enough to see why a program ended.
pub(crate) fn tail(log: &str) -> String {
    const LINES: usize = 15;
    let lines: Vec<_> = log.lines().collect();
    lines[lines.len().saturating_sub(LINES)..].join("\n")
}

/// Quotes an argument for a POSIX shell.
pub(crate) fn quote(argument: &str) -> String {
    format!("'{}'", argument.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_keeps_the_last_lines() {
        let log = "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17".replace(' ', "\n");
        assert!(tail(&log).starts_with("3\n4\n"));
        assert!(tail(&log).ends_with("\n17"));
        assert_eq!(tail("one"), "one");
    }

    #[test]
    fn a_quote_in_an_argument_stays_inside_it() {
        assert_eq!(quote("it's"), r"'it'\''s'");
    }
}
