//! What a release asks of nodes and registries: its images, by the names that pods give them.

use a4co_bundle::Bundle;

use crate::{
    client::Client,
    error::ApiError,
    nodes::{self, Node},
    place::Place,
    refusal::Refusal,
    site_release::{OverlayChoice, SiteRelease},
    survey::choose,
};

/// What has to be known to tell whether pods get their images.
#[derive(Debug)]
pub struct Supply {
    /// The release, with the overlay that it would be applied with.
    pub release: SiteRelease,
    /// Whether the cluster has it already.
    pub is_committed: bool,
    /// All nodes, or why they could not be listed.
    pub nodes: Result<Vec<Node>, ApiError>,
}

/// Reads what has to be known to tell whether pods of `bundle` get their images.
///
/// # Errors
/// Refuses when the head or the overlay that is in force cannot be read.
pub async fn supply(
    client: &Client,
    bundle: &Bundle,
    overlay: &OverlayChoice,
) -> Result<Supply, Refusal> {
    let place = Place::of(bundle.release());
    let head = place.head_object(client).await?;
    let release = choose(client, &place, &head, bundle.release(), overlay).await?;
    let committed = head.head.committed.map(crate::head::Stored::edition);
    let nodes = nodes::read(client).await;
    Ok(Supply { is_committed: committed == Some(release.edition()), release, nodes })
}
