//! `diff A B`: show in what two releases differ, each a bundle file or a release that the cluster
//! holds. Nothing is asked of a cluster when both are files.

use std::{io, path::Path, process::ExitCode};

use a4co_bundle::{
    Bundle, FieldChange, Image, ImageDifference, ObjectDifference, ObjectRef, image_differences,
    object_differences,
};
use a4co_cluster::SiteRelease;
use clap::Args;
use serde::Serialize;

use super::{
    bundle_file,
    global::{Format, GlobalArgs},
    output::{self, Style},
    problem::Problem,
    selection::SelectionArgs,
};

/// Show in which objects, fields and images two releases differ
///
/// Each of the two is a bundle file, or the id of a release that the cluster holds or its first
/// digits, as `history` shows them. A file is taken where both exist: write ./NAME or sha256:ID to be
/// sure. With two files, no cluster is needed.
///
/// What tells only into which namespace a release goes is no difference.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// Old release: a bundle file, or a release id
    #[arg(value_name = "A")]
    old: String,
    /// New release: a bundle file, or a release id
    #[arg(value_name = "B")]
    new: String,
    /// Exit with 5 when they differ
    #[arg(long)]
    exit_code: bool,
    #[command(flatten)]
    selection: SelectionArgs,
}

const DIFFERENT: u8 = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown<'a> {
    schema: u32,
    command: &'static str,
    old: String,
    old_overlay: Option<String>,
    new: String,
    new_overlay: Option<String>,
    added: Vec<&'a ObjectRef>,
    removed: Vec<&'a ObjectRef>,
    changed: Vec<Changed<'a>>,
    images: Vec<ChangedImage<'a>>,
}

#[derive(Serialize)]
struct Changed<'a> {
    object: &'a ObjectRef,
    fields: &'a [FieldChange],
}

#[derive(Serialize)]
struct ChangedImage<'a> {
    name: &'a str,
    old: Option<ShownImage<'a>>,
    new: Option<ShownImage<'a>>,
}

#[derive(Serialize)]
struct ShownImage<'a> {
    tag: &'a str,
    digest: String,
}

/// What a person names.
enum Named<'a> {
    File(Box<Bundle>),
    Stored(&'a str),
}

impl DiffArgs {
    pub(crate) async fn run(self, global: &GlobalArgs) -> Result<ExitCode, Problem> {
        let (old, new) = self.read(global).await?;
        let (objects, images) =
            (object_differences(&old, &new), image_differences(old.config(), new.config()));
        match global.output {
            Format::Json => print_json(&old, &new, &objects, &images)?,
            Format::Text => {
                print_text(&old, &new, &objects, &images, Style::for_results(global.color))?;
            }
        }
        let differs = old.edition() != new.edition();
        Ok(if self.exit_code && differs { ExitCode::from(DIFFERENT) } else { ExitCode::SUCCESS })
    }

    /// Reads both: files first, and then from the cluster what is left.
    async fn read(&self, global: &GlobalArgs) -> Result<(SiteRelease, SiteRelease), Problem> {
        let (old, new) = (open(&self.old, global)?, open(&self.new, global)?);
        let plain = |bundle: &Bundle| SiteRelease::plain(bundle.release().clone());
        if let (Named::File(old), Named::File(new)) = (&old, &new) {
            return Ok((plain(old), plain(new)));
        }
        let client = global.client().await?;
        let place = self.selection.place(&client).await?;
        let stored = async |prefix| a4co_cluster::stored_release(&client, &place, prefix).await;
        // A file is taken as it would be applied where the other one was.
        let beside = |bundle: &Bundle, other: &SiteRelease| {
            let release = SiteRelease::new(bundle.release().clone(), other.overlay().cloned());
            release.map_err(a4co_cluster::Refusal::Overlay)
        };
        Ok(match (old, new) {
            (Named::Stored(old), Named::Stored(new)) => (stored(old).await?, stored(new).await?),
            (Named::File(old), Named::Stored(new)) => {
                let new = stored(new).await?;
                (beside(&old, &new)?, new)
            }
            (Named::Stored(old), Named::File(new)) => {
                let old = stored(old).await?;
                let new = beside(&new, &old)?;
                (old, new)
            }
            (Named::File(old), Named::File(new)) => (plain(&old), plain(&new)),
        })
    }
}

/// Opens what `text` names if it is a file.
fn open<'a>(text: &'a str, global: &GlobalArgs) -> Result<Named<'a>, Problem> {
    let digits = text.strip_prefix("sha256:").unwrap_or(text);
    let is_id = !digits.is_empty() && digits.chars().all(|digit| digit.is_ascii_hexdigit());
    let path = Path::new(text);
    match (path.exists(), is_id) {
        (true, _) => Ok(Named::File(Box::new(bundle_file::open(path, global)?))),
        (false, true) => Ok(Named::Stored(text)),
        (false, false) => Err(Problem::refused(
            &format!("`{text}` is neither a file nor a release id"),
            "give a bundle file, or the first digits of a release that `a4co-apply history` shows",
        )),
    }
}

fn print_json(
    old: &SiteRelease,
    new: &SiteRelease,
    objects: &[ObjectDifference<'_>],
    images: &[ImageDifference<'_>],
) -> io::Result<()> {
    let changed = objects.iter().filter_map(|ObjectDifference { old, new, fields, .. }| {
        old.and(*new).map(|object| Changed { object, fields })
    });
    let overlay = |of: &SiteRelease| of.edition().overlay.map(|digest| digest.to_string());
    output::print_json(&Shown {
        schema: 1,
        command: "diff",
        old: old.id().to_string(),
        old_overlay: overlay(old),
        new: new.id().to_string(),
        new_overlay: overlay(new),
        added: objects.iter().filter(|d| d.old.is_none()).filter_map(|d| d.new).collect(),
        removed: objects.iter().filter(|d| d.new.is_none()).filter_map(|d| d.old).collect(),
        changed: changed.collect(),
        images: images
            .iter()
            .map(|ImageDifference { old, new }| ChangedImage {
                name: old.or(*new).map_or("", |image| &image.name),
                old: old.map(show_image),
                new: new.map(show_image),
            })
            .collect(),
    })
}

fn show_image(image: &Image) -> ShownImage<'_> {
    ShownImage { tag: &image.tag, digest: image.digest.to_string() }
}

fn print_text(
    old: &SiteRelease,
    new: &SiteRelease,
    objects: &[ObjectDifference<'_>],
    images: &[ImageDifference<'_>],
    style: Style,
) -> io::Result<()> {
    if old.edition() == new.edition() {
        return output::print(&format!("both are release {}", old.edition().short()));
    }
    for (which, release) in [("old", old), ("new", new)] {
        let config = release.config();
        let (app, environment, version) = (&config.app, &config.environment, &config.version);
        let id = release.edition().short();
        output::print(&format!("{which}  {id}  {app}/{environment} {version}"))?;
    }
    for ObjectDifference { name, old, new, fields } in objects {
        output::print(&match (old, new) {
            (None, _) => style.green(&format!("+ {name}")),
            (_, None) => style.red(&format!("- {name}")),
            _ => style.yellow(&format!("~ {name}")),
        })?;
        fields.iter().try_for_each(|field| output::print(&format!("    {field}")))?;
    }
    for difference in images {
        output::print(&image_line(difference))?;
    }
    if objects.is_empty() && images.is_empty() {
        output::print("all objects and images are equal; the configs of the releases differ")?;
    }
    Ok(())
}

fn image_line(ImageDifference { old, new }: &ImageDifference<'_>) -> String {
    let name = old.or(*new).map_or("", |image| &image.name);
    let shown = |image: Option<&Image>| {
        image.map_or("none".to_owned(), |image| format!("{} ({})", image.tag, image.digest))
    };
    format!("image {name}: {} → {}", shown(*old), shown(*new))
}
