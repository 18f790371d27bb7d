//! A list as the API server answers with one.

use serde::{Deserialize, Deserializer};

/// One page of objects.
#[derive(Debug, Deserialize)]
#[serde(bound(deserialize = "T: Deserialize<'de>"))]
pub(crate) struct List<T> {
    #[serde(default)]
    metadata: Metadata,
    /// The objects; the API server says `null` for none in some forms of lists.
    #[serde(default, deserialize_with = "null_as_empty")]
    pub(crate) items: Vec<T>,
}

#[derive(Debug, Default, Deserialize)]
struct Metadata {
    #[serde(rename = "continue", default)]
    next: Option<String>,
}

impl<T> List<T> {
    /// Returns the token that asks for the next page, if there is one.
    pub(crate) fn next(&self) -> Option<&str> {
        self.metadata.next.as_deref().filter(|token| !token.is_empty())
    }
}

fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
