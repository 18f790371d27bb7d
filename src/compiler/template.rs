//! Texts with `{placeholders}`, so that no name of anybody's platform is in the code.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::text::{TextError, format_schema};

/// A text in which `{name}` stands for a value; `{{` and `}}` stand for single braces.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Text(String),
    Placeholder(String),
}

format_schema!(Template, "template");

/// The placeholders that have a value in one place of an environment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scope(BTreeMap<&'static str, String>);

impl Scope {
    /// Returns the scope with `placeholder` standing for `value`.
    #[must_use]
    pub(crate) fn with(mut self, placeholder: &'static str, value: &impl ToString) -> Self {
        self.0.insert(placeholder, value.to_string());
        self
    }

    /// Returns what `placeholder` stands for; nothing if it has no value.
    pub(crate) fn value(&self, placeholder: &str) -> &str {
        self.0.get(placeholder).map_or("", String::as_str)
    }

    /// Returns the names of the placeholders.
    pub(crate) fn names(&self) -> Vec<String> {
        self.0.keys().map(|name| (*name).to_owned()).collect()
    }
}

impl Template {
    /// The grammar in words.
    pub(crate) const EXPECTED: &str =
        "a text with `{placeholders}`; write a single brace as `{{` or `}}`";

    /// Parses a template; whether its placeholders exist, [`Template::expand`] tells.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            literal.push_str(&rest[..at]);
            let (brace, after) = rest[at..].split_at(1);
            if let Some(after) = after.strip_prefix(brace) {
                literal.push_str(brace);
                rest = after;
                continue;
            }
            let (name, after) = after.split_once('}').filter(|_| brace == "{")?;
            is_placeholder(name).then_some(())?;
            parts.push(Part::Text(std::mem::take(&mut literal)));
            parts.push(Part::Placeholder(name.to_owned()));
            rest = after;
        }
        literal.push_str(rest);
        parts.push(Part::Text(literal));
        Some(Self { parts })
    }

    /// Returns whether `placeholder` stands in the text.
    pub(crate) fn has(&self, placeholder: &str) -> bool {
        let is_it = |part: &Part| matches!(part, Part::Placeholder(name) if name == placeholder);
        self.parts.iter().any(is_it)
    }

    /// Returns the text with every placeholder replaced, or the name of one that `scope` lacks.
    pub(crate) fn expand(&self, scope: &Scope) -> Result<String, String> {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Ok(text.as_str()),
                Part::Placeholder(name) => {
                    scope.0.get(name.as_str()).map(String::as_str).ok_or_else(|| name.clone())
                }
            })
            .collect()
    }
}

fn is_placeholder(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

impl TryFrom<String> for Template {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text).ok_or(TextError { text, expected: Self::EXPECTED })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_replaced_and_doubled_braces_are_single_ones() {
        let scope = Scope::default().with("host", &"db").with("port", &5432);
        for (text, expanded) in [
            ("no placeholder", Ok("no placeholder")),
            ("{host}:{port}", Ok("db:5432")),
            ("{{{host}}}", Ok("{db}")),
            ("{{host}}", Ok("{host}")),
            ("{hots}", Err("hots")),
        ] {
            let template = Template::parse(text).expect(text);
            assert_eq!(
                template.expand(&scope).as_deref().map_err(String::as_str),
                expanded,
                "{text}"
            );
        }
        for text in ["{host", "host}", "{}", "{a b}", "{1}"] {
            assert_eq!(Template::parse(text), None, "{text}");
        }
    }
}
