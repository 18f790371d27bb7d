//! Releases that the cluster holds, for whoever wants to look into one.

use crate::{
    client::Client, history, place::Place, refusal::Refusal, site_release::SiteRelease,
    survey::load,
};

/// Reads the release in the history of `place` that `prefix` abbreviates; one that failed, too. Its
/// signatures were checked when it was applied, and its digest stands in the head. It has the overlay
/// that it was applied with.
///
/// # Errors
/// Refuses when nothing or more than one thing is meant, or when the store cannot be read.
pub async fn stored_release(
    client: &Client,
    place: &Place,
    prefix: &str,
) -> Result<SiteRelease, Refusal> {
    let head = place.head(client).await?;
    let stored = history::stored(&head.history, prefix).map_err(Refusal::Select)?;
    load(client, place, stored).await
}
