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
/// Most bytes read of a refused file to find out whether it is only damaged.
pub(crate) const MAX_BYTES_AFTER_AN_ERROR: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

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
