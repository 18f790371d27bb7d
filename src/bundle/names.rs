//! Names of the entries of a bundle, in the order in which they come.

use crate::digest::Digest;

/// The statement, always first.
pub(crate) const STATEMENT: &str = "a4co/release.json";
/// Which blobs of the images are here; only in a bundle that holds images.
pub(crate) const CONTENTS: &str = "a4co/images.json";
/// Repeats the release id for OCI tools.
pub(crate) const INDEX: &str = "index.json";
/// Marks an OCI image layout; always last.
pub(crate) const OCI_LAYOUT: &str = "oci-layout";

/// Every blob's name begins so.
pub(crate) const BLOBS: &str = "blobs/sha256/";
/// Any signature, for people.
pub(crate) const ANY_SIGNATURE: &str = "a4co/…sig-*.sshsig";
/// Any trust file, for people.
pub(crate) const ANY_TRUST: &str = "a4co/trust-*.json";

/// Signature `index` over the statement.
pub(crate) fn signature(index: usize) -> String {
    format!("a4co/sig-{index}.sshsig")
}

/// Trust file at `index` of the chain, from 0; its name counts from 1 as versions do.
pub(crate) fn trust(index: usize) -> String {
    format!("a4co/trust-{}.json", index + 1)
}

/// Signature `number` over the trust file at `index`.
pub(crate) fn trust_signature(index: usize, number: usize) -> String {
    format!("a4co/trust-{}-sig-{number}.sshsig", index + 1)
}

/// Blob with this digest.
pub(crate) fn blob(digest: Digest) -> String {
    format!("{BLOBS}{}", digest.to_hex())
}

/// Blob of these bytes.
pub(crate) fn blob_of(bytes: &[u8]) -> String {
    blob(Digest::of(bytes))
}
