//! Finds every image that objects use. What looks like one and cannot be pinned is reported: the
//! bundle holds whatever its objects run, or there is no bundle.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::{ManifestProblem, mention::Mention};
use crate::{
    finding::Findings,
    image::ImageReference,
    place::Place,
    tree::{Node, Table, Value},
};

/// Keys of definitions of kinds under which there are only words for people.
const PROSE: [&str; 3] = ["description", "example", "examples"];

/// Ends of keys whose value is an image.
const IMAGE_KEYS: [&str; 4] = ["image", "imagename", "imageref", "imageuri"];

/// A search for images.
pub(crate) struct Search<'a> {
    /// Images that are declared because they cannot be seen.
    pub(crate) declared: &'a [ImageReference],
    /// Texts that are no images.
    pub(crate) not_images: BTreeSet<&'a str>,
    /// Those of them that occurred.
    pub(crate) met: BTreeSet<String>,
    /// What was found.
    pub(crate) found: Vec<(Mention, Place)>,
    pub(crate) findings: &'a mut Findings,
}

/// What a text is, from what is around it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// An image: whatever it is, something runs it.
    Image,
    /// Anything; there may be images in it.
    Anything,
}

impl<'a> Search<'a> {
    pub(crate) fn new(
        declared: &'a [ImageReference],
        not_images: &'a [String],
        findings: &'a mut Findings,
    ) -> Self {
        Self {
            declared,
            not_images: not_images.iter().map(String::as_str).collect(),
            met: BTreeSet::new(),
            found: Vec::new(),
            findings,
        }
    }

    /// Searches an object, or a part of one.
    pub(crate) fn search(&mut self, node: &Node) {
        let kind = node.get("kind").and_then(Node::as_str);
        self.node(node, Expected::Anything, kind == Some("CustomResourceDefinition"));
    }

    fn node(&mut self, node: &Node, expected: Expected, is_definition: bool) {
        match &node.value {
            Value::String(text) => self.text(text, &node.place, expected),
            Value::Table(table) => self.table(table, is_definition),
            Value::Array(items) => {
                let mut before = "";
                for item in items {
                    let is_value = is_image_flag(before) && item.as_str().is_some();
                    let of_item = if is_value { Expected::Image } else { expected };
                    self.node(item, of_item, is_definition);
                    before = item.as_str().unwrap_or_default();
                }
            }
            _ => {}
        }
    }

    fn table(&mut self, table: &Table, is_definition: bool) {
        self.parts(table);
        for (key, entry) in &table.0 {
            if is_definition && PROSE.contains(&key.as_str()) {
                continue;
            }
            let is_list = matches!(entry.node.value, Value::Array(_));
            let is_image = names_image(key, table) || (is_list && names_images(key));
            let expected = if is_image { Expected::Image } else { Expected::Anything };
            self.node(&entry.node, expected, is_definition);
            // A volume of an image.
            if let (true, Some(reference)) = (key == "image", entry.node.get("reference")) {
                self.node(reference, Expected::Image, is_definition);
            }
        }
    }

    fn text(&mut self, text: &str, place: &Place, expected: Expected) {
        if self.is_exempt(text) {
            return;
        }
        if expected == Expected::Image {
            self.image(text, place);
            return;
        }
        for (range, mention) in Mention::find(text) {
            if !self.is_exempt(&text[range]) {
                self.found.push((mention, place.clone()));
            }
        }
        for misspelt in Mention::find_misspelt(text) {
            if !self.is_exempt(misspelt) {
                let text = misspelt.to_owned();
                self.findings.add(place.clone(), ManifestProblem::NotAnImage { text });
            }
        }
        if let Some((flag, value)) = text.split_once('=')
            && is_image_flag(flag)
        {
            self.unseen(value, place);
        }
        // A file of settings, or a template of an object.
        for line in text.lines().filter(|_| text.contains('\n')) {
            let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '-');
            if let Some(value) = line.strip_prefix("image:") {
                self.unseen(value.trim().trim_matches(['"', '\'']), place);
            }
        }
    }

    /// Takes a text that must be an image.
    fn image(&mut self, text: &str, place: &Place) {
        match Mention::parse(text) {
            Some(mention) => self.found.push((mention, place.clone())),
            None => self.unseen(text, place),
        }
    }

    /// Reports `text`, which is used as an image, if it is not one that is found anyway.
    fn unseen(&mut self, text: &str, place: &Place) {
        let is_variable =
            text.starts_with("$(") || text.starts_with("${") || text.starts_with("{{");
        if is_variable || Mention::parse(text).is_some() || self.is_exempt(text) {
            return;
        }
        let text = text.to_owned();
        self.findings.add(place.clone(), ManifestProblem::NotAnImage { text });
    }

    /// Reports an image that is put together from parts, if it is not declared.
    fn parts(&mut self, table: &Table) {
        let text = |key: &str| table.0.get(key).map(|entry| &entry.node).and_then(Node::as_str);
        let (Some(repository), Some(tag)) = (text("repository"), table.0.get("tag")) else {
            return;
        };
        let tag = match &tag.node.value {
            Value::String(tag) => tag.clone(),
            Value::Integer(tag) => tag.to_string(),
            _ => return,
        };
        let name = match text("registry") {
            Some(registry) => format!("{registry}/{repository}"),
            None => repository.to_owned(),
        };
        let image = format!("{name}:{tag}");
        let is_declared = self.declared.iter().any(|declared| {
            let rest = declared.name().strip_suffix(name.as_str());
            declared.tag() == tag && rest.is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
        });
        if !is_declared && !self.is_exempt(&image) {
            let place = table.0["repository"].key.clone();
            self.findings.add(place, ManifestProblem::ImageInParts { image });
        }
    }

    fn is_exempt(&mut self, text: &str) -> bool {
        let is_exempt = self.not_images.contains(text);
        if is_exempt {
            self.met.insert(text.to_owned());
        }
        is_exempt
    }
}

/// Returns whether the value of `key` in `table` is an image, by the name of the key.
fn names_image(key: &str, table: &Table) -> bool {
    if key == "value"
        && let Some(name) = table.0.get("name").and_then(|entry| entry.node.as_str())
    {
        // An environment variable.
        return name == "IMAGE" || name.ends_with("_IMAGE") || name.starts_with("RELATED_IMAGE_");
    }
    let key = key.to_ascii_lowercase();
    IMAGE_KEYS.iter().any(|image| key.ends_with(image))
}

/// Returns whether the items of a list at `key` are images, by the name of the key.
fn names_images(key: &str) -> bool {
    key.to_ascii_lowercase().ends_with("images")
}

/// Returns whether `text` is a flag whose value is an image, such as `--image`.
fn is_image_flag(text: &str) -> bool {
    text.starts_with('-') && text.to_ascii_lowercase().ends_with("image")
}

/// Replaces in `value` every image with a pin by its digest. Texts in `not_images` stay.
pub(crate) fn pin(
    value: &mut Json,
    not_images: &[String],
    pinned: &dyn Fn(&Mention) -> Option<String>,
) {
    match value {
        Json::String(text) if !not_images.contains(text) => pin_text(text, not_images, pinned),
        Json::Array(items) => items.iter_mut().for_each(|item| pin(item, not_images, pinned)),
        Json::Object(fields) => fields.values_mut().for_each(|it| pin(it, not_images, pinned)),
        _ => {}
    }
}

/// Returns every image in `text`, with how it is written there.
pub(crate) fn mentions(text: &str) -> impl Iterator<Item = (&str, Mention)> {
    Mention::find(text).into_iter().map(|(range, mention)| (&text[range], mention))
}

pub(super) fn pin_text(
    text: &mut String,
    not_images: &[String],
    pinned: &dyn Fn(&Mention) -> Option<String>,
) {
    // From the end, so that the ranges that are left stay right.
    for (range, mention) in Mention::find(text).into_iter().rev() {
        let is_exempt = not_images.iter().any(|exempt| exempt == &text[range.clone()]);
        if let Some(reference) = pinned(&mention).filter(|_| !is_exempt) {
            text.replace_range(range, &reference);
        }
    }
}
