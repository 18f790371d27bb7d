//! In which objects and images two releases differ.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{
    config::ReleaseConfig,
    fields::{FieldChange, field_changes},
    image::Image,
    labels::PART_OF_LABEL,
    object::{Object, ObjectRef},
    release::Release,
};

/// An object in which two releases differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectDifference<'a> {
    /// What it is in either release: as an [`ObjectRef`] prints, without the release's own namespace.
    pub name: String,
    /// The object in the old release, if that has it.
    pub old: Option<&'a ObjectRef>,
    /// The object in the new release, if that has it.
    pub new: Option<&'a ObjectRef>,
    /// Fields that differ, where both have it.
    pub fields: Vec<FieldChange>,
}

/// An image in which two releases differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageDifference<'a> {
    /// The image in the old release, if that has one of this name.
    pub old: Option<&'a Image>,
    /// The image in the new release, if that has one of this name.
    pub new: Option<&'a Image>,
}

/// Objects to compare with others.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// Namespace that is the release's own.
    pub namespace: &'a str,
    /// Its objects, with or without a site overlay.
    pub objects: &'a [Object],
}

impl<'a> From<&'a Release> for Side<'a> {
    fn from(release: &'a Release) -> Self {
        Self { namespace: &release.config().namespace, objects: release.objects() }
    }
}

/// Returns the objects in which two releases differ, by what they are.
///
/// What tells only into which namespace a release goes is no difference, so that staging can be
/// compared with production.
#[must_use]
pub fn object_differences<'a>(
    old: impl Into<Side<'a>>,
    new: impl Into<Side<'a>>,
) -> Vec<ObjectDifference<'a>> {
    let (old, new) = (old.into(), new.into());
    let (before, after) = (by_name(old), by_name(new));
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differences = names.into_iter().filter_map(|name| {
        let (before, after) = (before.get(name).copied(), after.get(name).copied());
        let fields = match before.zip(after) {
            Some((before, after)) if before.bytes() == after.bytes() => return None,
            Some((before, after)) => {
                field_changes(&comparable(old, before), &comparable(new, after))
            }
            None => Vec::new(),
        };
        let is_same = before.is_some() && after.is_some() && fields.is_empty();
        let [old, new] = [before, after].map(|object| object.map(Object::reference));
        (!is_same).then(|| ObjectDifference { name: name.clone(), old, new, fields })
    });
    differences.collect()
}

/// Returns the images in which the releases of two configs differ, by their names.
#[must_use]
pub fn image_differences<'a>(
    old: &'a ReleaseConfig,
    new: &'a ReleaseConfig,
) -> Vec<ImageDifference<'a>> {
    let only = |these: &'a ReleaseConfig, those: &ReleaseConfig| {
        let mut only: BTreeMap<&str, Vec<&Image>> = BTreeMap::new();
        let known: BTreeSet<_> = those.images.iter().map(|i| (&i.name, i.digest)).collect();
        for image in &these.images {
            if !known.contains(&(&image.name, image.digest)) {
                only.entry(&image.name).or_default().push(image);
            }
        }
        only
    };
    let (before, after) = (only(old, new), only(new, old));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let mut differences = Vec::new();
    for name in names {
        let [before, after] = [&before, &after].map(|images| images.get(name).map(Vec::as_slice));
        let (before, after) = (before.unwrap_or_default(), after.unwrap_or_default());
        for index in 0..before.len().max(after.len()) {
            let [old, new] = [before, after].map(|images| images.get(index).copied());
            differences.push(ImageDifference { old, new });
        }
    }
    differences
}

fn by_name(side: Side<'_>) -> BTreeMap<String, &Object> {
    side.objects.iter().map(|object| (name(side, object), object)).collect()
}

fn name(side: Side<'_>, object: &Object) -> String {
    let reference = object.reference();
    match (is_own(side, reference), is_namespace(side, reference)) {
        (true, _) => format!("{}/{}", reference.kind, reference.name),
        (_, true) => reference.kind.clone(),
        _ => reference.to_string(),
    }
}

fn is_own(side: Side<'_>, object: &ObjectRef) -> bool {
    object.namespace.as_deref() == Some(side.namespace)
}

fn is_namespace(side: Side<'_>, object: &ObjectRef) -> bool {
    object.kind == "Namespace" && object.name == side.namespace
}

/// The manifest without what tells only where it goes.
fn comparable(side: Side<'_>, object: &Object) -> Value {
    let mut manifest = object.manifest();
    let reference = object.reference();
    let metadata = &mut manifest["metadata"];
    metadata["labels"][PART_OF_LABEL].take();
    if is_own(side, reference) {
        metadata["namespace"].take();
    }
    if is_namespace(side, reference) {
        metadata["name"].take();
    }
    manifest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{CONFIG_SCHEMA, Digest, Requirements, applyset_id};

    /// A release in `namespace` of `ConfigMaps` by name and text, and of images by name and content.
    fn release(namespace: &str, texts: &[(&str, &str)], images: &[(&str, &str)]) -> Release {
        let image = |(name, content): &(&str, &str)| Image {
            name: format!("example.com/{name}"),
            tag: "1".to_owned(),
            digest: Digest::of(content.as_bytes()),
            size: None,
            platforms: BTreeMap::new(),
        };
        let config = ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: "shop".to_owned(),
            environment: "test".to_owned(),
            version: "1.0.0".parse().unwrap(),
            namespace: namespace.to_owned(),
            images: images.iter().map(image).collect(),
            requirements: Requirements::default(),
            readiness: Vec::new(),
            keep: Vec::new(),
            notes: Vec::new(),
        };
        let labels = json!({ PART_OF_LABEL: applyset_id("shop", namespace) });
        let text = |(name, text): &(&str, &str)| {
            let metadata = json!({ "name": name, "namespace": namespace, "labels": labels });
            let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata,
                "data": { "text": text } });
            (1, object)
        };
        let own = json!({ "apiVersion": "v1", "kind": "Namespace",
            "metadata": { "name": namespace, "labels": labels } });
        let objects = texts.iter().map(text).chain([(0, own)]).collect();
        Release::new(config, objects).unwrap()
    }

    #[test]
    fn releases_differ_in_what_was_added_removed_and_changed() {
        let old = release("a", &[("gone", "1"), ("same", "1"), ("text", "1")], &[]);
        for (case, namespace) in [("in one namespace", "a"), ("in two namespaces", "b")] {
            let new = release(namespace, &[("new", "1"), ("same", "1"), ("text", "2")], &[]);
            let shown = |d: &ObjectDifference<'_>| {
                let fields: Vec<_> = d.fields.iter().map(ToString::to_string).collect();
                (d.name.clone(), d.old.is_some(), d.new.is_some(), fields.join(", "))
            };
            let found: Vec<_> = object_differences(&old, &new).iter().map(shown).collect();
            let expected = [
                ("ConfigMap/gone", true, false, ""),
                ("ConfigMap/new", false, true, ""),
                ("ConfigMap/text", true, true, "data.text: \"1\" → \"2\""),
            ];
            let expected = expected.map(|(n, o, w, f)| (n.to_owned(), o, w, f.to_owned()));
            assert_eq!(found, expected, "{case}");
        }
        assert_eq!(object_differences(&old, &old), []);
    }

    #[test]
    fn images_are_compared_by_name() {
        let old = release("a", &[], &[("changed", "1"), ("gone", "1"), ("same", "1")]);
        let new = release("a", &[], &[("changed", "2"), ("new", "1"), ("same", "1")]);
        let shown = |d: &ImageDifference<'_>| {
            [d.old, d.new].map(|image| image.map_or_else(String::new, Image::reference))
        };
        let found: Vec<_> =
            image_differences(old.config(), new.config()).iter().map(shown).collect();
        let image = |name: &str, content: &str| {
            format!("example.com/{name}@{}", Digest::of(content.as_bytes()))
        };
        let expected = [
            [image("changed", "1"), image("changed", "2")],
            [image("gone", "1"), String::new()],
            [String::new(), image("new", "1")],
        ];
        assert_eq!(found, expected);
    }
}
