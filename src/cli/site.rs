//! Where images come from: the site overlay that a person gives.

use std::{
    io::Read as _,
    path::{Path, PathBuf},
};

use a4co_bundle::{Bundle, MAX_OVERLAY_BYTES, Overlay, OverlayError, Release};
use a4co_cluster::OverlayChoice;
use clap::Args;

use super::problem::Problem;

/// Where images come from. Without one of these, the site overlay stays that is in force.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SiteArgs {
    /// Site overlay: a JSON file that says which registry takes the place of which
    /// [default: the one in force]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["registry", "no_site"])]
    site: Option<PathBuf>,
    /// Take images of the registry FROM from TO instead, or all images from TO; may be repeated
    #[arg(long, value_name = "FROM=TO|TO", conflicts_with = "no_site")]
    registry: Vec<String>,
    /// Take images from the registries that the release names, and drop the site overlay
    #[arg(long)]
    no_site: bool,
}

impl SiteArgs {
    /// Returns whether anything was given.
    pub(crate) fn is_given(&self) -> bool {
        self.site.is_some() || !self.registry.is_empty() || self.no_site
    }

    /// Reads what was given, for the release of `bundle`.
    pub(crate) fn choice(&self, bundle: &Bundle) -> Result<OverlayChoice, Problem> {
        let release = bundle.release();
        let overlay = match &self.site {
            Some(path) => Some(read(path).and_then(|bytes| {
                Overlay::from_json(&bytes).map_err(|error| {
                    let what = format!("the site overlay `{}` is refused", path.display());
                    Problem::overlay(what, error, FORM)
                })
            })?),
            None => self.registries(release).map_err(|error| {
                Problem::overlay("`--registry` is refused".to_owned(), error, REGISTRY)
            })?,
        };
        let Some(overlay) = overlay else {
            return Ok(if self.no_site { OverlayChoice::Drop } else { OverlayChoice::Keep });
        };
        overlay.check_fits(release).map_err(|error| {
            let what = "the site overlay does not fit the release".to_owned();
            Problem::overlay(what, error, "name registries of the release; look for a misspelling")
        })?;
        Ok(OverlayChoice::Use(overlay))
    }

    /// Makes the overlay that `--registry` describes.
    fn registries(&self, release: &Release) -> Result<Option<Overlay>, OverlayError> {
        if self.registry.is_empty() {
            return Ok(None);
        }
        let mut pairs = Vec::new();
        for given in &self.registry {
            if let Some((from, to)) = given.split_once('=') {
                pairs.push((from.to_owned(), to.to_owned()));
            } else {
                pairs.extend(Overlay::for_all(given, release.config())?.registries().clone());
            }
        }
        Overlay::new(pairs).map(Some)
    }
}

/// Reads no more of a file than an overlay may have.
fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let file = fs_err::File::open(path).map_err(Problem::unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_OVERLAY_BYTES + 1).read_to_end(&mut bytes).map_err(Problem::unreadable)?;
    Ok(bytes)
}

const FORM: &str = r#"its form is {"schema":1,"registries":{"docker.io":"registry.site:5000"}}"#;
const REGISTRY: &str =
    "give `--registry docker.io=registry.site:5000`, or one registry for all images";
