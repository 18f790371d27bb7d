//! Whose word counts: keys, thresholds, chains, revocations and floors.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be made has failed")]

#[path = "../kit/mod.rs"]
mod kit;

mod chain;
mod file;
mod releases;
mod signers;

use a4co_bundle::{
    Attestation, Bundle, BundleError, Purpose, Release, SignedTrust, Statement, TrustAnchor,
    TrustFile, UnverifiedBundle, pack,
};
use kit::{Key, trust_file};

/// What a case changes of a good bundle: one release, signed by key 1.
struct World {
    release: Release,
    anchor: TrustAnchor,
    attestation: Attestation,
}

impl World {
    fn new(anchor: &TrustFile, signers: &[u8]) -> Self {
        Self::with_chain(kit::anchor(anchor), signers, Vec::new())
    }

    fn with_chain(anchor: TrustAnchor, signers: &[u8], trust: Vec<SignedTrust>) -> Self {
        let release = kit::release();
        let keys: Vec<_> = signers.iter().map(|number| Key::number(*number)).collect();
        let attestation = kit::attestation(&release, &keys.iter().collect::<Vec<_>>(), trust);
        Self { release, anchor, attestation }
    }

    fn statement(mut self, statement: &Statement, signer: u8) -> Self {
        self.attestation.statement = statement.to_bytes().unwrap();
        let signature = Key::number(signer).sign(Purpose::Release, &self.attestation.statement);
        self.attestation.signatures = vec![signature];
        self
    }

    fn verify(self) -> Result<Bundle, BundleError> {
        let file = pack(Vec::new(), &self.attestation, &self.release).unwrap();
        UnverifiedBundle::open(file.as_slice())?.verify(&self.anchor)
    }
}

fn file(version: u64, threshold: usize, keys: &[u8]) -> TrustFile {
    let keys: Vec<_> = keys.iter().map(|number| Key::number(*number)).collect();
    trust_file(version, threshold, &keys.iter().collect::<Vec<_>>())
}

/// A file in which other keys are root than may sign releases.
fn roles(version: u64, root: &[u8], release: &[u8]) -> TrustFile {
    let mut made = file(version, 1, root);
    made.roles.release = file(version, 1, release).roles.release;
    made
}

fn check(cases: Vec<(&str, World, Result<u64, &str>)>) {
    for (case, world, expected) in cases {
        match (world.verify(), expected) {
            (Ok(bundle), Ok(version)) => {
                assert_eq!(bundle.trust().file().version, version, "{case}");
            }
            (Ok(_), Err(reason)) => panic!("{case}: accepted, not `{reason}`"),
            (Err(error), Ok(_)) => panic!("{case}: {}", kit::chain(&error)),
            (Err(error), Err(reason)) => {
                let message = kit::chain(&error);
                assert!(message.contains(reason), "{case}: {message}");
                assert!(!error.is_damage(), "{case}: {message}");
            }
        }
    }
}

fn revoking(mut file: TrustFile, key: u8) -> TrustFile {
    file.revoked_keys.insert(Key::number(key).public());
    file
}
