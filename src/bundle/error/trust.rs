use semver::Version;
use thiserror::Error;

use crate::{
    canonical::CanonicalError,
    digest::{Digest, ParseDigestError, ReleaseId},
    signature::ParseSignatureError,
    text::printable,
};

/// Why bytes are not a statement about a release.
#[derive(Debug, Error)]
pub enum StatementError {
    /// Malformed.
    #[error("the statement is malformed")]
    Malformed(#[from] CanonicalError),
    /// The subject is not a digest.
    #[error("the statement's subject is malformed")]
    Subject(#[from] ParseDigestError),
    /// Some other in-toto statement, or a later version of this one.
    #[error(
        "the statement is one of `{}`, but only `{supported}` is supported; use a newer a4co-apply",
        printable(found)
    )]
    OtherType {
        /// Predicate type found.
        found: String,
        /// Predicate type known.
        supported: &'static str,
    },
    /// Not about one thing.
    #[error("the statement has {found} subjects, not one")]
    Subjects {
        /// How many.
        found: usize,
    },
    /// A name is not a DNS label.
    #[error("the statement's {field} is `{}`, which is not a DNS label", printable(text))]
    NotADnsLabel {
        /// Field.
        field: &'static str,
        /// Its value.
        text: String,
    },
    /// An input that could be outside of the folder that was compiled.
    #[error("the statement's input `{}` is not a relative path", printable(path))]
    InputPath {
        /// Path.
        path: String,
    },
    /// Inputs out of order, or one of them twice.
    #[error("the statement's input `{path}` is out of order")]
    InputOrder {
        /// Path.
        path: String,
    },
    /// Statement and release disagree.
    #[error("the statement says {field} `{stated}`, the release says `{found}`")]
    Contradiction {
        /// Field.
        field: &'static str,
        /// Value in the statement.
        stated: String,
        /// Value in the release.
        found: String,
    },
}

/// Why a bundle or trust file is not trusted.
#[derive(Debug, Error)]
pub enum TrustError {
    /// Malformed trust file.
    #[error("the trust file is malformed")]
    Malformed(#[from] CanonicalError),
    /// A trust file in the bundle is refused.
    #[error("`{entry}` is refused")]
    Link {
        /// Entry.
        entry: String,
        /// Why.
        source: Box<Self>,
    },
    /// A version that cannot be.
    #[error("the trust file has version {found}, but {expected}")]
    Version {
        /// Version found.
        found: u64,
        /// What it must be.
        expected: &'static str,
    },
    /// A floor for nothing.
    #[error(
        "the trust file has a floor for `{}`, which is not `app/environment`",
        printable(target)
    )]
    Floor {
        /// For what.
        target: String,
    },
    /// Another schema of the trust file.
    #[error(
        "the trust file has schema {found}, but only {supported} is supported; use a newer a4co-apply"
    )]
    Schema {
        /// Schema found.
        found: u32,
        /// Schema known.
        supported: u32,
    },
    /// A threshold that nobody or not everybody can meet.
    #[error("the trust file's role `{role}` wants {threshold} of {keys} keys")]
    Threshold {
        /// Role.
        role: &'static str,
        /// Its threshold.
        threshold: usize,
        /// How many keys it has.
        keys: usize,
    },
    /// A signature that is no signature.
    #[error("`{entry}` is malformed")]
    Signature {
        /// Entry.
        entry: String,
        /// Why.
        source: ParseSignatureError,
    },
    /// No signature at all.
    #[error("the bundle is not signed")]
    Unsigned,
    /// Not enough good signatures.
    #[error("{counted} of {needed} needed signatures by the {role} keys of trust version {trust}{}",
        verdicts.iter().fold(String::new(), |list, line| list + "\n  " + line))]
    BelowThreshold {
        /// Role that has to sign.
        role: &'static str,
        /// Version of the trust file.
        trust: u64,
        /// Threshold.
        needed: usize,
        /// Good signatures by different trusted keys.
        counted: usize,
        /// For each signature, its key's fingerprint and what became of it.
        verdicts: Vec<String>,
    },
    /// The signed statement is malformed.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The release is revoked.
    #[error("release {release} is revoked")]
    RevokedRelease {
        /// Release.
        release: ReleaseId,
    },
    /// The trust file is older than the release wants.
    #[error("the release wants trust version {need}, but only {have} is known here")]
    TooOld {
        /// Version known.
        have: u64,
        /// Version wanted.
        need: u64,
    },
    /// Version below the signed floor.
    #[error("version {version} is below {floor}, the lowest accepted for {target}")]
    BelowFloor {
        /// Version of the release.
        version: Version,
        /// Lowest version accepted.
        floor: Version,
        /// `app/environment`.
        target: String,
    },
    /// The bundle does not carry the trust file that the anchor names.
    #[error("the bundle does not carry the trust file {anchor}")]
    AnchorMissing {
        /// Digest of the trust file.
        anchor: Digest,
    },
}
