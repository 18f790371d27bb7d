//! The wire forms of OpenSSH that signatures and keys need (RFC 4251 §5, `PROTOCOL.sshsig`).
//!
//! Only Ed25519 with SHA-512 exists here, so every form has a fixed shape around its free bytes.

/// Key and signature algorithm.
pub(crate) const KEY_TYPE: &str = "ssh-ed25519";

const MAGIC: &[u8; 6] = b"SSHSIG";
const SIGNATURE_VERSION: u32 = 1;
const HASH: &str = "sha512";

/// Public key blob of an Ed25519 key.
pub(crate) fn public_key(key: &[u8; 32]) -> Vec<u8> {
    concat(&[string(KEY_TYPE.as_bytes()), string(key)])
}

/// Reads a public key blob; nothing may follow it.
pub(crate) fn parse_public_key(blob: &[u8]) -> Option<[u8; 32]> {
    let key = *blob.last_chunk()?;
    (public_key(&key) == blob).then_some(key)
}

/// Bytes that an SSHSIG signature over a message with this SHA-512 signs.
pub(crate) fn signed_data(namespace: &str, sha512: &[u8; 64]) -> Vec<u8> {
    concat(&[
        MAGIC.to_vec(),
        string(namespace.as_bytes()),
        string(b""),
        string(HASH.as_bytes()),
        string(sha512),
    ])
}

/// SSHSIG blob of one signature.
pub(crate) fn signature(namespace: &str, key: &[u8; 32], signature: &[u8; 64]) -> Vec<u8> {
    concat(&[
        MAGIC.to_vec(),
        SIGNATURE_VERSION.to_be_bytes().to_vec(),
        string(&public_key(key)),
        string(namespace.as_bytes()),
        string(b""),
        string(HASH.as_bytes()),
        string(&concat(&[string(KEY_TYPE.as_bytes()), string(signature)])),
    ])
}

/// Reads an SSHSIG blob: the free bytes stand at fixed places, everything else must be as written.
pub(crate) fn parse_signature(namespace: &str, blob: &[u8]) -> Option<([u8; 32], [u8; 64])> {
    let key_at = MAGIC.len() + 4 + 4 + string(KEY_TYPE.as_bytes()).len() + 4;
    let key = *blob.get(key_at..)?.first_chunk()?;
    let signature_bytes = *blob.last_chunk()?;
    (signature(namespace, &key, &signature_bytes) == blob).then_some((key, signature_bytes))
}

fn string(bytes: &[u8]) -> Vec<u8> {
    #[expect(clippy::cast_possible_truncation, reason = "every string here is under 300 bytes")]
    let length = (bytes.len() as u32).to_be_bytes();
    concat(&[length.to_vec(), bytes.to_vec()])
}

fn concat(parts: &[Vec<u8>]) -> Vec<u8> {
    parts.concat()
}
