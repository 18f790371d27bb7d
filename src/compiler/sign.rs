//! Signing keys: Ed25519, in the files that `ssh-keygen` makes.
//!
//! No error here says anything of a key but its path.

use std::{
    ffi::OsStr,
    fmt,
    path::{Path, PathBuf},
};

use a4co_bundle::{Purpose, Signature, VerifyingKey};
use fs_err as fs;
use ssh_key::{Algorithm, HashAlg, PrivateKey};
use thiserror::Error;

/// Environment variable that names the files of signing keys, separated as in `PATH`.
pub const SIGNING_KEY_VARIABLE: &str = "A4CO_SIGNING_KEY";

/// A private key that signs.
pub struct SigningKey {
    key: PrivateKey,
    verifying_key: VerifyingKey,
}

/// Why there is no key to sign with.
#[derive(Debug, Error)]
pub enum SignError {
    /// The file cannot be read.
    #[error("cannot read the signing key `{}`", path.display())]
    Read {
        /// Path of the file.
        path: PathBuf,
        /// What the file system says.
        source: std::io::Error,
    },
    /// The file is something else, or a key of another type.
    #[error("`{}` is not an OpenSSH private key of type `ssh-ed25519`; `a4co keygen` makes one", path.display())]
    NotAKey {
        /// Path of the file.
        path: PathBuf,
    },
    /// The key needs a passphrase, and nobody is there to ask for one.
    #[error("the signing key `{}` is encrypted; sign with `ssh-keygen -Y sign`, or use a key \
             without a passphrase", path.display())]
    Encrypted {
        /// Path of the file.
        path: PathBuf,
    },
    /// The key does not make signatures that its own public half accepts.
    #[error("the signing key `{}` is damaged", path.display())]
    Damaged {
        /// Path of the file.
        path: PathBuf,
    },
    /// The variable has a key itself instead of the path of one.
    #[error(
        "`{SIGNING_KEY_VARIABLE}` must hold paths of key files, not a key; that key should \
             count as exposed, for programs log their environment"
    )]
    KeyInVariable,
}

impl SigningKey {
    /// Reads the private key at `path`.
    ///
    /// # Errors
    /// Fails unless the file is an Ed25519 key without a passphrase.
    pub fn read(path: &Path) -> Result<Self, SignError> {
        let path = path.to_path_buf();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(source) => return Err(SignError::Read { path, source }),
        };
        let key = PrivateKey::from_openssh(&text).ok();
        let key = key.filter(|key| key.algorithm() == Algorithm::Ed25519);
        let Some(key) = key else {
            return Err(SignError::NotAKey { path });
        };
        if key.is_encrypted() {
            return Err(SignError::Encrypted { path });
        }
        Self::new(key).ok_or(SignError::Damaged { path })
    }

    /// Takes `key`, if it is an Ed25519 key that works.
    #[must_use]
    pub fn new(key: PrivateKey) -> Option<Self> {
        let public = key.public_key().key_data().ed25519()?;
        let verifying_key = VerifyingKey::from_bytes(&public.0).ok()?;
        let key = Self { key, verifying_key };
        key.try_sign(Purpose::Release, b"self-test").map(|_| key)
    }

    /// Returns the public half.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.verifying_key
    }

    /// Signs `message` for `purpose`. Equal arguments give equal signatures.
    ///
    /// # Panics
    /// Never: that the key can sign was tried when it was made.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the constructor has signed with this very key")]
    pub fn sign(&self, purpose: Purpose, message: &[u8]) -> Signature {
        self.try_sign(purpose, message).expect("the key works")
    }

    fn try_sign(&self, purpose: Purpose, message: &[u8]) -> Option<Signature> {
        let signed = self.key.sign(purpose.namespace(), HashAlg::Sha512, message).ok()?;
        let bytes = signed.signature_bytes().try_into().ok()?;
        let signature = Signature::new(purpose, self.verifying_key, bytes);
        signature.verify(message).map(|_| signature)
    }
}

impl fmt::Debug for SigningKey {
    /// Names the public half only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.verifying_key.fingerprint())
    }
}

/// Returns the paths that the value of [`SIGNING_KEY_VARIABLE`] names; none if it is empty.
///
/// # Errors
/// Fails when the value looks like a key. It is not repeated in the error, and a build script must
/// not tell Cargo to watch the variable then: Cargo writes the values of those into its own files.
pub fn signing_key_paths(value: &OsStr) -> Result<Vec<PathBuf>, SignError> {
    let text = value.to_string_lossy();
    if text.contains("BEGIN") || text.contains('\n') || text.contains("PRIVATE KEY") {
        return Err(SignError::KeyInVariable);
    }
    Ok(std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty()).collect())
}
