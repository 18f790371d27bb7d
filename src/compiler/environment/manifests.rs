//! Objects that a team brings itself, as YAML.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::site::Given;
use crate::{
    closure::Rule,
    image::ImageReference,
    text::{Condition, DnsLabel, ManifestPath},
};

/// They become a part of the release, beside what the environment describes.
///
/// Their images are found and pinned: what stands at a key that ends in `image`, and every text that
/// has an image with registry and tag in it. Objects without a namespace get the release's, labels
/// say that they belong to it, and every check of rendered objects is made of them too.
/// Placeholders are not replaced in them.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Manifests {
    /// A file below `manifests/`, or a folder: all its `.yaml`, `.yml` and `.json` files.
    pub(crate) path: ManifestPath,
    /// Other namespaces in which its objects may be. The default is none.
    #[serde(default)]
    pub(crate) namespaces: Vec<DnsLabel>,
    /// Where objects of a kind are, by kind: for kinds that Kubernetes does not have, and whose
    /// definition is not in the release.
    #[serde(default)]
    pub(crate) scopes: BTreeMap<String, Scope>,
    /// When custom resources are ready, by kind: the type of the condition that must be `True`, or
    /// `none` if they are as soon as they exist.
    #[serde(default)]
    pub(crate) readiness: BTreeMap<String, Condition>,
    /// Images that it uses in a way that cannot be seen, such as one put together from two texts.
    /// They are pinned and are in the bundle; the objects stay as they are.
    #[serde(default)]
    pub(crate) images: Vec<ImageReference>,
    /// Texts that look like images and are none.
    #[serde(default)]
    pub(crate) not_images: Vec<String>,
    /// What its programs create in the release's namespace once they run, so that others may refer
    /// to it.
    #[serde(default)]
    pub(crate) creates: Given,
    /// Rules that its objects may break.
    #[serde(default)]
    pub(crate) allow: Vec<Rule>,
}

/// Where objects of a kind are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
pub(crate) enum Scope {
    /// In a namespace.
    Namespaced,
    /// In the cluster as a whole.
    Cluster,
}
