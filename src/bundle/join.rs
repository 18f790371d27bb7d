//! Joins a delta with the bundle that has what it leaves out.

use std::io::{self, Read, Seek, Write};

use crate::{
    blob_source::{BlobSource, StoredBlobs},
    contents::Contents,
    digest::Digest,
    error::{BundleError, ImageError},
    images::StoredImages,
    open::Bundle,
    pack::pack_thick,
    walk::Step,
};

/// Writes the full bundle that `delta` was made of, byte for byte.
///
/// Each bundle comes with the file that it was read from. Statement, signatures and release are those
/// of the delta. Any bundle that holds the blobs does for `base`: every byte is checked again against
/// the release of the delta.
///
/// # Errors
/// Fails when one of the two holds no images, when `base` lacks what the delta leaves out, and as
/// [`pack_thick`] does. What was written until then is no bundle.
pub fn join<B: Read + Seek, D: Read + Seek, W: Write>(
    (base, base_file): (&Bundle, B),
    (delta, delta_file): (&Bundle, D),
    out: W,
) -> Result<W, BundleError> {
    let (held, images) = (images_of(base)?, images_of(delta)?);
    let contents = images.contents();
    if let Some(wanted) = contents.base {
        let is_missing = |digest: &&Digest| held.stored(**digest).is_none();
        let missing: Vec<_> = contents.absent.iter().filter(is_missing).copied().collect();
        if !missing.is_empty() {
            let release = base.release().id();
            return Err(ImageError::NotTheBase { release, base: wanted, missing }.into());
        }
    }
    let full = Contents::full(contents.platforms.clone());
    let mut blobs = Either(StoredBlobs::new(images, delta_file), StoredBlobs::new(held, base_file));
    pack_thick(out, delta.attestation(), delta.release(), &full, &mut blobs)
}

fn images_of(bundle: &Bundle) -> Result<&StoredImages, ImageError> {
    let release = bundle.release().id();
    bundle.images().ok_or(ImageError::NoImages { release })
}

/// Blobs of the first bundle that has them.
struct Either<'a, A, B>(StoredBlobs<'a, A>, StoredBlobs<'a, B>);

impl<A: Read + Seek, B: Read + Seek> BlobSource for Either<'_, A, B> {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        if self.0.has(step.digest) { self.0.open(step) } else { self.1.open(step) }
    }
}
