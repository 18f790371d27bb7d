//! How a tree differs from its schema.

use thiserror::Error;

use super::Conformity;
use crate::{suggest, text::TextError};

/// How a tree differs from its schema.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum SchemaProblem {
    /// A key that does not exist there.
    #[error("unknown key `{key}` in {}", table(table_path))]
    UnknownKey {
        /// The key.
        key: String,
        /// Path of the table that has it.
        table_path: String,
        /// The keys that exist there.
        known: Vec<String>,
    },
    /// A required key without a value in any layer.
    #[error("missing key `{key}` in {}", table(table_path))]
    MissingKey {
        /// The key.
        key: String,
        /// Path of the table that lacks it.
        table_path: String,
    },
    /// A value of another type.
    #[error("`{path}` must be {expected}, not {found}")]
    WrongType {
        /// Path of the value.
        path: String,
        /// The type in words.
        expected: &'static str,
        /// What is there, in words.
        found: &'static str,
    },
    /// A number outside of its range.
    #[error("`{path}` must be {range}, not {found}")]
    OutOfRange {
        /// Path of the value.
        path: String,
        /// The range in words.
        range: String,
        /// The number.
        found: i64,
    },
    /// A text that is none of the possible ones.
    #[error("`{path}` cannot be `{found}`")]
    NotOneOf {
        /// Path of the value.
        path: String,
        /// The text.
        found: String,
        /// The possible texts.
        known: Vec<String>,
    },
    /// A text without the grammar that it needs.
    #[error("`{path}`: {error}")]
    Malformed {
        /// Path of the value, or of the table whose key it is.
        path: String,
        /// What is wrong with it.
        error: TextError,
    },
}

impl SchemaProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::UnknownKey { key, known, .. } => suggest::help(key, known),
            Self::NotOneOf { found, known, .. } => suggest::help(found, known),
            Self::MissingKey { table_path, .. } if table_path.starts_with("services.") => {
                Some("set it there, in the service's size or in [defaults]".to_owned())
            }
            _ => None,
        }
    }

    /// Returns how well a tree with this problem can conform at best.
    pub(super) fn conformity(&self) -> Conformity {
        match self {
            Self::UnknownKey { .. } => Conformity::UnknownKeys,
            _ => Conformity::Unusable,
        }
    }
}

fn table(path: &str) -> String {
    if path.is_empty() { "the file's top level".to_owned() } else { format!("[{path}]") }
}
