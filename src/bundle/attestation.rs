//! What is said about a release, by whom, and why to believe them: everything before the release.

use std::io::{Read, Write};

use crate::{
    archive::{ArchiveReader, ArchiveWriter},
    error::{ArchiveError, BundleError, TrustError},
    limits::{
        MAX_SIGNATURE_BYTES, MAX_SIGNATURES, MAX_STATEMENT_BYTES, MAX_TRUST_BYTES, MAX_TRUST_FILES,
    },
    names,
    signature::{ParseSignatureError, Purpose, Signature},
};

/// A version of a trust file as a bundle carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTrust {
    /// Bytes of the trust file.
    pub bytes: Vec<u8>,
    /// Signatures over it.
    pub signatures: Vec<Signature>,
}

/// Everything of a bundle but the release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Bytes of the statement.
    pub statement: Vec<u8>,
    /// Signatures over it; none makes an unsigned bundle, which nobody applies.
    pub signatures: Vec<Signature>,
    /// The chain of trust files from version 1 on, without a gap; may be empty.
    pub trust: Vec<SignedTrust>,
}

impl Attestation {
    pub(crate) fn write<W: Write>(
        &self,
        archive: &mut ArchiveWriter<W>,
    ) -> Result<(), BundleError> {
        write_bounded(archive, names::STATEMENT, &self.statement, MAX_STATEMENT_BYTES)?;
        write_signatures(archive, Purpose::Release, &self.signatures, names::signature)?;
        check_count(names::ANY_TRUST, self.trust.len(), MAX_TRUST_FILES)?;
        for (index, trust) in self.trust.iter().enumerate() {
            write_bounded(archive, &names::trust(index), &trust.bytes, MAX_TRUST_BYTES)?;
            write_signatures(archive, Purpose::Trust, &trust.signatures, |number| {
                names::trust_signature(index, number)
            })?;
        }
        Ok(())
    }
}

fn write_bounded<W: Write>(
    archive: &mut ArchiveWriter<W>,
    name: &str,
    bytes: &[u8],
    limit: u64,
) -> Result<(), ArchiveError> {
    check_size(name, bytes.len() as u64, limit)?;
    archive.write(name, bytes)
}

fn write_signatures<W: Write>(
    archive: &mut ArchiveWriter<W>,
    purpose: Purpose,
    signatures: &[Signature],
    name: impl Fn(usize) -> String,
) -> Result<(), BundleError> {
    check_count(names::ANY_SIGNATURE, signatures.len(), MAX_SIGNATURES)?;
    for (index, signature) in signatures.iter().enumerate() {
        let entry = name(index);
        if signature.purpose() != purpose {
            let namespace = purpose.namespace();
            let source = ParseSignatureError::Form { namespace };
            return Err(TrustError::Signature { entry, source }.into());
        }
        archive.write(&entry, signature.to_armored().as_bytes())?;
    }
    Ok(())
}

/// The attestation as it stands in the file: bounded, and not interpreted in any way.
pub(crate) struct RawAttestation {
    statement: Vec<u8>,
    signatures: Vec<Vec<u8>>,
    trust: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
}

impl RawAttestation {
    pub(crate) fn read<R: Read>(archive: &mut ArchiveReader<R>) -> Result<Self, ArchiveError> {
        let size = archive.require(names::STATEMENT)?;
        check_size(names::STATEMENT, size, MAX_STATEMENT_BYTES)?;
        let statement = archive.read(names::STATEMENT, size)?;
        let signatures = read_signatures(archive, names::signature)?;
        let mut trust = Vec::new();
        loop {
            let index = trust.len();
            let Some(bytes) = read_bounded(archive, &names::trust(index), MAX_TRUST_BYTES)? else {
                break;
            };
            check_count(names::ANY_TRUST, index + 1, MAX_TRUST_FILES)?;
            let name = |number| names::trust_signature(index, number);
            trust.push((bytes, read_signatures(archive, name)?));
        }
        archive.expect(names::BLOBS, "the release manifest")?;
        Ok(Self { statement, signatures, trust })
    }

    /// Parses the signatures, and nothing that they are over.
    pub(crate) fn parse(self) -> Result<Attestation, TrustError> {
        let signatures = parse_signatures(Purpose::Release, &self.signatures, names::signature)?;
        let trust = self.trust.into_iter().enumerate();
        let trust = trust.map(|(index, (bytes, signatures))| {
            let name = |number| names::trust_signature(index, number);
            let signatures = parse_signatures(Purpose::Trust, &signatures, name)?;
            Ok(SignedTrust { bytes, signatures })
        });
        Ok(Attestation {
            statement: self.statement,
            signatures,
            trust: trust.collect::<Result<_, TrustError>>()?,
        })
    }
}

/// Reads an entry if it comes next.
fn read_bounded<R: Read>(
    archive: &mut ArchiveReader<R>,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, ArchiveError> {
    let Some(size) = archive.next_is(name)? else {
        return Ok(None);
    };
    check_size(name, size, limit)?;
    archive.read(name, size).map(Some)
}

fn read_signatures<R: Read>(
    archive: &mut ArchiveReader<R>,
    name: impl Fn(usize) -> String,
) -> Result<Vec<Vec<u8>>, ArchiveError> {
    let mut signatures = Vec::new();
    while let Some(bytes) = read_bounded(archive, &name(signatures.len()), MAX_SIGNATURE_BYTES)? {
        check_count(names::ANY_SIGNATURE, signatures.len() + 1, MAX_SIGNATURES)?;
        signatures.push(bytes);
    }
    Ok(signatures)
}

fn parse_signatures(
    purpose: Purpose,
    texts: &[Vec<u8>],
    name: impl Fn(usize) -> String,
) -> Result<Vec<Signature>, TrustError> {
    let parse = |(number, text): (usize, &Vec<u8>)| {
        Signature::from_armored(purpose, text).map_err(|source| {
            let entry = name(number);
            TrustError::Signature { entry, source }
        })
    };
    texts.iter().enumerate().map(parse).collect()
}

pub(crate) fn check_size(entry: &str, size: u64, limit: u64) -> Result<(), ArchiveError> {
    if size <= limit {
        return Ok(());
    }
    let entry = entry.to_owned();
    Err(ArchiveError::TooLarge { entry, size, limit })
}

fn check_count(what: &'static str, count: usize, limit: usize) -> Result<(), ArchiveError> {
    if count <= limit {
        return Ok(());
    }
    Err(ArchiveError::TooMany { what, limit })
}
