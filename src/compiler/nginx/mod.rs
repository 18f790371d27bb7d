//! What ingress-nginx documents of its annotations: which there are, and what each takes.
//!
//! A controller skips an annotation that it does not know without a word, and may refuse the whole
//! Ingress for a value that it cannot read. Here both are found before anything is applied.

mod annotations;
mod problem;

use std::net::IpAddr;

use self::annotations::ANNOTATIONS;
pub use self::problem::NginxProblem;
use crate::{suggest, text::Cidr};

/// What stands before the name of each annotation.
pub(crate) const PREFIX: &str = "nginx.ingress.kubernetes.io/";

/// What an annotation takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// `true` or `false`.
    Flag,
    /// `on` or `off`.
    Switch,
    /// A whole number.
    Number,
    /// Whole numbers with commas between.
    Numbers,
    /// A size as nginx writes it.
    Size,
    /// Addresses and ranges of addresses with commas between.
    Ranges,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// Any text.
    Text,
    /// A piece of nginx's configuration. Controllers ignore it, unless they are told not to.
    Snippet,
}

/// Names that people write who mean another one.
const MISNAMED: [(&str, &str); 8] = [
    ("rate-limit", "limit-rps"),
    ("rate-limit-rps", "limit-rps"),
    ("rate-limit-rpm", "limit-rpm"),
    ("rate-limit-burst", "limit-burst-multiplier"),
    ("rate-limit-connections", "limit-connections"),
    ("rate-limit-window", "limit-rpm"),
    ("global-rate-limit", "limit-rps"),
    ("client-max-body-size", "proxy-body-size"),
];

/// Returns whether there is an annotation `name`, without its prefix.
pub(crate) fn is_known(name: &str) -> bool {
    takes(name).is_some()
}

/// Checks the annotation `name`, without its prefix, and its value.
pub(crate) fn check(name: &str, value: &str) -> Result<(), NginxProblem> {
    let name = name.to_owned();
    match takes(&name) {
        None => Err(NginxProblem::Unknown { nearest: nearest(&name), name }),
        Some(Takes::Snippet) => Err(NginxProblem::Snippet { name }),
        Some(takes) if !takes.accepts(value) => {
            let (value, expected) = (value.to_owned(), takes.words());
            Err(NginxProblem::Value { name, value, expected })
        }
        Some(_) => Ok(()),
    }
}

/// Returns what the annotation `name`, without its prefix, takes, if there is such a one.
fn takes(name: &str) -> Option<Takes> {
    let at = ANNOTATIONS.binary_search_by_key(&name, |(known, _)| known).ok()?;
    Some(ANNOTATIONS[at].1)
}

/// Returns the annotation that whoever wrote `name` most likely means.
fn nearest(name: &str) -> Option<&'static str> {
    let misnamed = MISNAMED.iter().find(|(wrong, _)| *wrong == name).map(|(_, right)| *right);
    misnamed.or_else(|| suggest::nearest(name, ANNOTATIONS.iter().map(|(known, _)| *known)))
}

impl Takes {
    /// Tells whether `value` is one.
    fn accepts(self, value: &str) -> bool {
        let mut items = value.split(',').map(str::trim);
        match self {
            Self::Flag => matches!(value, "true" | "false"),
            Self::Switch => matches!(value, "on" | "off"),
            Self::Number => value.parse::<i64>().is_ok(),
            Self::Numbers => items.all(|item| item.parse::<u32>().is_ok()),
            Self::Size => {
                let number = value.strip_suffix(['b', 'k', 'm', 'g', 'B', 'K', 'M', 'G']);
                number.unwrap_or(value).parse::<u64>().is_ok()
            }
            Self::Ranges => items.all(|item| {
                item.parse::<IpAddr>().is_ok() || Cidr::try_from(item.to_owned()).is_ok()
            }),
            Self::OneOf(words) => words.contains(&value),
            Self::Text | Self::Snippet => {
                !value.trim().is_empty() && !value.contains(char::is_control)
            }
        }
    }

    /// Returns what it is, in words.
    fn words(self) -> String {
        match self {
            Self::Flag => "`true` or `false`".to_owned(),
            Self::Switch => "`on` or `off`".to_owned(),
            Self::Number => "a whole number".to_owned(),
            Self::Numbers => "whole numbers with commas between".to_owned(),
            Self::Size => "a size such as `8k` or `10m`".to_owned(),
            Self::Ranges => "addresses or ranges with commas between".to_owned(),
            Self::OneOf(words) => format!("one of {}", suggest::list(words.iter().copied())),
            Self::Text | Self::Snippet => "a text of one line".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_so_that_names_are_found() {
        assert!(ANNOTATIONS.is_sorted_by(|(a, _), (b, _)| a < b));
        assert_eq!(takes("limit-rps"), Some(Takes::Number));
        assert_eq!(takes("rate-limit"), None);
    }

    #[test]
    fn whatever_is_suggested_exists() {
        for (wrong, right) in MISNAMED {
            assert_eq!(takes(wrong), None, "{wrong}");
            assert!(takes(right).is_some(), "{right}");
            assert_eq!(nearest(wrong), Some(right));
        }
        assert_eq!(nearest("proxy-body-siz"), Some("proxy-body-size"));
        assert_eq!(nearest("xyzzy"), None);
    }

    #[test]
    fn values_have_their_types() {
        for (takes, good, bad) in [
            (Takes::Flag, vec!["true", "false"], vec!["", "yes", "True", "1"]),
            (Takes::Switch, vec!["on", "off"], vec!["", "true"]),
            (Takes::Number, vec!["0", "200", "-1"], vec!["", "5s", "1.5"]),
            (Takes::Numbers, vec!["404", "404,415", "404, 415"], vec!["", "404,", "4xx"]),
            (Takes::Size, vec!["0", "10m", "8K", "1000"], vec!["", "10Mi", "m", "1.5m"]),
            (Takes::Ranges, vec!["10.0.0.0/8", "10.0.0.0/8, 1.2.3.4", "::1"], vec!["", "a", "1/"]),
            (Takes::OneOf(&["a", "b"]), vec!["a"], vec!["", "c"]),
            (Takes::Text, vec!["x"], vec!["", " ", "a\nb"]),
        ] {
            for value in good {
                assert!(takes.accepts(value), "{takes:?}: {value}");
            }
            for value in bad {
                assert!(!takes.accepts(value), "{takes:?}: {value}");
            }
        }
    }
}
