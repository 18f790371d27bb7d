//! Reads a bundle: first what is said about it, then whether to believe that, then the rest.
//!
//! Before the signatures are checked, nothing but headers is interpreted. After it, the whole rest
//! of the file is known in advance: the statement names the manifest, the manifest everything else.

use std::{
    collections::BTreeSet,
    fmt,
    io::{Read, Write},
};

use crate::{
    archive::ArchiveReader,
    attestation::{Attestation, RawAttestation, check_size},
    config::ReleaseConfig,
    contents::Contents,
    digest::Digest,
    error::{ArchiveError, BundleError, ReleaseError, TrustError},
    images::StoredImages,
    key::VerifyingKey,
    labels,
    limits::{MAX_CONTENTS_BYTES, MAX_IMAGE_DOCUMENT_BYTES, MAX_MANIFEST_BYTES},
    manifest::{Blob, Listed, Manifest, OCI_LAYOUT, index_json},
    names,
    object::Object,
    release::Release,
    statement::Statement,
    text::Difference,
    trust::{Trust, TrustAnchor},
    walk::{ImageWalk, Step},
};

/// A bundle of which only the attestation was read, and nothing is believed.
pub struct UnverifiedBundle<R> {
    archive: ArchiveReader<R>,
    attestation: RawAttestation,
}

/// A bundle whose signatures hold and whose every byte was checked.
#[derive(Clone, Debug)]
pub struct Bundle {
    statement: Statement,
    attestation: Attestation,
    signers: BTreeSet<VerifyingKey>,
    trust: Trust,
    release: Release,
    images: Option<StoredImages>,
    size: u64,
}

/// A bundle that is whole, but that nobody vouches for. It can be looked at, never applied.
#[derive(Clone, Debug)]
pub struct UntrustedBundle {
    /// What the statement says.
    pub statement: Statement,
    /// Statement, signatures and trust chain as they stand in the file.
    pub attestation: Attestation,
    /// The release.
    pub release: Release,
    /// The images that the file holds, if it is thick.
    pub images: Option<StoredImages>,
}

impl<R: Read> UnverifiedBundle<R> {
    /// Reads the attestation, which stands first in the file.
    ///
    /// Reads 128 KiB at a time, so `source` needs no buffer; may read beyond the end of the bundle,
    /// after which nothing may stand anyway.
    ///
    /// # Errors
    /// Fails when the file is not a bundle or is damaged so far.
    pub fn open(source: R) -> Result<Self, BundleError> {
        let mut archive = ArchiveReader::new(source)?;
        let attestation = RawAttestation::read(&mut archive);
        let attestation = attestation.map_err(|error| tell_damage(error, &mut archive))?;
        Ok(Self { archive, attestation })
    }

    /// Returns what is said about the release and by whom, and reads no further.
    ///
    /// # Errors
    /// Fails when a signature is malformed.
    pub fn attestation(self) -> Result<Attestation, BundleError> {
        Ok(self.attestation.parse()?)
    }

    /// Checks the signatures against `anchor`, then reads and checks everything else.
    ///
    /// # Errors
    /// Fails when the bundle is not trusted, or when any byte of it is not as it must be.
    pub fn verify(mut self, anchor: &TrustAnchor) -> Result<Bundle, BundleError> {
        let verified = verify(self.attestation, &mut self.archive, anchor);
        verified.map_err(|error| tell_damage(error, &mut self.archive))
    }

    /// Reads and checks everything but the signatures.
    ///
    /// # Errors
    /// Fails when any byte of the bundle is not as it must be.
    pub fn inspect(mut self) -> Result<UntrustedBundle, BundleError> {
        let inspected = inspect(self.attestation, &mut self.archive);
        inspected.map_err(|error| tell_damage(error, &mut self.archive))
    }
}

impl<R> fmt::Debug for UnverifiedBundle<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnverifiedBundle").finish_non_exhaustive()
    }
}

impl Bundle {
    /// Returns what the signers state.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Returns statement, signatures and trust chain as they stand in the file.
    #[must_use]
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// Returns the trusted keys that signed.
    #[must_use]
    pub fn signers(&self) -> &BTreeSet<VerifyingKey> {
        &self.signers
    }

    /// Returns the newest trust file that the anchor and the bundle's chain lead to.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Returns the release.
    #[must_use]
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Returns the images that the file holds, if it is thick.
    #[must_use]
    pub fn images(&self) -> Option<&StoredImages> {
        self.images.as_ref()
    }

    /// Returns whether the file holds images, be it only what a delta needs of them.
    #[must_use]
    pub fn is_thick(&self) -> bool {
        self.images.is_some()
    }

    /// Returns the size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Writes the bundle to `out` again without images: the same release and attestation, byte for
    /// byte.
    ///
    /// # Errors
    /// Fails when `out` does.
    pub fn write_thin<W: Write>(&self, out: W) -> Result<W, BundleError> {
        crate::pack(out, &self.attestation, &self.release)
    }
}

fn verify<R: Read>(
    attestation: RawAttestation,
    archive: &mut ArchiveReader<R>,
    anchor: &TrustAnchor,
) -> Result<Bundle, BundleError> {
    let attestation = attestation.parse()?;
    if attestation.signatures.is_empty() {
        return Err(TrustError::Unsigned.into());
    }
    let trust = anchor.follow(&attestation.trust)?;
    let (statement, signers) = trust.check(&attestation.statement, &attestation.signatures)?;
    let Contained { release, images, size } = read_release(archive, &statement)?;
    Ok(Bundle { statement, attestation, signers, trust, release, images, size })
}

fn inspect<R: Read>(
    attestation: RawAttestation,
    archive: &mut ArchiveReader<R>,
) -> Result<UntrustedBundle, BundleError> {
    let attestation = attestation.parse()?;
    let statement = Statement::from_bytes(&attestation.statement)?;
    let Contained { release, images, .. } = read_release(archive, &statement)?;
    Ok(UntrustedBundle { statement, attestation, release, images })
}

/// Tells whether what `error` found was written like this, or happened to the file on its way.
fn tell_damage<R: Read>(
    error: impl Into<BundleError>,
    archive: &mut ArchiveReader<R>,
) -> BundleError {
    let error = error.into();
    if error.is_about_content() && !archive.is_intact() {
        return BundleError::Damaged(Box::new(error));
    }
    error
}

/// What stands after the attestation, and the size of the file.
struct Contained {
    release: Release,
    images: Option<StoredImages>,
    size: u64,
}

/// Reads the rest of the file.
fn read_release<R: Read>(
    archive: &mut ArchiveReader<R>,
    statement: &Statement,
) -> Result<Contained, BundleError> {
    let manifest_blob = Blob { digest: statement.release.digest(), size: statement.manifest_size };
    check_size("the release manifest", manifest_blob.size, MAX_MANIFEST_BYTES)?;
    let manifest_bytes = read_blob(archive, "release manifest", manifest_blob)?;
    let manifest = Manifest::from_bytes(&manifest_bytes)?;
    let config_bytes = read_blob(archive, "release config", manifest.config)?;
    let mut bodies = Vec::with_capacity(manifest.objects.len());
    for Listed { object, blob, .. } in &manifest.objects {
        bodies.push(read_blob(archive, &object.to_string(), *blob)?);
    }
    let config = ReleaseConfig::from_bytes(&config_bytes)?;
    statement.check_config(&config)?;
    let mut wrong = None;
    let end = read_end(archive, statement, &config, &mut wrong);
    if let Some(wrong) = wrong {
        let is_damage = end.as_ref().is_err_and(BundleError::is_damage);
        let wrong = BundleError::Archive(wrong);
        return Err(if is_damage { BundleError::Damaged(Box::new(wrong)) } else { wrong });
    }
    let (images, size) = end?;
    let objects = parse_objects(&config, manifest, bodies)?;
    let release = Release::from_verified_parts(manifest_bytes, config, config_bytes, objects);
    Ok(Contained { release, images, size })
}

/// Reads what follows the objects, and returns the images and the size of the file. `wrong` becomes the
/// first config or layer of an image whose digest is wrong.
fn read_end<R: Read>(
    archive: &mut ArchiveReader<R>,
    statement: &Statement,
    config: &ReleaseConfig,
    wrong: &mut Option<ArchiveError>,
) -> Result<(Option<StoredImages>, u64), BundleError> {
    let images = read_images(archive, config, wrong)?;
    let index = index_json(statement.release, statement.manifest_size)?;
    read_fixed(archive, names::INDEX, &index)?;
    read_fixed(archive, names::OCI_LAYOUT, OCI_LAYOUT)?;
    Ok((images, archive.finish()?))
}

/// Reads the images, if there are any.
fn read_images<R: Read>(
    archive: &mut ArchiveReader<R>,
    config: &ReleaseConfig,
    wrong: &mut Option<ArchiveError>,
) -> Result<Option<StoredImages>, BundleError> {
    let Some(size) = archive.optional(names::CONTENTS, names::INDEX)? else {
        return Ok(None);
    };
    check_size(names::CONTENTS, size, MAX_CONTENTS_BYTES)?;
    let contents = Contents::from_bytes(&archive.read(names::CONTENTS, size)?)?;
    let mut walk = ImageWalk::new(&config.images, &contents);
    let read = read_blobs(archive, &mut walk, wrong);
    if read.is_err() {
        archive.read_on_by(walk.bytes_ahead());
    }
    let offsets = read?;
    let set = walk.finish()?;
    Ok(Some(StoredImages { contents, set, offsets }))
}

/// Reads the blobs of the images, and returns where each lies.
///
/// A config or layer with a wrong digest does not end the walk: what follows is known all the same, and
/// only the end of the file tells whether it was damaged.
fn read_blobs<R: Read>(
    archive: &mut ArchiveReader<R>,
    walk: &mut ImageWalk<'_>,
    wrong: &mut Option<ArchiveError>,
) -> Result<Vec<Option<u64>>, BundleError> {
    let mut offsets = Vec::new();
    while let Some(step) = walk.advance()? {
        let offset = (!step.is_absent).then(|| archive.content_offset());
        offsets.push(offset);
        if step.kind.is_document() {
            walk.learn(&read_document(archive, &step)?)?;
        } else if offset.is_some() {
            let size = step.size.unwrap_or(0);
            let computed = archive.digest(&names::blob(step.digest), size)?;
            if let Err(error) = check_digest(&step.image, step.digest, computed) {
                wrong.get_or_insert(error);
            }
        }
    }
    Ok(offsets)
}

/// Reads an index or a manifest of an image.
fn read_document<R: Read>(
    archive: &mut ArchiveReader<R>,
    step: &Step,
) -> Result<Vec<u8>, ArchiveError> {
    let size = match step.size {
        Some(size) => size,
        // Where the release does not pin it, the digest alone decides.
        None => archive.require(&names::blob(step.digest))?,
    };
    check_size(&step.image, size, MAX_IMAGE_DOCUMENT_BYTES)?;
    read_blob(archive, &step.image, Blob { digest: step.digest, size })
}

fn parse_objects(
    config: &ReleaseConfig,
    manifest: Manifest,
    bodies: Vec<Vec<u8>>,
) -> Result<Vec<Object>, ReleaseError> {
    let applyset = labels::applyset_id(&config.app, &config.namespace);
    let listed = manifest.objects.into_iter().zip(bodies);
    let objects = listed.map(|(Listed { wave, object, blob }, bytes)| {
        Object::from_verified_bytes(object, wave, blob.digest, bytes, &applyset)
    });
    objects.collect()
}

fn read_blob<R: Read>(
    archive: &mut ArchiveReader<R>,
    what: &str,
    blob: Blob,
) -> Result<Vec<u8>, ArchiveError> {
    let bytes = archive.read(&names::blob(blob.digest), blob.size)?;
    check_digest(what, blob.digest, Digest::of(&bytes))?;
    Ok(bytes)
}

fn check_digest(what: &str, expected: Digest, computed: Digest) -> Result<(), ArchiveError> {
    if computed == expected {
        return Ok(());
    }
    Err(ArchiveError::Digest { what: what.to_owned(), expected, computed })
}

fn read_fixed<R: Read>(
    archive: &mut ArchiveReader<R>,
    entry: &'static str,
    expected: &[u8],
) -> Result<(), ArchiveError> {
    let found = archive.read(entry, expected.len() as u64)?;
    let difference = Difference::between(&found, expected);
    difference.map_or(Ok(()), |difference| Err(ArchiveError::Content { entry, difference }))
}
