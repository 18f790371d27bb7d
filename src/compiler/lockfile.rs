//! Lockfiles: which digest each image's tag had when it was locked.
//!
//! `lockfiles/<environment>.lock` is TOML, sorted by image. Version 1 is
//! the only one so far; a version that is not known is refused, never guessed at.

use std::{collections::BTreeMap, sync::Arc};

use a4co_bundle::{Digest, Image};
use schemars::JsonSchema;
use serde::Deserialize;
use thiserror::Error;

use crate::{
    finding::Findings,
    image::ImageReference,
    manifests::GivenImage,
    place::{Place, SourceFile},
    schema::{Conformity, Schema},
    source::{LOCKFILES, Source},
    text::DigestText,
    tree::{Node, Value},
};

/// Version of the lockfile format that this code reads.
pub const LOCKFILE_VERSION: i64 = 1;

/// A lockfile as it is written.
#[derive(Debug, Deserialize, JsonSchema)]
struct Document {
    /// Version of the format.
    #[expect(dead_code, reason = "checked before the rest is read; here for the schema")]
    version: i64,
    /// The pins.
    #[serde(default, rename = "image")]
    images: Vec<Pin>,
}

/// One image by tag, and its digest.
#[derive(Debug, Deserialize, JsonSchema)]
struct Pin {
    /// Registry and repository.
    name: String,
    /// Tag.
    tag: String,
    /// Digest of the index, or of the manifest of an image for one platform only.
    #[schemars(with = "DigestText")]
    digest: Digest,
    /// Size of the index in bytes.
    #[serde(default)]
    size: Option<u64>,
    /// Media type of the index.
    #[serde(default)]
    #[expect(dead_code, reason = "for people")]
    media_type: Option<String>,
    /// Digest of the manifest for each platform.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, DigestText>")]
    platforms: BTreeMap<String, Digest>,
}

/// The pins of one environment.
pub(crate) struct Lockfile {
    environment: String,
    path: String,
    pins: BTreeMap<ImageReference, (Place, Image)>,
}

/// How a lockfile does not fit its environment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Error)]
pub enum LockProblem {
    /// Written in a version of the format that this code does not know.
    #[error("lockfile version {found} is not supported, only version {supported} is")]
    Version {
        /// Version of the file.
        found: i64,
        /// Version that is supported.
        supported: i64,
    },
    /// Name and tag do not make an image reference.
    #[error("`{name}:{tag}` is not {}", ImageReference::EXPECTED)]
    NotAnImage {
        /// Registry and repository.
        name: String,
        /// Tag.
        tag: String,
    },
    /// One image has two pins.
    #[error("image `{image}` is pinned twice")]
    Twice {
        /// The image.
        image: ImageReference,
    },
    /// An image that the environment runs has no pin.
    #[error("image `{image}` has no pin in `{lockfile}`")]
    Unpinned {
        /// The image.
        image: ImageReference,
        /// Path of the lockfile.
        lockfile: String,
        /// Name of the environment.
        environment: String,
    },
    /// An image that an object names by another digest than its pin has.
    #[error("image `{image}` has another digest here than in `{lockfile}`")]
    OtherDigest {
        /// The image.
        image: ImageReference,
        /// Path of the lockfile.
        lockfile: String,
    },
    /// An image that the environment does not run has a pin. It would do no harm, but a lockfile
    /// says exactly what runs, to those who review or mirror it.
    #[error("pin of image `{image}`, which the environment `{environment}` does not run")]
    Unused {
        /// The image.
        image: ImageReference,
        /// Name of the environment.
        environment: String,
    },
}

impl LockProblem {
    /// Returns what to do about it.
    pub(crate) fn help(&self) -> Option<String> {
        match self {
            Self::Version { found, supported } if found > supported => {
                Some("use the release of a4co that wrote it, or a later one".to_owned())
            }
            Self::Unpinned { .. } => Some("run `a4co lock`".to_owned()),
            Self::Unused { .. } => Some("run `a4co lock`, or remove the entry".to_owned()),
            Self::OtherDigest { .. } => {
                Some("remove `@sha256:…` here, so that the lockfile alone says it".to_owned())
            }
            _ => None,
        }
    }
}

impl Lockfile {
    /// Reads the lockfile of `environment`; an absent file has no pins.
    ///
    /// What is wrong with the file is added to `findings`; then there is no lockfile.
    pub(crate) fn parse(
        source: &Source,
        environment: &str,
        findings: &mut Findings,
    ) -> Option<Self> {
        let path = format!("{LOCKFILES}/{environment}.lock");
        let pins = match source.file(&path) {
            Some(file) => read_pins(file, findings)?,
            None => BTreeMap::new(),
        };
        Some(Self { environment: environment.to_owned(), path, pins })
    }

    /// Returns the path of the file, relative to the root.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }

    /// Returns all pins.
    pub(crate) fn into_pins(self) -> BTreeMap<ImageReference, Image> {
        self.pins.into_iter().map(|(image, (_, pin))| (image, pin)).collect()
    }

    /// Pins `images`, each with the place that asks for it. Images without a pin and pins without
    /// an image are added to `findings`. Those in `given` have their digest already, and need no
    /// pin; if there is one, both must say the same.
    pub(crate) fn pin(
        &self,
        images: &[(ImageReference, Place)],
        given: &[GivenImage],
        findings: &mut Findings,
    ) -> BTreeMap<ImageReference, Image> {
        let mut pinned = BTreeMap::new();
        for one in given {
            let image = one.tag.as_ref().and_then(|tag| ImageReference::from_parts(&one.name, tag));
            let Some((image, (_, pin))) = image.and_then(|image| self.pins.get_key_value(&image))
            else {
                continue;
            };
            pinned.insert(image.clone(), pin.clone());
            if pin.digest != one.digest {
                let (image, lockfile) = (image.clone(), self.path.clone());
                findings.add(one.place.clone(), LockProblem::OtherDigest { image, lockfile });
            }
        }
        for (image, place) in images {
            if let Some((_, pin)) = self.pins.get(image) {
                pinned.insert(image.clone(), pin.clone());
                continue;
            }
            let (lockfile, environment) = (self.path.clone(), self.environment.clone());
            let image = image.clone();
            findings.add(place.clone(), LockProblem::Unpinned { image, lockfile, environment });
        }
        for (image, (place, _)) in &self.pins {
            if !pinned.contains_key(image) {
                let (image, environment) = (image.clone(), self.environment.clone());
                findings.add(place.clone(), LockProblem::Unused { image, environment });
            }
        }
        pinned
    }
}

fn read_pins(
    file: &Arc<SourceFile>,
    findings: &mut Findings,
) -> Option<BTreeMap<ImageReference, (Place, Image)>> {
    let node = Node::parse(file, findings)?;
    let document = read_document(&node, findings)?;
    let mut pins = BTreeMap::new();
    for (position, pin) in document.images.into_iter().enumerate() {
        let place = node.place_of(&["image", &position.to_string(), "name"]);
        let Some(image) = ImageReference::from_parts(&pin.name, &pin.tag) else {
            let (name, tag) = (pin.name, pin.tag);
            findings.add(place, LockProblem::NotAnImage { name, tag });
            continue;
        };
        let pinned = (place.clone(), pin.into_image());
        if pins.insert(image.clone(), pinned).is_some() {
            findings.add(place, LockProblem::Twice { image });
        }
    }
    Some(pins)
}

fn read_document(node: &Node, findings: &mut Findings) -> Option<Document> {
    // The version first: in a file of another one, nothing else needs to make sense.
    if let Some(version) = node.get("version")
        && let Value::Integer(found) = version.value
        && found != LOCKFILE_VERSION
    {
        let supported = LOCKFILE_VERSION;
        findings.add(version.place.clone(), LockProblem::Version { found, supported });
        return None;
    }
    let schema = Schema::of::<Document>();
    if schema.check(node, findings) == Conformity::Full {
        schema.check_complete(node, findings);
    }
    // Only what has been reported can make this fail.
    serde_json::from_value(node.to_json()).ok()
}

impl Pin {
    fn into_image(self) -> Image {
        let Self { name, tag, digest, size, platforms, .. } = self;
        Image { name, tag, digest, size, platforms }
    }
}
