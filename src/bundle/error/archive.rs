use std::io;

use thiserror::Error;

use crate::{digest::Digest, text::Difference};

/// Why bytes are not an archive that this code could have written.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The file could not be read.
    #[error("cannot read byte {offset}")]
    Read {
        /// Offset in the file.
        offset: u64,
        /// Why.
        source: io::Error,
    },
    /// The file could not be written.
    #[error("cannot write")]
    Write(#[source] io::Error),
    /// The file does not begin as every bundle does.
    #[error(
        "not a bundle, or one that was unpacked or compressed again: byte {offset} is not as in the first 10 bytes of a bundle"
    )]
    NotABundle {
        /// Offset in the file.
        offset: usize,
    },
    /// The file ends early.
    #[error("the file is cut: it ends at byte {offset}, inside {inside}")]
    Cut {
        /// Size of the file.
        offset: u64,
        /// What was being read.
        inside: String,
    },
    /// The gzip layer is not as we write it.
    #[error("byte {offset} of the gzip file is not as it must be: {what}")]
    Gzip {
        /// Offset in the file.
        offset: u64,
        /// What differs.
        what: &'static str,
    },
    /// The gzip layer says that the content ends, but the tar layer goes on.
    #[error("the content ends at byte {offset} of the file, inside {inside}")]
    Ends {
        /// Offset in the file.
        offset: u64,
        /// What was being read.
        inside: String,
    },
    /// A tar header is not the one that must stand there.
    #[error("byte {offset} of the tar stream must begin {expected}: {found}")]
    Header {
        /// Offset in the tar stream.
        offset: u64,
        /// What must stand there.
        expected: String,
        /// What does.
        found: String,
    },
    /// A name or size that a tar header cannot hold.
    #[error("`{entry}` does not fit a tar header")]
    Unrepresentable {
        /// Entry.
        entry: String,
    },
    /// Padding or end mark is not zero.
    #[error("byte {offset} of the tar stream, after {after}, is not zero")]
    Padding {
        /// Entry that the padding follows.
        after: String,
        /// Offset in the tar stream.
        offset: u64,
    },
    /// Bytes after the end.
    #[error("the archive ends at byte {offset}, but the file goes on")]
    Trailing {
        /// Offset in the file.
        offset: u64,
    },
    /// Entry larger than its kind may be.
    #[error("{entry} has {size} bytes, more than the {limit} allowed")]
    TooLarge {
        /// Entry.
        entry: String,
        /// Its size in bytes.
        size: u64,
        /// Limit in bytes.
        limit: u64,
    },
    /// Too many entries of one kind.
    #[error("there are more than {limit} entries `{what}`")]
    TooMany {
        /// Kind of entry.
        what: &'static str,
        /// Limit.
        limit: usize,
    },
    /// Bytes of a fixed entry differ.
    #[error("`{entry}` is not what the release demands: {difference}")]
    Content {
        /// Entry.
        entry: &'static str,
        /// Where and how.
        difference: Difference,
    },
    /// A blob's bytes do not have the digest in its name.
    #[error("`blobs/sha256/{hex}` ({what}) is not what its name says\n  expected: {expected}\n  computed: {computed}",
        hex = expected.to_hex())]
    Digest {
        /// What the blob is.
        what: String,
        /// Digest that it must have.
        expected: Digest,
        /// Digest that it has.
        computed: Digest,
    },
}
