//! A list as the API server answers with one.

use serde::{Deserialize, Deserializer, de::DeserializeOwned};

use crate::{
    client::{Client, Form},
    error::ApiError,
    text,
};

/// Objects in one page of a list.
const PAGE: usize = 500;

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
    /// Returns what to add to the query to ask for the next page, if there is one.
    pub(crate) fn next(&self) -> Option<String> {
        let token = self.metadata.next.as_deref().filter(|token| !token.is_empty());
        token.map(|token| format!("&continue={}", text::in_query(token)))
    }
}

/// Reads all pages of the list at `collection` of what `query` selects; it is without `?`.
pub(crate) async fn read_all<T: DeserializeOwned>(
    client: &Client,
    collection: &str,
    query: &str,
    form: Form,
) -> Result<Vec<T>, ApiError> {
    let mut items = Vec::new();
    let mut next = String::new();
    loop {
        let path = format!("{collection}?limit={PAGE}&{query}{next}");
        let page: Option<List<T>> = client.list(path.trim_end_matches('&'), form).await?;
        let Some(page) = page else { return Ok(items) };
        let following = page.next();
        items.extend(page.items);
        match following {
            Some(following) => next = following,
            None => return Ok(items),
        }
    }
}

fn null_as_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
