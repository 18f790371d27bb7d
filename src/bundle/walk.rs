//! The order in which the blobs of a release's images stand in a bundle.
//!
//! For each image of the release config, in its order: the root, then every manifest that it lists, in
//! the order of the index; after a manifest of the platforms asked for, its config and its layers.
//! What came before does not come again. Writer, reader and whoever fetches images walk by this code,
//! so they agree on what belongs there.

use std::{
    collections::{BTreeMap, VecDeque},
    io, slice,
};

use crate::{
    contents::Contents,
    digest::Digest,
    error::{DocumentError, ImageError},
    header::MAX_ENTRY_BYTES,
    image::Image,
    image_document::{Descriptor, ImageDocument, ImageIndex, ImageManifest, PlatformManifest},
    images::{BlobKind, ImageBlob, ImageSet, ListedManifest, ManifestParts},
    limits::{MAX_IMAGE_BLOBS, MAX_IMAGE_DOCUMENT_BYTES, MAX_IMAGE_DOCUMENTS_BYTES},
    platform::Platform,
};

/// The next blob of a walk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Image that needs it, as `name@digest`.
    pub image: String,
    /// Digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes. Not known only for a root whose size the release does not say, and then
    /// at most 4 MiB.
    pub size: Option<u64>,
    /// Its media type. Not known for a root, which says it itself.
    pub media_type: Option<String>,
    /// What it is. After a document, the walk must be told its bytes.
    pub kind: BlobKind,
    /// Whether the contents leave it out.
    pub is_absent: bool,
}

impl Step {
    /// The blob could not be read.
    pub(crate) fn unread(&self, source: io::Error) -> ImageError {
        ImageError::Source { image: self.image.clone(), digest: self.digest, source }
    }

    /// Another blob was read.
    pub(crate) fn other(&self, found: String) -> ImageError {
        ImageError::OtherBytes { image: self.image.clone(), digest: self.digest, found }
    }
}

/// A walk over the blobs of a release's images.
///
/// ```
/// # use a4co_bundle::{Contents, Image, ImageError, ImageSet, ImageWalk, Step};
/// # fn fetch(_: &Step) -> Vec<u8> { Vec::new() }
/// fn walk(images: &[Image], contents: &Contents) -> Result<ImageSet, ImageError> {
///     let mut walk = ImageWalk::new(images, contents);
///     while let Some(step) = walk.advance()? {
///         if step.kind.is_document() {
///             walk.learn(&fetch(&step))?;
///         }
///     }
///     walk.finish()
/// }
/// ```
#[derive(Debug)]
pub struct ImageWalk<'a> {
    images: slice::Iter<'a, Image>,
    contents: &'a Contents,
    /// The image under way.
    image: Option<&'a Image>,
    /// What it needs, in order.
    ahead: VecDeque<Ahead>,
    /// The document that was yielded last, until it is told, and whether its content is wanted.
    due: Option<(Step, bool)>,
    /// Manifests that are known, but whose config and layers nothing wanted so far.
    bare: BTreeMap<Digest, ImageManifest>,
    set: ImageSet,
    document_bytes: u64,
}

/// What a document says will come.
#[derive(Debug)]
struct Ahead {
    kind: BlobKind,
    descriptor: Descriptor,
    /// Whether it is to be followed by what it refers to.
    is_wanted: bool,
}

impl<'a> ImageWalk<'a> {
    /// Begins a walk over the images of a release config.
    #[must_use]
    pub fn new(images: &'a [Image], contents: &'a Contents) -> Self {
        Self {
            images: images.iter(),
            contents,
            image: None,
            ahead: VecDeque::new(),
            due: None,
            bare: BTreeMap::new(),
            set: ImageSet::default(),
            document_bytes: 0,
        }
    }

    /// Returns the next blob that is not yet known.
    ///
    /// # Errors
    /// Fails when documents contradict each other, when there is more than a reader accepts, or when
    /// the last document was not told.
    pub fn advance(&mut self) -> Result<Option<Step>, ImageError> {
        if let Some((due, _)) = &self.due {
            return Err(ImageError::NotGiven { digest: due.digest });
        }
        loop {
            if let Some(ahead) = self.ahead.pop_front() {
                if let Some(step) = self.content_or_manifest(ahead)? {
                    return Ok(Some(step));
                }
            } else if let Some(image) = self.images.next() {
                self.image = Some(image);
                if let Some(step) = self.root(image)? {
                    return Ok(Some(step));
                }
            } else {
                return Ok(None);
            }
        }
    }

    /// Tells the bytes of the document that [`Self::advance`] returned last.
    ///
    /// # Errors
    /// Fails when they are other bytes, or no document that can stand there.
    pub fn learn(&mut self, bytes: &[u8]) -> Result<(), ImageError> {
        let Some((step, is_wanted)) = self.due.take() else {
            return Ok(());
        };
        let Step { image, digest, size, kind, .. } = step;
        let found = bytes.len() as u64;
        check_size(&image, digest, size.unwrap_or(found), found)?;
        let computed = Digest::of(bytes);
        if computed != digest {
            let found = format!("its digest is {computed}");
            return Err(ImageError::OtherBytes { image, digest, found });
        }
        self.document_bytes += found;
        if self.document_bytes > MAX_IMAGE_DOCUMENTS_BYTES {
            let what = "bytes in indexes and manifests";
            return Err(ImageError::TooMany { what, limit: MAX_IMAGE_DOCUMENTS_BYTES });
        }
        let document = ImageDocument::from_bytes(bytes).map_err(|source| {
            let image = image.clone();
            ImageError::Document { image, digest, source }
        })?;
        let media_type = document.media_type().to_owned();
        self.record(ImageBlob { digest, size: found, media_type, kind, is_absent: false })?;
        match document {
            ImageDocument::Index(_) if kind == BlobKind::Manifest => {
                Err(ImageError::NestedIndex { image, digest })
            }
            ImageDocument::Index(index) => self.index(digest, index),
            ImageDocument::Manifest(manifest) => {
                self.manifest(digest, manifest, is_wanted);
                Ok(())
            }
        }
    }

    /// Returns the bytes of blobs that are known to follow; images of which no document was told may
    /// have more.
    pub(crate) fn bytes_ahead(&self) -> u64 {
        let is_absent = |it: &Ahead| self.contents.absent.contains(&it.descriptor.digest);
        let ahead = self.ahead.iter().filter(|it| !is_absent(it));
        ahead.fold(0, |sum, it| sum.saturating_add(it.descriptor.size))
    }

    /// Ends the walk after [`Self::advance`] returned nothing.
    ///
    /// # Errors
    /// Fails when the contents leave out what is not there to be left out, or name platforms though
    /// no image has an index to choose from.
    pub fn finish(self) -> Result<ImageSet, ImageError> {
        if !self.contents.platforms.is_empty() && self.set.indexes.is_empty() {
            let platforms = self.contents.platforms.iter().cloned().collect();
            return Err(ImageError::NoIndex { platforms });
        }
        let is_left_out = |digest: &Digest| self.set.blob(*digest).is_some_and(|it| it.is_absent);
        match self.contents.absent.iter().find(|digest| !is_left_out(digest)) {
            Some(digest) => Err(ImageError::NotOfTheImages { digest: *digest }),
            None => Ok(self.set),
        }
    }

    fn name(&self) -> String {
        self.image.map_or_else(String::new, Image::reference)
    }

    fn root(&mut self, image: &Image) -> Result<Option<Step>, ImageError> {
        let Image { digest, size, .. } = *image;
        if let Some(known) = self.set.blob(digest) {
            let name = image.reference();
            if !known.kind.is_document() {
                return Err(ImageError::TwoUses { image: name, digest });
            }
            check_size(&name, digest, size.unwrap_or(known.size), known.size)?;
            self.want(digest);
            return Ok(None);
        }
        let step = self.step(BlobKind::Root, digest, size, None)?;
        self.due = Some((step.clone(), true));
        Ok(Some(step))
    }

    fn content_or_manifest(&mut self, ahead: Ahead) -> Result<Option<Step>, ImageError> {
        let Ahead { kind, descriptor, is_wanted } = ahead;
        let Descriptor { media_type, digest, size } = descriptor;
        if let Some(known) = self.set.blob(digest) {
            let image = self.name();
            check_size(&image, digest, size, known.size)?;
            if known.kind.is_document() != kind.is_document() {
                return Err(ImageError::TwoUses { image, digest });
            }
            if self.set.indexes.contains_key(&digest) {
                return Err(ImageError::NestedIndex { image, digest });
            }
            if is_wanted {
                self.want(digest);
            }
            return Ok(None);
        }
        let step = self.step(kind, digest, Some(size), Some(media_type.clone()))?;
        if kind.is_document() {
            self.due = Some((step.clone(), is_wanted));
        } else {
            let is_absent = step.is_absent;
            self.record(ImageBlob { digest, size, media_type, kind, is_absent })?;
        }
        Ok(Some(step))
    }

    fn step(
        &self,
        kind: BlobKind,
        digest: Digest,
        size: Option<u64>,
        media_type: Option<String>,
    ) -> Result<Step, ImageError> {
        let image = self.name();
        if kind.is_document() {
            let (size, limit) = (size.unwrap_or(0), MAX_IMAGE_DOCUMENT_BYTES);
            if size > limit {
                let source = DocumentError::TooLarge { size, limit };
                return Err(ImageError::Document { image, digest, source });
            }
        } else if let Some(size) = size.filter(|size| *size > MAX_ENTRY_BYTES) {
            return Err(ImageError::BlobTooLarge { image, digest, size, limit: MAX_ENTRY_BYTES });
        }
        let is_absent = !kind.is_document() && self.contents.absent.contains(&digest);
        Ok(Step { image, digest, size, media_type, kind, is_absent })
    }

    fn record(&mut self, blob: ImageBlob) -> Result<(), ImageError> {
        if self.set.blobs.len() >= MAX_IMAGE_BLOBS {
            let limit = MAX_IMAGE_BLOBS as u64;
            return Err(ImageError::TooMany { what: "blobs", limit });
        }
        self.set.positions.insert(blob.digest, self.set.blobs.len());
        self.set.blobs.push(blob);
        Ok(())
    }

    fn index(&mut self, digest: Digest, index: ImageIndex) -> Result<(), ImageError> {
        let wanted = &self.contents.platforms;
        let platforms = || index.manifests.iter().filter_map(|it| it.platform.as_ref());
        if let Some(platform) = wanted.iter().find(|it| !platforms().any(|has| has == *it)) {
            let mut found: Vec<Platform> = platforms().cloned().collect();
            found.sort();
            found.dedup();
            let (image, platform) = (self.name(), platform.clone());
            return Err(ImageError::NoSuchPlatform { image, platform, found });
        }
        let mut manifests = Vec::with_capacity(index.manifests.len());
        for listed in index.manifests {
            let PlatformManifest { descriptor, platform } = listed;
            let is_here =
                wanted.is_empty() || platform.as_ref().is_some_and(|it| wanted.contains(it));
            manifests.push(ListedManifest { digest: descriptor.digest, platform, is_here });
            let kind = BlobKind::Manifest;
            self.ahead.push_back(Ahead { kind, descriptor, is_wanted: is_here });
        }
        self.set.indexes.insert(digest, manifests);
        Ok(())
    }

    fn manifest(&mut self, digest: Digest, manifest: ImageManifest, is_wanted: bool) {
        let layers: Vec<_> = manifest.layers.iter().map(|it| it.digest).collect();
        self.set.manifests.insert(digest, ManifestParts { config: manifest.config.digest, layers });
        self.bare.insert(digest, manifest);
        if is_wanted {
            self.want(digest);
        }
    }

    /// Config and layers of a manifest come before the manifest after it, if they are wanted there
    /// for the first time.
    fn want(&mut self, manifest: Digest) {
        let Some(ImageManifest { config, layers, .. }) = self.bare.remove(&manifest) else {
            return;
        };
        let layers = layers.into_iter().rev().map(|layer| (BlobKind::Layer, layer));
        for (kind, descriptor) in layers.chain([(BlobKind::Config, config)]) {
            self.ahead.push_front(Ahead { kind, descriptor, is_wanted: true });
        }
    }
}

fn check_size(image: &str, digest: Digest, stated: u64, found: u64) -> Result<(), ImageError> {
    if stated == found {
        return Ok(());
    }
    let image = image.to_owned();
    Err(ImageError::Size { image, digest, stated, found })
}
