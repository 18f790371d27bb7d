//! A release as one site has it: with its pinned references at the registries of the site.

use std::{fmt, sync::Arc};

use a4co_bundle::{
    Digest, Image, Object, Overlay, Release, ReleaseConfig, ReleaseError, ReleaseId, Side,
};

/// Which registries a command is to have images come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum OverlayChoice {
    /// Those that are in force: by the site overlay of the committed release, if it has one.
    #[default]
    Keep,
    /// Those of this site overlay.
    Use(Overlay),
    /// Those that the release names.
    Drop,
}

/// A release and the site overlay that it is applied with: what a place has, or shall have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edition {
    /// The release.
    pub release: ReleaseId,
    /// Digest of the site overlay; `None` without one.
    pub overlay: Option<Digest>,
}

/// A release as one site has it.
///
/// Its objects are those that are applied; id and config are the release's own. Everything that looks
/// at a cluster looks at this, so that no part of it can take the objects without the overlay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteRelease(Arc<Inner>);

#[derive(Debug, PartialEq, Eq)]
struct Inner {
    release: Release,
    site: Option<Site>,
}

#[derive(Debug, PartialEq, Eq)]
struct Site {
    overlay: Overlay,
    digest: Digest,
    objects: Vec<Object>,
}

impl SiteRelease {
    /// Applies `overlay` to `release`.
    ///
    /// # Errors
    /// Fails when an object becomes larger than an object may be.
    pub fn new(release: Release, overlay: Option<Overlay>) -> Result<Self, ReleaseError> {
        let rewrite = |overlay: Overlay| {
            let (digest, objects) = (overlay.digest(), overlay.rewrite(&release)?);
            Ok::<_, ReleaseError>(Site { overlay, digest, objects })
        };
        let site = overlay.map(rewrite).transpose()?;
        Ok(Self(Arc::new(Inner { release, site })))
    }

    /// Takes `release` as it is.
    #[must_use]
    pub fn plain(release: Release) -> Self {
        Self(Arc::new(Inner { release, site: None }))
    }

    /// Returns the release id, which no overlay changes.
    #[must_use]
    pub fn id(&self) -> ReleaseId {
        self.0.release.id()
    }

    /// Returns the release and the overlay by their digests.
    #[must_use]
    pub fn edition(&self) -> Edition {
        let overlay = self.0.site.as_ref().map(|site| site.digest);
        Edition { release: self.id(), overlay }
    }

    /// Returns the site overlay.
    #[must_use]
    pub fn overlay(&self) -> Option<&Overlay> {
        self.0.site.as_ref().map(|site| &site.overlay)
    }

    /// Returns the config of the release; its images have the names that the release gives them.
    #[must_use]
    pub fn config(&self) -> &ReleaseConfig {
        self.0.release.config()
    }

    /// Returns the objects by wave and reference, as they are applied.
    #[must_use]
    pub fn objects(&self) -> &[Object] {
        self.0.site.as_ref().map_or_else(|| self.0.release.objects(), |site| &site.objects)
    }

    /// Returns the images with the names by which nodes pull them.
    pub fn images(&self) -> impl Iterator<Item = Image> {
        let renamed = |image: &Image| {
            let name = self.overlay().and_then(|overlay| overlay.rename(&image.name));
            Image { name: name.unwrap_or_else(|| image.name.clone()), ..image.clone() }
        };
        self.config().images.iter().map(renamed)
    }

    /// Returns the id of the set whose members the objects are.
    #[must_use]
    pub fn applyset(&self) -> String {
        self.0.release.applyset()
    }
}

impl<'a> From<&'a SiteRelease> for Side<'a> {
    fn from(release: &'a SiteRelease) -> Self {
        Self { namespace: &release.config().namespace, objects: release.objects() }
    }
}

impl Edition {
    /// Returns the first digits of both, as people write and read them: `1a2b3c4d5e6f+77aa88bb99cc`.
    #[must_use]
    pub fn short(self) -> String {
        let overlay = self.overlay.map(|overlay| format!("+{}", overlay.short()));
        self.release.short() + &overlay.unwrap_or_default()
    }
}

impl From<ReleaseId> for Edition {
    fn from(release: ReleaseId) -> Self {
        Self { release, overlay: None }
    }
}

impl fmt::Display for Edition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.short())
    }
}
