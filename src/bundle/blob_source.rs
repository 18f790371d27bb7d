//! Where the blobs of images come from when a bundle is written.

use std::{
    collections::BTreeMap,
    io::{self, ErrorKind, Read, Seek},
};

use crate::{blob_reader::BlobReader, digest::Digest, images::StoredImages, walk::Step};

/// Gives the bytes of blobs, in the order of a walk.
///
/// Nothing that a source gives is believed: size and digest are checked while it is written.
pub trait BlobSource {
    /// Opens the blob that `step` needs.
    ///
    /// # Errors
    /// Fails when the blob is not there or cannot be read.
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>>;
}

/// Blobs in memory; for small images, as tests have them.
impl BlobSource for BTreeMap<Digest, Vec<u8>> {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        match self.get(&step.digest) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(ErrorKind::NotFound.into()),
        }
    }
}

/// The blobs of a bundle: to write it again with other signatures, or to take from it what another
/// one leaves out.
#[derive(Debug)]
pub struct StoredBlobs<'a, R> {
    images: &'a StoredImages,
    file: R,
}

impl<'a, R: Read + Seek> StoredBlobs<'a, R> {
    /// Takes the blobs of `file`, the bundle that was read as `images`.
    pub fn new(images: &'a StoredImages, file: R) -> Self {
        Self { images, file }
    }

    /// Returns whether the blob lies in this file.
    pub(crate) fn has(&self, digest: Digest) -> bool {
        self.images.stored(digest).is_some()
    }
}

impl<R: Read + Seek> BlobSource for StoredBlobs<'_, R> {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        match self.images.stored(step.digest) {
            Some(blob) => Ok(Box::new(BlobReader::whole(&mut self.file, &blob)?)),
            None => Err(ErrorKind::NotFound.into()),
        }
    }
}
