//! `a4co diff`

use std::{path::PathBuf, process::ExitCode};

use a4co_bundle::{FieldChange, ObjectDifference, Release, object_differences};
use serde::Serialize;

use crate::{
    arguments::{CHANGES, Format},
    bundle_file,
    failure::Failure,
    output,
};

/// Show in which objects and fields two bundles differ
#[derive(Debug, clap::Args)]
pub(crate) struct DiffArguments {
    /// The one bundle
    old: PathBuf,
    /// The other bundle
    new: PathBuf,
    /// Exit with 5 if the bundles differ
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
        Ok(if differs && self.exit_code { ExitCode::from(CHANGES) } else { ExitCode::SUCCESS })
    }
}

fn difference(old: &Release, new: &Release) -> Difference {
    let (mut added, mut removed, mut changed) = (Vec::new(), Vec::new(), Vec::new());
    for ObjectDifference { name, old, new, fields } in object_differences(old, new) {
        match (old, new) {
            (None, _) => added.push(name),
            (_, None) => removed.push(name),
            _ => changed.push(Changed { object: name, fields }),
        }
    }
    Difference { old: old.id().to_string(), new: new.id().to_string(), added, removed, changed }
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
