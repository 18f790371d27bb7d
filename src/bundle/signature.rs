//! Detached signatures in OpenSSH's format, as `ssh-keygen -Y sign` makes and checks them.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha512};
use thiserror::Error;

use crate::{
    key::{ParseKeyError, VerifyingKey},
    ssh,
};

const BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
const END: &str = "-----END SSH SIGNATURE-----";
const LINE_LENGTH: usize = 70;

/// What a signature is for. A signature made for one purpose is worthless for any other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Over a statement.
    Release,
    /// Over a trust file.
    Trust,
    /// Over the list of what travels with a bundle.
    Kit,
}

impl Purpose {
    /// Returns the SSHSIG namespace, the `-n` of `ssh-keygen -Y`.
    #[must_use]
    pub fn namespace(self) -> &'static str {
        match self {
            Self::Release => "a4co-release@v1",
            Self::Trust => "a4co-trust@v1",
            Self::Kit => "a4co-kit@v1",
        }
    }
}

/// A well-formed signature; whether it is any good, [`Signature::verify`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    purpose: Purpose,
    key: VerifyingKey,
    bytes: [u8; 64],
}

impl Signature {
    /// Returns the bytes that a signer signs with Ed25519 (RFC 8032, pure) for `message`.
    #[must_use]
    pub fn signed_data(purpose: Purpose, message: &[u8]) -> Vec<u8> {
        ssh::signed_data(purpose.namespace(), &Sha512::digest(message).into())
    }

    /// Takes a signature that `key` made over [`Self::signed_data`].
    #[must_use]
    pub fn new(purpose: Purpose, key: VerifyingKey, bytes: [u8; 64]) -> Self {
        Self { purpose, key, bytes }
    }

    /// Reads an armored signature made for `purpose`.
    ///
    /// # Errors
    /// Fails unless the text is exactly what `ssh-keygen -Y sign` writes for an Ed25519 key, this
    /// purpose's namespace and SHA-512.
    pub fn from_armored(purpose: Purpose, text: &[u8]) -> Result<Self, ParseSignatureError> {
        let text = str::from_utf8(text).map_err(|_| ParseSignatureError::Armor)?;
        let body = text.strip_prefix(BEGIN).and_then(|rest| rest.trim_end().strip_suffix(END));
        let base64: String = body.ok_or(ParseSignatureError::Armor)?.split('\n').collect();
        let blob = STANDARD.decode(base64).map_err(|_| ParseSignatureError::Armor)?;
        let (key, bytes) = ssh::parse_signature(purpose.namespace(), &blob)
            .ok_or(ParseSignatureError::Form { namespace: purpose.namespace() })?;
        let signature = Self { purpose, key: VerifyingKey::from_bytes(&key)?, bytes };
        if signature.to_armored() != text {
            return Err(ParseSignatureError::Armor);
        }
        Ok(signature)
    }

    /// Returns the text that `ssh-keygen -Y verify` reads.
    #[must_use]
    pub fn to_armored(&self) -> String {
        let blob = ssh::signature(self.purpose.namespace(), &self.key.to_bytes(), &self.bytes);
        let base64 = STANDARD.encode(blob);
        let mut text = format!("{BEGIN}\n");
        for line in base64.as_bytes().chunks(LINE_LENGTH) {
            text.extend(line.iter().map(|byte| char::from(*byte)));
            text.push('\n');
        }
        text + END + "\n"
    }

    /// Returns what the signature is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        self.purpose
    }

    /// Returns the key that the signature says made it. Nothing is proven by that.
    #[must_use]
    pub fn claimed_key(&self) -> VerifyingKey {
        self.key
    }

    /// Returns the key that made this signature over `message`, if one did.
    #[must_use]
    pub fn verify(&self, message: &[u8]) -> Option<VerifyingKey> {
        let signed = Self::signed_data(self.purpose, message);
        self.key.has_signed(&signed, &self.bytes).then_some(self.key)
    }
}

/// Why bytes are not a signature that this code accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ParseSignatureError {
    /// The text around the signature is not as OpenSSH writes it.
    #[error("not an armored SSH signature as `ssh-keygen -Y sign` writes it")]
    Armor,
    /// Another algorithm, hash or namespace.
    #[error("not an ssh-ed25519 signature with SHA-512 for the namespace `{namespace}`")]
    Form {
        /// Namespace that was wanted.
        namespace: &'static str,
    },
    /// The public key in the signature is unusable.
    #[error("the signature's public key is unusable")]
    Key(#[from] ParseKeyError),
}
