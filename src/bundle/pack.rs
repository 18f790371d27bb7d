//! Writes a bundle.

use std::io::{Read, Write};

use crate::{
    archive::ArchiveWriter,
    attestation::Attestation,
    blob_source::BlobSource,
    contents::Contents,
    digest::Digester,
    error::{BundleError, ImageError},
    limits::MAX_IMAGE_DOCUMENT_BYTES,
    manifest::{OCI_LAYOUT, index_json},
    names,
    release::Release,
    statement::Statement,
    walk::{ImageWalk, Step},
};

/// Bytes of a blob that are held at once.
const PIECE: usize = 128 << 10;

/// Writes the thin bundle of `release` to `out`.
///
/// Equal arguments give equal bytes. Whether the signatures are good is for the reader to find out;
/// everything else is checked, so that what was written can be read.
///
/// # Errors
/// Fails when `out` does, when the statement is not about this release, or when the attestation has
/// more than a reader accepts.
pub fn pack<W: Write>(
    out: W,
    attestation: &Attestation,
    release: &Release,
) -> Result<W, BundleError> {
    let archive = begin(out, attestation, release)?;
    end(archive, release)
}

/// Writes the thick bundle of `release` to `out`: the thin one and the blobs of its images, as far
/// as `contents` says.
///
/// Equal arguments give equal bytes, whatever `blobs` they are read from. Blobs pass in pieces;
/// size and digest of each are checked while it is written.
///
/// # Errors
/// Fails as [`pack`] does, and when a blob cannot be read, is another one, or does not fit a tar
/// header (8 GiB); when an index lacks a platform of `contents`; and when `contents` leave out what
/// is no config or layer of the images. What was written until then is no bundle.
pub fn pack_thick<W: Write>(
    out: W,
    attestation: &Attestation,
    release: &Release,
    contents: &Contents,
    blobs: &mut dyn BlobSource,
) -> Result<W, BundleError> {
    let mut archive = begin(out, attestation, release)?;
    archive.write(names::CONTENTS, &contents.to_bytes()?)?;
    let mut walk = ImageWalk::new(&release.config().images, contents);
    while let Some(step) = walk.advance()? {
        if step.kind.is_document() {
            let bytes = read_document(&step, blobs)?;
            walk.learn(&bytes)?;
            archive.write(&names::blob(step.digest), &bytes)?;
        } else if !step.is_absent {
            copy(&mut archive, &step, blobs)?;
        }
    }
    walk.finish()?;
    end(archive, release)
}

fn begin<W: Write>(
    out: W,
    attestation: &Attestation,
    release: &Release,
) -> Result<ArchiveWriter<W>, BundleError> {
    Statement::from_bytes(&attestation.statement)?.check(release)?;
    let mut archive = ArchiveWriter::new(out)?;
    attestation.write(&mut archive)?;
    archive.write(&names::blob(release.id().digest()), release.manifest())?;
    archive.write(&names::blob_of(release.config_bytes()), release.config_bytes())?;
    for object in release.objects() {
        archive.write(&names::blob(object.digest()), object.bytes())?;
    }
    Ok(archive)
}

fn end<W: Write>(mut archive: ArchiveWriter<W>, release: &Release) -> Result<W, BundleError> {
    let size = release.manifest().len() as u64;
    archive.write(names::INDEX, &index_json(release.id(), size)?)?;
    archive.write(names::OCI_LAYOUT, OCI_LAYOUT)?;
    Ok(archive.finish()?)
}

/// Reads an index or manifest, which the walk will check.
fn read_document(step: &Step, blobs: &mut dyn BlobSource) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let source = blobs.open(step).map_err(|source| step.unread(source))?;
    let most = step.size.unwrap_or(MAX_IMAGE_DOCUMENT_BYTES);
    let read = source.take(most + 1).read_to_end(&mut bytes);
    read.map_err(|source| step.unread(source))?;
    Ok(bytes)
}

/// Copies a config or layer of any size.
fn copy<W: Write>(
    archive: &mut ArchiveWriter<W>,
    step: &Step,
    blobs: &mut dyn BlobSource,
) -> Result<(), BundleError> {
    let size = step.size.unwrap_or(0);
    let mut source = blobs.open(step).map_err(|source| step.unread(source))?;
    archive.begin(&names::blob(step.digest), size)?;
    let (mut digester, mut left) = (Digester::default(), size);
    let mut buffer = vec![0; PIECE];
    loop {
        let count = match source.read(&mut buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            read => read.map_err(|source| step.unread(source))?,
        };
        let piece = &buffer[..count];
        left = match left.checked_sub(count as u64) {
            Some(0) if count == 0 => break,
            Some(left) if count > 0 => left,
            Some(left) => return Err(step.other(format!("it ends {left} bytes early")).into()),
            None => return Err(step.other(format!("it has more than {size} bytes")).into()),
        };
        digester.update(piece);
        archive.piece(piece)?;
    }
    let computed = digester.finish();
    if computed != step.digest {
        return Err(step.other(format!("its digest is {computed}")).into());
    }
    Ok(archive.end(size)?)
}
