//! Public keys of signers, in the form that OpenSSH writes them.

use std::{fmt, str::FromStr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, VerifyingKey as Ed25519Key};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::{digest::serde_as_string, ssh};

/// An Ed25519 public key, written `ssh-ed25519 AAAA…` as in an `allowed_signers` file.
///
/// Equality is that of the 32 bytes, so one key counts once however it is commented.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(Ed25519Key);

impl VerifyingKey {
    /// Takes the 32 bytes of a public key (RFC 8032).
    ///
    /// # Errors
    /// Fails when they do not encode a curve point, or encode one of the few weak points that would accept
    /// signatures nobody made.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, ParseKeyError> {
        let key = Ed25519Key::from_bytes(bytes).map_err(|_| ParseKeyError::NotAPoint)?;
        if key.is_weak() {
            return Err(ParseKeyError::Weak);
        }
        // Some points have a second spelling (RFC 8032 §5.1.3 refuses it); a key must not count
        // twice.
        if key.to_edwards().compress().to_bytes() != *bytes {
            return Err(ParseKeyError::NotAPoint);
        }
        Ok(Self(key))
    }

    /// Returns the 32 bytes of the key.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 32] {
        self.0.to_bytes()
    }

    /// Returns the fingerprint as `ssh-keygen -l` prints it, `SHA256:…`.
    #[must_use]
    pub fn fingerprint(self) -> String {
        let blob = ssh::public_key(&self.to_bytes());
        let hash = base64::engine::general_purpose::STANDARD_NO_PAD.encode(Sha256::digest(blob));
        format!("SHA256:{hash}")
    }

    /// Returns whether `signature` over `message` was made by this key.
    pub(crate) fn has_signed(self, message: &[u8], signature: &[u8; 64]) -> bool {
        self.0.verify_strict(message, &Signature::from_bytes(signature)).is_ok()
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.to_bytes().cmp(&other.to_bytes())
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", ssh::KEY_TYPE, STANDARD.encode(ssh::public_key(&self.to_bytes())))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifyingKey {
    type Err = ParseKeyError;

    /// Parses the first two words of an OpenSSH public key line; a comment may follow.
    fn from_str(line: &str) -> Result<Self, Self::Err> {
        let mut words = line.split_ascii_whitespace();
        if words.next() != Some(ssh::KEY_TYPE) {
            return Err(ParseKeyError::KeyType);
        }
        let blob = STANDARD.decode(words.next().unwrap_or_default());
        let blob = blob.map_err(|_| ParseKeyError::Encoding)?;
        let bytes = ssh::parse_public_key(&blob).ok_or(ParseKeyError::Encoding)?;
        Self::from_bytes(&bytes)
    }
}

serde_as_string!(VerifyingKey);

/// Why a text is not a usable public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseKeyError {
    /// Another algorithm, or no public key at all.
    #[error("a public key is a line `ssh-ed25519 AAAA…`")]
    KeyType,
    /// The second word is not the base64 of an Ed25519 key.
    #[error("the key after `ssh-ed25519` is damaged")]
    Encoding,
    /// Not a point of the curve, or not in its one encoding.
    #[error("the key does not encode a point of the curve")]
    NotAPoint,
    /// A weak point.
    #[error("the key is one of the weak points that accept signatures nobody made")]
    Weak,
}
