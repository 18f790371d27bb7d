//! Stands in for the crate `jsonpath-rust` inside kube-client.
//!
//! kube-client uses a `JSONPath` engine for one thing: to find a token in what a command of the
//! `gcp` auth provider prints, by a path such as `{.credential.access_token}`. kubectl itself
//! dropped that provider in 1.26. The engine and the regular expressions that it brings along are
//! 0.5 MB of a binary that shall stay below 5, so this crate does what such paths need: members by
//! name. Any other path is an error, not a wrong answer.

use serde_json::Value;
use thiserror::Error;

/// Looks up values by a path.
pub trait JsonPath {
    /// Returns the value at `path`, which is `$` followed by `.member` any number of times.
    ///
    /// # Errors
    /// Fails on every other form of path.
    fn query(&self, path: &str) -> Result<Vec<&Value>, PathError>;
}

/// A path that is not a list of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("only paths like `$.member.member` are supported")]
pub struct PathError;

impl JsonPath for Value {
    fn query(&self, path: &str) -> Result<Vec<&Value>, PathError> {
        let members = path.strip_prefix('$').ok_or(PathError)?;
        let mut value = Some(self);
        for member in members.split('.').skip(1) {
            let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            if member.is_empty() || !member.bytes().all(is_plain) {
                return Err(PathError);
            }
            value = value.and_then(|value| value.get(member));
        }
        match members.bytes().next() {
            None | Some(b'.') => Ok(value.into_iter().collect()),
            Some(_) => Err(PathError),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn members_are_found_and_anything_else_is_an_error() {
        let value = json!({ "credential": { "access_token": "secret" } });
        for (path, expected) in [
            ("$.credential.access_token", Ok(vec![&json!("secret")])),
            ("$.credential.other", Ok(vec![])),
            ("$", Ok(vec![&value])),
            ("$..access_token", Err(PathError)),
            ("$.credential[*]", Err(PathError)),
            ("$x", Err(PathError)),
            ("credential", Err(PathError)),
        ] {
            assert_eq!(value.query(path), expected, "{path}");
        }
    }
}
