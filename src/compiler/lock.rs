//! What a lockfile has to pin, for the tool that asks registries, and how a lockfile is written.
//!
//! The compiler itself never asks anybody; it says which images there are, and writes down what
//! others found out.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use a4co_bundle::Image;

use crate::{
    compile::{Gathered, asked, gather},
    environment::Environment,
    finding::Findings,
    image::ImageReference,
    layers::{Layers, Stack},
    lockfile::LOCKFILE_VERSION,
    schema::Schema,
    source::Source,
};

const PREFACE: &str = "\
# Which digest each image's tag stood for when `a4co lock` asked its registry; Cargo never asks one.
# `a4co lock --update IMAGE` moves a pin, `a4co lock --check` says which tags have moved since.
";

/// The pins of a lockfile.
pub type Pins = BTreeMap<ImageReference, Image>;

/// An environment's images, and the pins that its lockfile has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lock {
    /// Name of the environment.
    pub environment: String,
    /// Path of the lockfile, relative to the root.
    pub path: String,
    /// Images that have to be pinned.
    pub images: BTreeSet<ImageReference>,
    /// What the lockfile pins, needed or not; empty when there is no file.
    pub pins: Pins,
}

/// Finds the images of every environment of `source`, in the order of the environments' names.
///
/// Environments need not be sound otherwise: an image without a pin, say, is what this is for.
///
/// # Errors
/// Fails when an environment or a lockfile cannot be read as what it should be.
pub fn locks(source: &Source) -> Result<Vec<Lock>, Findings> {
    let mut findings = Findings::default();
    let schema = Schema::of::<Environment>();
    let layers = Layers::parse(source, &schema, &mut findings);
    let mut locks = Vec::new();
    for mut stack in layers.stacks(&mut findings) {
        locks.extend(lock(source, &mut stack, &schema, &mut findings));
    }
    findings.into_result(locks)
}

fn lock(
    source: &Source,
    stack: &mut Stack,
    schema: &Schema,
    findings: &mut Findings,
) -> Option<Lock> {
    let Gathered { lockfile, own, .. } = gather(source, stack, schema, findings)?;
    let (path, pins) = (lockfile.path().to_owned(), lockfile.into_pins());
    let mut images: BTreeSet<_> =
        asked(stack, schema, &own).into_iter().map(|(image, _)| image).collect();
    // What stands somewhere by its digest needs no pin, but may have one that says the same.
    let given = own.given.iter().filter_map(|one| {
        let image = ImageReference::from_parts(&one.name, one.tag.as_ref()?)?;
        pins.contains_key(&image).then_some(image)
    });
    images.extend(given);
    Some(Lock { environment: stack.name.clone(), path, images, pins })
}

/// Writes a lockfile: sorted by image, and equal for equal pins.
#[must_use]
pub fn lockfile_text(pins: &Pins) -> String {
    let mut text = format!("{PREFACE}version = {LOCKFILE_VERSION}\n");
    for Image { name, tag, digest, size, platforms } in pins.values() {
        let lines = [("name", name), ("tag", tag), ("digest", &digest.to_string())];
        text.push_str("\n[[image]]\n");
        text.extend(lines.map(|(key, value)| format!("{key} = {}\n", quoted(value))));
        if let Some(size) = size {
            let _ = writeln!(text, "size = {size}");
        }
        if !platforms.is_empty() {
            text.push_str("[image.platforms]\n");
        }
        for (platform, digest) in platforms {
            let _ = writeln!(text, "{} = \"{digest}\"", quoted(platform));
        }
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}
