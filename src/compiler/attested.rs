//! Who signed a release: with keys that are here, and in files that were written before.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use a4co_bundle::{Attestation, BundleError, Purpose, Signature, UnverifiedBundle, VerifyingKey};
use fs_err as fs;

use crate::{publish::PublishError, sign::SigningKey};

/// A statement with its signatures, and where they come from.
#[derive(Clone, Debug)]
pub struct Attested {
    /// Statement, signatures and trust chain. Each key has one signature, in the order of the keys, so
    /// that who signed first makes no difference.
    pub attestation: Attestation,
    /// Keys that sign now.
    pub signing: BTreeSet<VerifyingKey>,
    /// Other keys, whose signatures were there.
    pub kept: BTreeSet<VerifyingKey>,
    /// Keys that have signed another statement about the same release, and not this one.
    pub outdated: BTreeSet<VerifyingKey>,
}

impl Attested {
    /// Signs `statement` with `keys`.
    #[must_use]
    pub fn new(statement: Vec<u8>, keys: &[SigningKey]) -> Self {
        let signatures = keys.iter().map(|key| key.sign(Purpose::Release, &statement)).collect();
        let signing = keys.iter().map(SigningKey::verifying_key).collect();
        let attestation = Attestation { statement, signatures, trust: Vec::new() };
        let (kept, outdated) = (BTreeSet::new(), BTreeSet::new());
        let mut attested = Self { attestation, signing, kept, outdated };
        attested.add(&[]);
        attested
    }

    /// Adds the signatures of `found` that hold for this statement, and its trust chain.
    pub fn keep(&mut self, found: &Attestation) {
        let statement = &self.attestation.statement;
        if found.statement == *statement {
            if found.trust.len() > self.attestation.trust.len() {
                self.attestation.trust.clone_from(&found.trust);
            }
            self.add(&found.signatures);
        } else {
            let keys = found.signatures.iter().filter_map(|it| it.verify(&found.statement));
            self.outdated.extend(keys);
        }
        self.outdated.retain(|key| !self.signing.contains(key) && !self.kept.contains(key));
    }

    fn add(&mut self, more: &[Signature]) {
        let Attestation { statement, signatures, .. } = &mut self.attestation;
        let mut all = BTreeMap::new();
        for signature in signatures.iter().chain(more) {
            if let Some(key) = signature.verify(statement) {
                all.entry(key).or_insert_with(|| signature.clone());
            }
        }
        self.kept = all.keys().filter(|key| !self.signing.contains(key)).copied().collect();
        *signatures = all.into_values().collect();
    }
}

/// Reads statement, signatures and trust chain of the bundle at `path`, and nothing behind them.
///
/// # Errors
/// Fails when the file cannot be read, or is no bundle as far as it is read.
pub fn attestation_of(path: &Path) -> Result<Attestation, PublishError> {
    let file = fs::File::open(path)?;
    let read = UnverifiedBundle::open(file).and_then(UnverifiedBundle::attestation);
    read.map_err(|source: BundleError| PublishError::Unreadable { path: path.to_owned(), source })
}
