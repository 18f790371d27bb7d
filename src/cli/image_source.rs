//! Looks whether registries have images, by digest, without reading any layer.

use std::collections::BTreeSet;

use a4co_bundle::{Digest, Image};
use a4co_registry::{Client, RegistryError, Repository};
use futures::{StreamExt as _, stream};

use super::{
    problem::{Problem, causes},
    registries::RegistryArgs,
};

/// How many images are looked for at once.
const AT_ONCE: usize = 8;

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
    There,
    /// The registry answers, and lacks this.
    Lacks(String),
    /// Nobody knows, because of this.
    Unknown(String),
}

/// Looks whether registries have images.
pub(crate) trait ImageSource {
    /// Looks for all of `wanted`, and returns what was found of each, in the same order.
    async fn look(&self, wanted: &[Wanted]) -> Result<Vec<Found>, Problem>;
}

impl ImageSource for RegistryArgs {
    async fn look(&self, wanted: &[Wanted]) -> Result<Vec<Found>, Problem> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let client = self.client()?;
        let found = stream::iter(wanted).map(|wanted| look_for(&client, wanted));
        Ok(found.buffered(AT_ONCE).collect().await)
    }
}

async fn look_for(client: &Client, wanted: &Wanted) -> Found {
    let Wanted { image, platforms } = wanted;
    let repository: Repository = match image.name.parse() {
        Ok(repository) => repository,
        Err(error) => return Found::Unknown(format!("its name is no repository: {error}")),
    };
    let manifests = platforms.iter().filter_map(|platform| {
        let digest = *image.platforms.get(platform)?;
        Some((format!("its manifest for {platform}"), digest))
    });
    let index = ("its index".to_owned(), image.digest);
    for (what, digest) in [index].into_iter().chain(manifests) {
        match has(client, &repository, digest).await {
            Ok(true) => {}
            Ok(false) => return Found::Lacks(what),
            Err(error) => return Found::Unknown(reason(&error)),
        }
    }
    Found::There
}

async fn has(
    client: &Client,
    repository: &Repository,
    digest: Digest,
) -> Result<bool, RegistryError> {
    Ok(client.head(repository, &digest.into()).await?.is_some())
}

fn reason(error: &RegistryError) -> String {
    let mut parts = vec![error.to_string()];
    parts.extend(causes(error));
    let text = parts.join(": ");
    error.hint().map_or(text.clone(), |hint| format!("{text} ({hint})"))
}
