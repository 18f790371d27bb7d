//! Lays patches over objects.

use std::collections::BTreeMap;

use a4co_bundle::{Image, PART_OF_LABEL};
use serde_json::{Map, Value};

use super::{ManifestProblem, pin, secret_value};
use crate::{
    environment::patch::{Patch, Target},
    finding::Findings,
    image::ImageReference,
    layers::Stack,
    member::Member,
    render::{MANAGED_BY, PART_OF},
};

/// What a patch may not change: it makes an object another one, or none of the release.
const IDENTITY: [&str; 4] = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];

/// Applies every patch to the member that it is for. What cannot be done is reported.
pub(crate) fn apply(
    stack: &Stack,
    patches: &[Patch],
    pins: &BTreeMap<ImageReference, Image>,
    members: &mut [Member],
    findings: &mut Findings,
) {
    for (position, patch) in patches.iter().enumerate() {
        let position = position.to_string();
        let place =
            |path: &[&str]| stack.tree.place_of(&[&["patches", position.as_str()], path].concat());
        let member = match target(&patch.target, members) {
            Ok(member) => member,
            Err(problem) => {
                findings.add(place(&["target", "name"]), problem);
                continue;
            }
        };
        let before = member.manifest.clone();
        let target = member.title();
        if let Err((part, problem)) = change(&mut member.manifest, patch, pins, &target) {
            findings.add(place(&part), problem);
        } else if member.manifest == before {
            findings.add(place(&["target"]), ManifestProblem::Unchanged { target });
        } else if let Some(field) = changed_identity(&before, &member.manifest) {
            findings.add(place(&["target"]), ManifestProblem::Identity { field, target });
        } else if secret_value::is_in(&member.manifest) && !secret_value::is_in(&before) {
            findings.add(place(&["target"]), ManifestProblem::SecretValue { object: target });
        }
        member.patch = Some(place(&["target", "name"]));
    }
}

/// Finds the one member that `target` names.
fn target<'a>(
    target: &Target,
    members: &'a mut [Member],
) -> Result<&'a mut Member, ManifestProblem> {
    let is_target = |member: &Member| {
        let api_version = target.api_version.as_deref();
        let namespace = target.namespace.as_ref().map(AsRef::as_ref);
        member.kind() == target.kind
            && member.name() == target.name.as_ref()
            && api_version.is_none_or(|wanted| wanted == member.api_version())
            && namespace.is_none_or(|wanted: &str| wanted == member.namespace())
    };
    match members.iter().filter(|member| is_target(member)).count() {
        0 => Err(nothing(target, members)),
        1 => {
            members.iter_mut().find(|member| is_target(member)).ok_or_else(|| nothing(target, &[]))
        }
        _ => Err(ManifestProblem::ManyTargets { target: title(target) }),
    }
}

fn title(target: &Target) -> String {
    format!("{}/{}", target.kind, target.name)
}

/// Says that no member is `target`: none has its kind and name, or those that do are elsewhere.
fn nothing(target: &Target, members: &[Member]) -> ManifestProblem {
    let same_kind = || members.iter().filter(|member| member.kind() == target.kind);
    let same_name: Vec<_> =
        same_kind().filter(|member| member.name() == target.name.as_ref()).collect();
    if same_name.is_empty() {
        let known = same_kind().map(Member::title).collect();
        return ManifestProblem::NoTarget { target: title(target), known };
    }
    let place = |member: &Member| match member.namespace() {
        "" => format!("of `{}`", member.api_version()),
        namespace => format!("of `{}` in namespace `{namespace}`", member.api_version()),
    };
    let known = same_name.into_iter().map(place).collect();
    ManifestProblem::TargetElsewhere { target: title(target), known }
}

/// Changes `manifest` as `patch` says. An error comes with where it is in the patch.
fn change<'a>(
    manifest: &mut Value,
    patch: &'a Patch,
    pins: &BTreeMap<ImageReference, Image>,
    title: &str,
) -> Result<(), (Vec<&'a str>, ManifestProblem)> {
    let no_value = |pointer: &str| ManifestProblem::NoValue {
        target: title.to_owned(),
        pointer: pointer.to_owned(),
    };
    let mut merged = patch.merge.0.clone();
    pin(&mut merged, &patch.not_images, pins);
    merge(manifest, merged);
    for (pointer, value) in &patch.set {
        let mut value = value.0.clone();
        pin(&mut value, &patch.not_images, pins);
        let pointer = pointer.as_ref();
        set(manifest, pointer, value).ok_or_else(|| (vec!["set", pointer], no_value(pointer)))?;
    }
    for pointer in &patch.remove {
        let pointer = pointer.as_ref();
        remove(manifest, pointer).ok_or_else(|| (vec!["remove"], no_value(pointer)))?;
    }
    Ok(())
}

/// Lays `over` on `value` (RFC 7386).
fn merge(value: &mut Value, over: Value) {
    let Value::Object(over) = over else {
        *value = over;
        return;
    };
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    if let Value::Object(fields) = value {
        for (key, over) in over {
            merge(fields.entry(key).or_insert(Value::Null), over);
        }
    }
}

/// Splits a pointer into that of what is around, and the last key.
fn split(pointer: &str) -> Option<(&str, String)> {
    let (around, key) = pointer.rsplit_once('/')?;
    Some((around, key.replace("~1", "/").replace("~0", "~")))
}

fn set(manifest: &mut Value, pointer: &str, value: Value) -> Option<()> {
    let (around, key) = split(pointer)?;
    match manifest.pointer_mut(around)? {
        Value::Object(fields) => drop(fields.insert(key, value)),
        Value::Array(items) if key == "-" => items.push(value),
        Value::Array(items) => *items.get_mut(key.parse::<usize>().ok()?)? = value,
        _ => return None,
    }
    Some(())
}

fn remove(manifest: &mut Value, pointer: &str) -> Option<()> {
    let (around, key) = split(pointer)?;
    match manifest.pointer_mut(around)? {
        Value::Object(fields) => drop(fields.remove(&key)?),
        Value::Array(items) => {
            let position = key.parse::<usize>().ok().filter(|position| *position < items.len())?;
            items.remove(position);
        }
        _ => return None,
    }
    Some(())
}

/// Returns the first part of what an object is that differs.
fn changed_identity(before: &Value, after: &Value) -> Option<String> {
    let label = |name: &str| format!("/metadata/labels/{}", name.replace('/', "~1"));
    let labels = [MANAGED_BY, PART_OF, PART_OF_LABEL].map(label);
    let pointers = IDENTITY.into_iter().map(str::to_owned).chain(labels);
    pointers.into_iter().find(|pointer| before.pointer(pointer) != after.pointer(pointer))
}
