//! Small releases and keys to test with.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "shared by several tests, none of which uses all of it"
)]

pub mod hostile;
pub mod images;
pub mod tools;

use a4co_bundle::{
    Attestation, CONFIG_SCHEMA, PART_OF_LABEL, Purpose, Release, ReleaseConfig, Requirements, Role,
    Roles, Signature, SignedTrust, Statement, TrustAnchor, TrustFile, VerifyingKey, applyset_id,
    pack,
};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

pub const APP: &str = "shop";
pub const NAMESPACE: &str = "shop-test";

/// A key pair that is the same in every run.
pub struct Key(SigningKey);

impl Key {
    pub fn number(number: u8) -> Self {
        Self(SigningKey::from_bytes(&[number; 32]))
    }

    pub fn public(&self) -> VerifyingKey {
        VerifyingKey::from_bytes(self.0.verifying_key().as_bytes()).unwrap()
    }

    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Signature {
        let signed = Signature::signed_data(purpose, message);
        Signature::new(purpose, self.public(), self.0.sign(&signed).to_bytes())
    }
}

pub fn config() -> ReleaseConfig {
    ReleaseConfig {
        schema: CONFIG_SCHEMA,
        app: APP.to_owned(),
        environment: "test".to_owned(),
        version: "1.2.3".parse().unwrap(),
        namespace: NAMESPACE.to_owned(),
        images: Vec::new(),
        requirements: Requirements::default(),
        readiness: Vec::new(),
        keep: Vec::new(),
        notes: Vec::new(),
    }
}

pub fn config_map(name: &str, text: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": { PART_OF_LABEL: applyset_id(APP, NAMESPACE) },
        },
        "data": { "text": text },
    })
}

pub fn release() -> Release {
    Release::new(config(), vec![(2, config_map("b", "two")), (2, config_map("a", "one"))]).unwrap()
}

pub fn statement(release: &Release) -> Vec<u8> {
    Statement::new(release, Vec::new(), 0).to_bytes().unwrap()
}

pub fn attestation(release: &Release, keys: &[&Key], trust: Vec<SignedTrust>) -> Attestation {
    let statement = statement(release);
    let signatures = keys.iter().map(|key| key.sign(Purpose::Release, &statement)).collect();
    Attestation { statement, signatures, trust }
}

pub fn bundle(release: &Release, keys: &[&Key]) -> Vec<u8> {
    pack(Vec::new(), &attestation(release, keys, Vec::new()), release).unwrap()
}

pub fn trust_file(version: u64, threshold: usize, keys: &[&Key]) -> TrustFile {
    let role = Role { keys: keys.iter().map(|key| key.public()).collect(), threshold };
    TrustFile {
        version,
        roles: Roles { release: role.clone(), root: role },
        ..TrustFile::first([])
    }
}

pub fn anchor(file: &TrustFile) -> TrustAnchor {
    TrustAnchor::from_file(&file.to_bytes().unwrap()).unwrap()
}

/// Everything that an error says, from the outside in.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}
