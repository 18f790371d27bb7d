//! Writes a bundle.

use std::io::Write;

use crate::{
    archive::ArchiveWriter,
    attestation::Attestation,
    error::BundleError,
    manifest::{OCI_LAYOUT, index_json},
    names,
    release::Release,
    statement::Statement,
};

/// Writes the bundle of `release` to `out`.
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
    Statement::from_bytes(&attestation.statement)?.check(release)?;
    let mut archive = ArchiveWriter::new(out)?;
    attestation.write(&mut archive)?;
    archive.write(&names::blob(release.id().digest()), release.manifest())?;
    archive.write(&names::blob_of(release.config_bytes()), release.config_bytes())?;
    for object in release.objects() {
        archive.write(&names::blob(object.digest()), object.bytes())?;
    }
    let size = release.manifest().len() as u64;
    archive.write(names::INDEX, &index_json(release.id(), size)?)?;
    archive.write(names::OCI_LAYOUT, OCI_LAYOUT)?;
    Ok(archive.finish()?)
}
