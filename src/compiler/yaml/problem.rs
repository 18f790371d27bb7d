//! What is wrong with a YAML file before anybody asks what its objects are.

use thiserror::Error;

/// What is wrong with a YAML file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[non_exhaustive]
pub enum YamlProblem {
    /// It is not YAML.
    #[error("not YAML: {message}")]
    Syntax {
        /// What the parser says.
        message: String,
        /// Whether the line has a tab.
        has_tab: bool,
    },
    /// Aliases make much more of it than it is.
    #[error("aliases make this file more than ten times as large as it is")]
    Bomb,
    /// A document that is no object.
    #[error("a document is {found}, not an object")]
    NotATable {
        /// What it is, in words.
        found: &'static str,
    },
    /// A key that stands in its table twice.
    #[error("key `{key}` stands here twice")]
    Twice {
        /// The key.
        key: String,
    },
    /// A key that is no text.
    #[error("a key is {found}, not a text")]
    Key {
        /// What it is, in words.
        found: &'static str,
    },
    /// A tag.
    #[error("tag `!{tag}` means nothing to Kubernetes")]
    Tag {
        /// The tag.
        tag: String,
    },
    /// A number that JSON implementations do not agree on.
    #[error("number {number} is not a whole one within ±(2^53 − 1)")]
    Number {
        /// The number.
        number: String,
    },
    /// A word that readers of YAML do not agree on.
    #[error("`{text}` is {some} to some readers of YAML, and a text to others")]
    Ambiguous {
        /// The word.
        text: String,
        /// What it also is, in words.
        some: &'static str,
    },
}

impl YamlProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Syntax { has_tab: true, .. } => {
                Some("YAML is indented by spaces; there is a tab in this line".to_owned())
            }
            Self::Key { found: "a table" } => Some(
                "templates of Helm are not rendered here: bring what `helm template` prints"
                    .to_owned(),
            ),
            Self::Key { .. } => Some("put it in quotes".to_owned()),
            Self::Tag { .. } => Some("remove it, or put the value in quotes".to_owned()),
            Self::Number { number } => Some(format!("write it as a text: \"{number}\"")),
            Self::Ambiguous { text, some: "a boolean" } => {
                let no = ["n", "no", "off"].contains(&text.to_lowercase().as_str());
                Some(format!("write `{}` or \"{text}\"", !no))
            }
            Self::Ambiguous { text, .. } => Some(match i64::from_str_radix(text, 8) {
                Ok(number) if text.starts_with('0') => {
                    format!("write `{number}`, which is octal {text}, or \"{text}\"")
                }
                _ => format!("write it without leading zeros and `_`, or \"{text}\""),
            }),
            _ => None,
        }
    }
}
