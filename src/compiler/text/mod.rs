//! Texts with a grammar: each is a type of its own, parsed once, and a `format` of the schema.

use std::str::FromStr;

use thiserror::Error;

mod postgresql;
mod schedule;
mod types;

pub(crate) use self::types::{
    AcmeServer, Cidr, Condition, CountOrPercent, DataKey, DigestText, DnsLabel, EnvName,
    FolderPath, HeaderName, HostName, HostPort, HttpPath, HttpUrl, Interval, JsonPointer, LabelKey,
    LabelValue, ManifestPath, ObjectName, ObjectPath, Origin, Percent, PrometheusName, Version,
};
pub(crate) use self::{
    postgresql::{ExtensionName, SettingName, is_identifier},
    schedule::Schedule,
};
use crate::{
    image::{ImageReference, corrected},
    quantity,
    template::Template,
};

/// A text does not have the grammar that its place asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
#[error("`{text}` is not {expected}{}", instead(text, expected))]
pub struct TextError {
    /// The text.
    pub text: String,
    /// The grammar in words, such as "a CPU quantity such as `250m`".
    pub expected: &'static str,
}

/// Returns what to write for an image that is spelt in another way than its one.
fn instead(text: &str, expected: &str) -> String {
    let image = (expected == ImageReference::EXPECTED).then(|| corrected(text)).flatten();
    image.map_or_else(String::new, |image| format!("; write `{image}`"))
}

/// Reads a number of digits alone: the parser of the standard library also takes a leading `+`.
pub(crate) fn digits<T: FromStr>(text: &str) -> Option<T> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

/// A grammar that a schema names as `format`.
pub(crate) struct Format {
    pub(crate) name: &'static str,
    pub(crate) expected: &'static str,
    accepts: fn(&str) -> bool,
}

/// Every grammar. The schema check reads this table, so that all texts are checked at once and with
/// their places; the types below then parse without a failure.
const FORMATS: &[Format] = &[
    DnsLabel::FORMAT,
    HostName::FORMAT,
    EnvName::FORMAT,
    HttpPath::FORMAT,
    FolderPath::FORMAT,
    Interval::FORMAT,
    CountOrPercent::FORMAT,
    Cidr::FORMAT,
    LabelKey::FORMAT,
    LabelValue::FORMAT,
    Version::FORMAT,
    Origin::FORMAT,
    HeaderName::FORMAT,
    AcmeServer::FORMAT,
    DataKey::FORMAT,
    DigestText::FORMAT,
    PrometheusName::FORMAT,
    HttpUrl::FORMAT,
    HostPort::FORMAT,
    Percent::FORMAT,
    ManifestPath::FORMAT,
    ObjectName::FORMAT,
    ObjectPath::FORMAT,
    JsonPointer::FORMAT,
    Condition::FORMAT,
    ExtensionName::FORMAT,
    SettingName::FORMAT,
    Schedule::FORMAT,
    Format { name: "cpu", expected: quantity::CPU, accepts: |s| quantity::parse_cpu(s).is_some() },
    Format {
        name: "memory",
        expected: quantity::MEMORY,
        accepts: |s| quantity::parse_memory(s).is_some(),
    },
    Format {
        name: "image",
        expected: ImageReference::EXPECTED,
        accepts: |s| ImageReference::parse(s).is_some(),
    },
    Format {
        name: "template",
        expected: Template::EXPECTED,
        accepts: |s| Template::parse(s).is_some(),
    },
];

impl Format {
    /// Returns every format.
    pub(crate) fn all() -> impl Iterator<Item = &'static Self> {
        FORMATS.iter()
    }

    /// Returns the format called `name`; formats of numbers, such as `uint16`, are not here.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        Self::all().find(|format| format.name == name)
    }

    /// Checks `text`.
    pub(crate) fn check(&self, text: &str) -> Result<(), TextError> {
        if (self.accepts)(text) {
            return Ok(());
        }
        Err(TextError { text: text.to_owned(), expected: self.expected })
    }
}

/// Defines a text type: its doc, name, schema format, grammar in words, and grammar as code.
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $format:literal, $expected:literal, $accepts:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(try_from = "String")]
        pub(crate) struct $name(String);

        impl $name {
            pub(super) const FORMAT: Format =
                Format { name: $format, expected: $expected, accepts: $accepts };
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;

            fn try_from(text: String) -> Result<Self, TextError> {
                Self::FORMAT.check(&text)?;
                Ok(Self(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        crate::text::format_schema!($name, $format);
    };
}

/// Gives a type the schema of a string with a `format`.
macro_rules! format_schema {
    ($name:ident, $format:literal) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn inline_schema() -> bool {
                true
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": $format })
            }
        }
    };
}
pub(crate) use format_schema;
pub(crate) use text;
