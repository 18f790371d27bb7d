//! The images of a verified bundle, read from its file by many at once.

use std::io::{self, Read, Seek};

use a4co_bundle::{BlobReader, Digest, Image, StoredBlob, StoredImages};

use crate::content::Content;

/// The file of a bundle. A clone reads the same bytes at a place of its own.
pub trait SharedFile: Read + Seek + Clone + Send + Sync + 'static {}

impl<R: Read + Seek + Clone + Send + Sync + 'static> SharedFile for R {}

/// The images that a verified bundle holds.
#[derive(Clone, Debug)]
pub struct HeldImages<R> {
    images: Vec<Image>,
    stored: StoredImages,
    file: R,
}

impl<R: SharedFile> HeldImages<R> {
    /// Takes the `images` of a release as far as its bundle holds them, which is `stored`, and the
    /// `file` of the bundle, which was verified.
    #[must_use]
    pub fn new(images: &[Image], stored: &StoredImages, file: R) -> Self {
        Self { images: images.to_vec(), stored: stored.clone(), file }
    }

    /// Returns the images of the release, in its order.
    #[must_use]
    pub fn images(&self) -> &[Image] {
        &self.images
    }

    /// Returns what is held of them.
    #[must_use]
    pub fn stored(&self) -> &StoredImages {
        &self.stored
    }

    /// Returns a blob as something to be sent; nothing if it is not held.
    pub(crate) fn content(&self, digest: Digest) -> Option<HeldBlob<R>> {
        let blob = self.stored.stored(digest)?;
        Some(HeldBlob { file: self.file.clone(), blob })
    }
}

/// A blob that lies in the file of a bundle.
#[derive(Clone, Debug)]
pub(crate) struct HeldBlob<R> {
    file: R,
    blob: StoredBlob,
}

impl<R: SharedFile> HeldBlob<R> {
    /// Opens all of it; whoever comes to its end has read what its digest says.
    pub(crate) fn whole(self) -> io::Result<BlobReader<R>> {
        BlobReader::whole(self.file, &self.blob)
    }

    /// Opens a part of it.
    pub(crate) fn part(self, range: std::ops::Range<u64>) -> io::Result<BlobReader<R>> {
        BlobReader::part(self.file, &self.blob, range)
    }

    /// Reads all of it. For indexes and manifests: the format bounds their size.
    pub(crate) fn read(self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.whole()?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    pub(crate) fn size(&self) -> u64 {
        self.blob.size
    }

    pub(crate) fn media_type(&self) -> &str {
        &self.blob.media_type
    }
}

impl<R: SharedFile> Content for HeldBlob<R> {
    fn open(&self, offset: u64) -> io::Result<Box<dyn Read + Send>> {
        let size = self.blob.size;
        Ok(Box::new(BlobReader::part(self.file.clone(), &self.blob, offset..size)?))
    }
}
