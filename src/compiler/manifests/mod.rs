//! Objects that a team brings itself: read, checked, made members of the release, and patched.

mod document;
mod images;
mod mention;
mod patch;
mod problem;
mod scope;
mod secret_value;

use std::{collections::BTreeMap, sync::Arc};

use a4co_bundle::{Digest, Image, applyset_id};

pub(crate) use self::patch::apply as apply_patches;
pub use self::problem::ManifestProblem;
pub(crate) use self::secret_value::is_in as has_secret_value;
use self::{document::Reader, images::Search, scope::Scopes};
pub(crate) use self::{images::mentions, mention::Mention};
use crate::{
    environment::{Environment, manifests::Manifests},
    finding::Findings,
    image::ImageReference,
    layers::Stack,
    member::Member,
    place::{Place, SourceFile},
    source::Source,
    tree::{Node, Value},
    yaml,
};

/// What a team brings itself.
#[derive(Default)]
pub(crate) struct Own {
    /// Its objects; images still have their tags.
    pub(crate) members: Vec<Member>,
    /// Paths of the files.
    pub(crate) files: Vec<String>,
    /// Every image that objects and patches name by tag.
    pub(crate) tagged: Vec<(ImageReference, Place)>,
    /// Every image that they name by digest.
    pub(crate) given: Vec<GivenImage>,
}

/// An image that stands somewhere by its digest.
pub(crate) struct GivenImage {
    /// Registry and repository.
    pub(crate) name: String,
    /// The tag, if there is one.
    pub(crate) tag: Option<String>,
    /// The digest.
    pub(crate) digest: Digest,
    /// Where it stands.
    pub(crate) place: Place,
}

impl GivenImage {
    /// Returns it as an image of the release.
    pub(crate) fn to_image(&self) -> Image {
        Image {
            name: self.name.clone(),
            tag: self.tag.clone().unwrap_or_default(),
            digest: self.digest,
            size: None,
            platforms: BTreeMap::new(),
        }
    }
}

impl Own {
    /// Reads the objects that `environment`, which was read from `stack`, names.
    pub(crate) fn read(
        source: &Source,
        stack: &Stack,
        environment: &Environment,
        findings: &mut Findings,
    ) -> Self {
        let mut own = Self::default();
        let mut documents = Vec::new();
        for (position, entry) in environment.manifests.iter().enumerate() {
            for file in own.take_files(source, stack, position, entry, findings) {
                let read = yaml::read(&file, findings).into_iter().flat_map(unfold);
                documents.extend(read.map(|document| (position, document)));
            }
        }
        let release = &environment.release;
        let applyset = applyset_id(release.app.as_ref(), release.namespace.as_ref());
        let scopes = Scopes::of(documents.iter().map(|(_, document)| document));
        for (position, entry) in environment.manifests.iter().enumerate() {
            let mut search = Search::new(&entry.images, &entry.not_images, findings);
            let of_entry = || documents.iter().filter(|(owner, _)| *owner == position);
            of_entry().for_each(|(_, document)| search.search(document));
            own.finish(search, &["manifests", &position.to_string()], &entry.not_images, stack);
            for (_, document) in of_entry() {
                let mut reader = Reader {
                    environment,
                    entry,
                    position,
                    scopes: &scopes,
                    applyset: &applyset,
                    findings,
                };
                own.members.extend(reader.member(document));
            }
        }
        own.search_patches(stack, environment, findings);
        own.search_services(stack, environment, findings);
        own
    }

    /// Returns the files of an entry; that there are none is reported, and that another has one.
    fn take_files(
        &mut self,
        source: &Source,
        stack: &Stack,
        position: usize,
        entry: &Manifests,
        findings: &mut Findings,
    ) -> Vec<Arc<SourceFile>> {
        let path = entry.path.as_ref();
        let place = || stack.tree.place_of(&["manifests", &position.to_string(), "path"]);
        let files: Vec<_> = source.manifest_files(path).cloned().collect();
        if files.is_empty() {
            let known = source.manifest_files(crate::source::MANIFESTS);
            let known = known.map(|file| file.path.clone()).collect();
            findings.add(place(), ManifestProblem::NoFile { path: path.to_owned(), known });
        }
        for file in &files {
            if self.files.contains(&file.path) {
                findings.add(place(), ManifestProblem::FileTwice { path: file.path.clone() });
            }
            self.files.push(file.path.clone());
        }
        files
    }

    fn search_patches(
        &mut self,
        stack: &Stack,
        environment: &Environment,
        findings: &mut Findings,
    ) {
        for (position, patch) in environment.patches.iter().enumerate() {
            let position = position.to_string();
            let mut search = Search::new(&[], &patch.not_images, findings);
            let patches = stack.tree.get("patches");
            let node = match patches.map(|patches| &patches.value) {
                Some(Value::Array(items)) => items.get(position.parse().unwrap_or(usize::MAX)),
                _ => None,
            };
            for part in ["merge", "set"] {
                if let Some(part) = node.and_then(|node| node.get(part)) {
                    search.search(part);
                }
            }
            self.finish(search, &["patches", &position], &patch.not_images, stack);
        }
    }

    /// Searches what services are told: settings, commands, arguments and variables.
    fn search_services(
        &mut self,
        stack: &Stack,
        environment: &Environment,
        findings: &mut Findings,
    ) {
        let mut search = Search::new(&[], &environment.not_images, findings);
        let services = stack.tree.get("services").and_then(Node::as_table);
        let services = services.into_iter().flat_map(|services| services.0.values());
        let parts = services.flat_map(|service| {
            ["command", "args", "env", "provides"].map(|part| service.node.get(part))
        });
        for part in parts.flatten().chain(stack.tree.get("settings")) {
            search.search(part);
        }
        // A layer may exempt what only some of the environments above it say.
        self.finish(search, &[], &[], stack);
    }

    /// Takes what a search found; exemptions of what it did not meet are reported.
    fn finish(&mut self, search: Search<'_>, path: &[&str], not_images: &[String], stack: &Stack) {
        let Search { met, found, findings, .. } = search;
        for (position, text) in not_images.iter().enumerate() {
            if !met.contains(text) {
                let position = position.to_string();
                let path = [path, &["not_images", &position]].concat();
                let problem = ManifestProblem::NoSuchText { text: text.clone() };
                findings.add(stack.tree.place_of(&path), problem);
            }
        }
        for (mention, place) in found {
            match mention {
                Mention::Tag(image) => self.tagged.push((image, place)),
                Mention::Digest { name, tag, digest } => {
                    self.given.push(GivenImage { name, tag, digest, place });
                }
            }
        }
    }
}

/// Returns the objects of a list, or the one object that is no list.
fn unfold(document: Node) -> Vec<Node> {
    let kind = document.get("kind").and_then(Node::as_str).unwrap_or_default();
    let items = document.get("items").filter(|_| kind.ends_with("List"));
    match items.map(|items| &items.value) {
        Some(Value::Array(items)) => items.iter().cloned().flat_map(unfold).collect(),
        _ => vec![document],
    }
}

/// Replaces every image in `value` by its digest; texts in `not_images` stay.
fn pin(
    value: &mut serde_json::Value,
    not_images: &[String],
    pins: &BTreeMap<ImageReference, Image>,
) {
    images::pin(value, not_images, &|mention| pinned(mention, pins));
}

/// Replaces every image in `text` by its digest; texts in `not_images` stay.
pub(crate) fn pin_text(
    text: &mut String,
    not_images: &[String],
    pins: &BTreeMap<ImageReference, Image>,
) {
    if !not_images.contains(text) {
        images::pin_text(text, not_images, &|mention| pinned(mention, pins));
    }
}

fn pinned(mention: &Mention, pins: &BTreeMap<ImageReference, Image>) -> Option<String> {
    match mention {
        Mention::Tag(image) => pins.get(image).map(Image::reference),
        Mention::Digest { .. } => None,
    }
}

/// Replaces every image of the own objects by its digest.
pub(crate) fn pin_members(
    members: &mut [Member],
    entries: &[Manifests],
    pins: &BTreeMap<ImageReference, Image>,
) {
    for member in members {
        if let crate::member::Origin::Own { entry, .. } = &member.origin
            && let Some(entry) = entries.get(*entry)
        {
            pin(&mut member.manifest, &entry.not_images, pins);
        }
    }
}
