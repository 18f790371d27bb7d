//! What looks whether a registry has images.

use std::collections::BTreeSet;

use a4co_bundle::Image;

/// An image that nodes will pull, by the name that they use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The image. Its registry is the one where the nodes look.
    pub(crate) image: Image,
    /// Those platforms of the image whose manifests have to be there as well as the index; all are
    /// keys of `image.platforms`.
    pub(crate) platforms: BTreeSet<String>,
}

/// What was found of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// The registry has it.
    #[cfg_attr(not(test), expect(dead_code, reason = "for a source that knows a registry"))]
    There,
    /// The registry answers, and lacks this.
    #[cfg_attr(not(test), expect(dead_code, reason = "for a source that knows a registry"))]
    Lacks(String),
    /// Nobody knows, because of this.
    Unknown(String),
}

/// Looks whether registries have images, by digest, without reading any layer.
pub(crate) trait ImageSource {
    /// Looks for all of `wanted`, and returns what was found of each, in the same order.
    async fn look(&self, wanted: &[Wanted]) -> Vec<Found>;
}

/// Knows no registry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoSource;

impl ImageSource for NoSource {
    async fn look(&self, wanted: &[Wanted]) -> Vec<Found> {
        let unknown =
            Found::Unknown("this program was built without access to registries".to_owned());
        vec![unknown; wanted.len()]
    }
}
