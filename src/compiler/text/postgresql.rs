//! Texts that PostgreSQL has a grammar for.

use std::fmt;

use serde::Deserialize;

use super::{Format, TextError, text};

text!(
    /// Name of a database extension, as `pg_available_extensions` has it.
    ExtensionName,
    "postgresql-extension",
    "a name of an extension: a-z, 0-9, `_` and `-`, no digit first, at most 63 characters",
    |text| {
        text.len() <= 63
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
    }
);

text!(
    /// Name of a server setting, such as `work_mem` or `pg_stat_statements.max`.
    SettingName,
    "postgresql-setting",
    "a name of a setting: a-z, 0-9 and `_`, with one dot inside if an extension has it",
    |text| {
        let (class, name) = text.split_once('.').unwrap_or(("a", text));
        is_identifier(class) && is_identifier(name)
    }
);

/// Returns whether `text` is an identifier that needs no quotes anywhere.
pub(crate) fn is_identifier(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|first: char| first.is_ascii_lowercase() || first == '_')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_as_the_server_has_them_and_nothing_else() {
        for (format, good, bad) in [
            (
                ExtensionName::FORMAT,
                vec!["pgcrypto", "uuid-ossp", "pg_trgm"],
                vec!["", "-a", "1a", "A", "a b", "a\"b", "a;b", "a.b"],
            ),
            (
                SettingName::FORMAT,
                vec!["work_mem", "pg_stat_statements.max"],
                vec!["", "Work_mem", "a.b.c", ".a", "a.", "a b", "a=b", "1a"],
            ),
        ] {
            for text in good {
                assert_eq!(format.check(text), Ok(()), "{}: {text}", format.name);
            }
            for text in bad {
                assert!(format.check(text).is_err(), "{}: {text}", format.name);
            }
        }
    }
}
