//! Sizes that a reader accepts. Each is checked before memory is taken, and by the writer too.

/// Largest statement. Read before any signature is known to be good.
pub(crate) const MAX_STATEMENT_BYTES: u64 = 256 << 10;
/// Largest armored signature; an Ed25519 one has about 300 bytes.
pub(crate) const MAX_SIGNATURE_BYTES: u64 = 4 << 10;
/// Most signatures over one document.
pub(crate) const MAX_SIGNATURES: usize = 16;
/// Largest trust file.
pub(crate) const MAX_TRUST_BYTES: u64 = 64 << 10;
/// Most trust files in one bundle.
pub(crate) const MAX_TRUST_FILES: usize = 64;
/// Largest release manifest: what image registries take, enough for 10,000 objects.
pub(crate) const MAX_MANIFEST_BYTES: u64 = 4 << 20;
/// Largest release config; as for the manifest.
pub(crate) const MAX_CONFIG_BYTES: u64 = 4 << 20;
/// Largest object: what etcd takes in one request by default (1.5 MiB).
pub(crate) const MAX_OBJECT_BYTES: u64 = 3 << 19;
/// Most bytes that all objects of a release have together.
pub(crate) const MAX_OBJECTS_BYTES: u64 = 128 << 20;
/// Largest list of what is here of the images; enough for [`MAX_IMAGE_BLOBS`] that are not.
pub(crate) const MAX_CONTENTS_BYTES: u64 = 4 << 20;
/// Largest index or manifest of an image: what image registries take.
pub(crate) const MAX_IMAGE_DOCUMENT_BYTES: u64 = 4 << 20;
/// Most bytes that all indexes and manifests of a release's images have together. Their blobs'
/// digests are kept in memory.
pub(crate) const MAX_IMAGE_DOCUMENTS_BYTES: u64 = 32 << 20;
/// Most blobs that all images of a release have together.
pub(crate) const MAX_IMAGE_BLOBS: usize = 50_000;
/// Most manifests in an index.
pub(crate) const MAX_PLATFORM_MANIFESTS: usize = 1024;
/// Most layers in a manifest; container runtimes stop at 127 or so.
pub(crate) const MAX_LAYERS: usize = 1024;
/// Most bytes read of a refused file to find out whether it is only damaged.
pub(crate) const MAX_BYTES_AFTER_AN_ERROR: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        header::MAX_ENTRY_BYTES,
        volume::{MAX_LABEL_BYTES, MAX_VOLUMES},
    };

    #[test]
    fn the_format_document_has_the_same_limits() {
        let document = include_str!("../../docs/bundle-format.md");
        for (what, limit, unit) in [
            ("statement", MAX_STATEMENT_BYTES, " bytes"),
            ("signature", MAX_SIGNATURE_BYTES, " bytes"),
            ("signatures over one document", MAX_SIGNATURES as u64, ""),
            ("trust file", MAX_TRUST_BYTES, " bytes"),
            ("trust files", MAX_TRUST_FILES as u64, ""),
            ("release manifest", MAX_MANIFEST_BYTES, " bytes"),
            ("release config", MAX_CONFIG_BYTES, " bytes"),
            ("object", MAX_OBJECT_BYTES, " bytes"),
            ("objects together", MAX_OBJECTS_BYTES, " bytes"),
            ("list of images", MAX_CONTENTS_BYTES, " bytes"),
            ("index or manifest of an image", MAX_IMAGE_DOCUMENT_BYTES, " bytes"),
            ("indexes and manifests together", MAX_IMAGE_DOCUMENTS_BYTES, " bytes"),
            ("image blob", MAX_ENTRY_BYTES, " bytes"),
            ("image blobs", MAX_IMAGE_BLOBS as u64, ""),
            ("manifests in an index", MAX_PLATFORM_MANIFESTS as u64, ""),
            ("layers in a manifest", MAX_LAYERS as u64, ""),
            ("label of a volume", MAX_LABEL_BYTES, " bytes"),
            ("volumes of a file", u64::from(MAX_VOLUMES), ""),
        ] {
            let row = format!("| {what} | {}{unit} |", with_commas(limit));
            assert!(document.contains(&row), "{row}");
        }
    }

    fn with_commas(number: u64) -> String {
        match (number / 1000, number % 1000) {
            (0, rest) => rest.to_string(),
            (more, rest) => format!("{},{rest:03}", with_commas(more)),
        }
    }
}
