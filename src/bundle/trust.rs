//! Whose signatures count: from an anchor along a chain of trust files to the newest one.
//!
//! Trust files are signed and versioned by the root rule of TUF (specification 1.0, §5.3): version
//! N + 1 counts only when a threshold of the root keys of N *and* of its own root keys signed it. A
//! bundle carries the chain, so that a site which missed versions catches up without a network.

use std::collections::BTreeSet;

use crate::{
    attestation::SignedTrust,
    digest::Digest,
    error::TrustError,
    key::VerifyingKey,
    names,
    signature::Signature,
    statement::Statement,
    trust_file::{Duty, TrustFile},
};

/// Where trust begins: what the person who runs the command decided to believe.
#[derive(Clone, Debug)]
pub enum TrustAnchor {
    /// A trust file, given whole.
    File(Trust),
    /// The digest of a trust file, as a rule of version 1; the file itself comes with the bundle.
    Digest(Digest),
}

/// A trust file that is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    file: TrustFile,
}

impl TrustAnchor {
    /// Believes the trust file in `bytes`.
    ///
    /// # Errors
    /// Fails when it is not a usable trust file.
    pub fn from_file(bytes: &[u8]) -> Result<Self, TrustError> {
        // People end files with a newline; signers never see it.
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Ok(Self::File(Trust { file: TrustFile::from_bytes(bytes)? }))
    }

    /// Follows `chain`, which begins with version 1, from this anchor as far as it leads.
    ///
    /// A chain that does not pass through the anchor is another publisher's and leads nowhere; a
    /// chain that does must hold to its end.
    pub(crate) fn follow(&self, chain: &[SignedTrust]) -> Result<Trust, TrustError> {
        let mut trust = match self {
            Self::File(trust) if trust.is_in(chain)? => trust.clone(),
            Self::File(trust) => return Ok(trust.clone()),
            Self::Digest(anchor) => Trust::anchored(*anchor, chain)?,
        };
        while let Some(link) = chain.get(trust.next_position()) {
            let position = trust.next_position();
            trust = trust.next(link).map_err(|error| refused(position, error))?;
        }
        Ok(trust)
    }
}

fn refused(position: usize, error: TrustError) -> TrustError {
    TrustError::Link { entry: names::trust(position), source: Box::new(error) }
}

impl Trust {
    /// Returns the file.
    #[must_use]
    pub fn file(&self) -> &TrustFile {
        &self.file
    }

    /// Checks a release's signatures, and that neither revocation nor floor stands against it.
    pub(crate) fn check(
        &self,
        statement_bytes: &[u8],
        signatures: &[Signature],
    ) -> Result<(Statement, BTreeSet<VerifyingKey>), TrustError> {
        let signers = self.file.check_signers(Duty::Release, statement_bytes, signatures)?;
        let statement = Statement::from_bytes(statement_bytes)?;
        self.check_statement(&statement)?;
        Ok((statement, signers))
    }

    fn check_statement(&self, statement: &Statement) -> Result<(), TrustError> {
        let Statement { release, version, .. } = statement;
        if self.file.revoked_releases.contains(release) {
            return Err(TrustError::RevokedRelease { release: *release });
        }
        if self.file.version < statement.trust {
            return Err(TrustError::TooOld { have: self.file.version, need: statement.trust });
        }
        let target = format!("{}/{}", statement.app, statement.environment);
        match self.file.floors.get(&target) {
            Some(floor) if version.cmp_precedence(floor).is_lt() => Err(TrustError::BelowFloor {
                version: version.clone(),
                floor: floor.clone(),
                target,
            }),
            _ => Ok(()),
        }
    }

    /// Takes the file in `chain` that has the digest `anchor`.
    fn anchored(anchor: Digest, chain: &[SignedTrust]) -> Result<Self, TrustError> {
        let mut links = chain.iter().enumerate();
        let found = links.find(|(_, link)| Digest::of(&link.bytes) == anchor);
        let (position, link) = found.ok_or(TrustError::AnchorMissing { anchor })?;
        Self::at(position, link).map_err(|error| refused(position, error))
    }

    /// Takes the file at `position` of a chain, whose bytes are believed.
    fn at(position: usize, link: &SignedTrust) -> Result<Self, TrustError> {
        let trust = Self { file: TrustFile::from_bytes(&link.bytes)? };
        if trust.next_position() == position + 1 {
            return Ok(trust);
        }
        Err(TrustError::Version { found: trust.file.version, expected: "its name says another" })
    }

    /// Position of the version after this one; version 1 stands at 0.
    fn next_position(&self) -> usize {
        usize::try_from(self.file.version).unwrap_or(usize::MAX)
    }

    /// Returns whether `chain` has these very bytes where this version belongs.
    fn is_in(&self, chain: &[SignedTrust]) -> Result<bool, TrustError> {
        let bytes = self.file.to_bytes()?;
        let link = chain.get(self.next_position() - 1);
        Ok(link.is_some_and(|link| link.bytes == bytes))
    }

    /// Believes `link` as the version after this one if both its own and this file's root keys
    /// signed it. Nothing of it is parsed before this file's have.
    fn next(&self, link: &SignedTrust) -> Result<Self, TrustError> {
        let SignedTrust { bytes, signatures } = link;
        self.file.check_signers(Duty::Root, bytes, signatures)?;
        let next = Self::at(self.next_position(), link)?;
        next.file.check_signers(Duty::Root, bytes, signatures)?;
        Ok(next)
    }
}
