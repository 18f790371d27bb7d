//! SHA-256 digests, the only identity that bytes have in a bundle.

use std::{fmt, io, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use thiserror::Error;

/// Hexadecimal digits.
const DIGITS: [u8; 16] = *b"0123456789abcdef";

/// A SHA-256 digest, written `sha256:` and 64 lower-case hexadecimal digits as in the OCI image
/// specification.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// Computes the digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Returns the 64 hexadecimal digits without the algorithm.
    #[must_use]
    pub fn to_hex(self) -> String {
        // Formatting byte by byte was a twentieth of what an upgrade takes.
        let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
        self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }

    /// Returns the first 12 hexadecimal digits, the form shown to people.
    #[must_use]
    pub fn short(self) -> String {
        let mut hex = self.to_hex();
        hex.truncate(12);
        hex
    }

    /// Returns whether `prefix` abbreviates this digest, with or without `sha256:` in front.
    #[must_use]
    pub fn starts_with(self, prefix: &str) -> bool {
        let prefix = prefix.strip_prefix("sha256:").unwrap_or(prefix);
        self.to_hex().starts_with(&prefix.to_ascii_lowercase())
    }

    /// Returns the raw 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Computes the digest of what is written to it.
#[derive(Clone, Debug, Default)]
pub struct Digester(Sha256);

impl Digester {
    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Returns the digest of everything that was written.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

impl io::Write for Digester {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("sha256:{}", self.to_hex()))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let hex = text.strip_prefix("sha256:").ok_or(ParseDigestError::Algorithm)?;
        decode_hex(hex).map(Self).ok_or(ParseDigestError::Hex)
    }
}

/// Why a text is not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseDigestError {
    /// Something other than `sha256:` stands in front.
    #[error("a digest starts with `sha256:`")]
    Algorithm,
    /// Not exactly 64 lower-case hexadecimal digits.
    #[error("a sha256 digest has exactly 64 lower-case hexadecimal digits")]
    Hex,
}

fn decode_hex(hex: &str) -> Option<[u8; 32]> {
    let (pairs, []) = hex.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let mut bytes = [0; 32];
    if pairs.len() != bytes.len() {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = hex_value(*high)? << 4 | hex_value(*low)?;
    }
    Some(bytes)
}

fn hex_value(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// The identity of a release: the digest of its manifest's bytes.
///
/// Neither signatures nor the archive around it change it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReleaseId(Digest);

impl ReleaseId {
    /// Computes the id of the release whose manifest is `manifest`.
    #[must_use]
    pub fn of(manifest: &[u8]) -> Self {
        Self(Digest::of(manifest))
    }

    /// Returns the digest of the manifest.
    #[must_use]
    pub fn digest(self) -> Digest {
        self.0
    }

    /// Returns the first 12 hexadecimal digits, the form shown to people.
    #[must_use]
    pub fn short(self) -> String {
        self.0.short()
    }

    /// Returns whether `prefix` abbreviates this id, with or without `sha256:` in front.
    #[must_use]
    pub fn starts_with(self, prefix: &str) -> bool {
        self.0.starts_with(prefix)
    }
}

impl From<Digest> for ReleaseId {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ReleaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ReleaseId {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

macro_rules! serde_as_string {
    ($($name:ty),+) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )+};
}
pub(crate) use serde_as_string;

serde_as_string!(Digest, ReleaseId);

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_digest_prints_as_it_parses() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(EMPTY.parse::<Digest>().unwrap(), Digest::of(b""));
    }

    #[test]
    fn only_the_one_spelling_of_a_digest_parses() {
        for (case, text, error) in [
            ("no algorithm", EMPTY[7..].to_owned(), ParseDigestError::Algorithm),
            ("another algorithm", EMPTY.replace("256", "512"), ParseDigestError::Algorithm),
            ("upper-case digits", EMPTY.replace('e', "E"), ParseDigestError::Hex),
            ("one digit short", EMPTY[..70].to_owned(), ParseDigestError::Hex),
            ("one digit too many", format!("{EMPTY}0"), ParseDigestError::Hex),
            ("a letter beyond f", EMPTY.replace('c', "g"), ParseDigestError::Hex),
            ("a multi-byte letter", format!("{}é", &EMPTY[..69]), ParseDigestError::Hex),
        ] {
            assert_eq!(text.parse::<Digest>(), Err(error), "{case}");
        }
    }

    #[test]
    fn a_prefix_abbreviates_with_or_without_the_algorithm() {
        let id = ReleaseId::of(b"");
        assert_eq!(id.short(), "e3b0c44298fc");
        for prefix in ["", "e3b0", "E3B0", "sha256:e3b0", EMPTY] {
            assert!(id.starts_with(prefix), "{prefix}");
        }
        assert!(!id.starts_with("f"));
    }
}
