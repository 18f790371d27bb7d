//! `a4co diff`

use std::{collections::BTreeMap, path::PathBuf, process::ExitCode};

use a4co_bundle::{FieldChange, PART_OF_LABEL, Release, field_changes};
use serde::Serialize;
use serde_json::Value;

use crate::{arguments::Format, bundle_file, failure::Failure, output};

/// Show in which objects and fields two bundles differ
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArguments {
    /// The one bundle
    old: PathBuf,
    /// The other bundle
    new: PathBuf,
    /// Exit with 1 if the bundles differ
    #[arg(long)]
    exit_code: bool,
}

/// The result as JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Difference {
    old: String,
    new: String,
    added: Vec<String>,
    removed: Vec<String>,
    changed: Vec<Changed>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Changed {
    object: String,
    fields: Vec<FieldChange>,
}

impl DiffArguments {
    pub(crate) fn run(self, format: Format) -> Result<ExitCode, Failure> {
        let old = bundle_file::inspect(&self.old)?.release;
        let new = bundle_file::inspect(&self.new)?.release;
        let difference = difference(&old, &new);
        match format {
            Format::Json => output::print_json("diff", &difference)?,
            Format::Text => output::print(&difference.to_text())?,
        }
        let differs = old.id() != new.id();
        Ok(ExitCode::from(u8::from(differs && self.exit_code)))
    }
}

fn difference(old: &Release, new: &Release) -> Difference {
    let (old_objects, new_objects) = (comparable(old), comparable(new));
    let only = |these: &BTreeMap<String, Value>, those: &BTreeMap<String, Value>| {
        let only = these.keys().filter(|name| !those.contains_key(*name));
        only.cloned().collect()
    };
    let changed = old_objects.iter().filter_map(|(name, old)| {
        let fields = field_changes(old, new_objects.get(name)?);
        (!fields.is_empty()).then(|| Changed { object: name.clone(), fields })
    });
    Difference {
        old: old.id().to_string(),
        new: new.id().to_string(),
        added: only(&new_objects, &old_objects),
        removed: only(&old_objects, &new_objects),
        changed: changed.collect(),
    }
}

/// Returns the objects by what they are, without what tells only into which namespace they go: so
/// staging can be compared with production.
fn comparable(release: &Release) -> BTreeMap<String, Value> {
    let namespace = &release.config().namespace;
    let objects = release.objects().iter().map(|object| {
        let reference = object.reference();
        let is_own = reference.namespace.as_ref() == Some(namespace);
        let is_namespace = reference.kind == "Namespace" && reference.name == *namespace;
        let name = match (is_own, is_namespace) {
            (true, _) => format!("{}/{}", reference.kind, reference.name),
            (_, true) => reference.kind.clone(),
            _ => reference.to_string(),
        };
        let mut manifest = object.manifest();
        let metadata = &mut manifest["metadata"];
        metadata["labels"][PART_OF_LABEL].take();
        if is_own {
            metadata["namespace"].take();
        }
        if is_namespace {
            metadata["name"].take();
        }
        (name, manifest)
    });
    objects.collect()
}

impl Difference {
    fn to_text(&self) -> String {
        if self.old == self.new {
            return format!("both are release {}\n", self.old);
        }
        let mut lines = vec![format!("old  {}", self.old), format!("new  {}", self.new)];
        lines.extend(self.removed.iter().map(|object| format!("- {object}")));
        lines.extend(self.added.iter().map(|object| format!("+ {object}")));
        for Changed { object, fields } in &self.changed {
            lines.push(format!("~ {object}"));
            lines.extend(fields.iter().map(|change| format!("    {change}")));
        }
        lines.join("\n") + "\n"
    }
}
