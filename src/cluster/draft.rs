//! Content on its way into the cluster: deflated, and its digest computed, while it is written.

use std::io::{self, Write};

use a4co_bundle::{Digest, Digester};
use flate2::{Compression, write::DeflateEncoder};

/// More than any content may have: all objects of a release together, and headers.
pub(crate) const MAX_CONTENT_BYTES: u64 = 256 << 20;

/// What is written of a content.
pub(crate) struct Draft {
    digester: Digester,
    deflated: DeflateEncoder<Vec<u8>>,
    bytes: u64,
}

impl Draft {
    pub(crate) fn new() -> Self {
        // Better compression takes longer than the chunks that it saves.
        let deflated = DeflateEncoder::new(Vec::new(), Compression::fast());
        Self { digester: Digester::default(), deflated, bytes: 0 }
    }

    /// Returns the digest of what was written, and its deflated form.
    pub(crate) fn finish(self) -> io::Result<(Digest, Vec<u8>)> {
        Ok((self.digester.finish(), self.deflated.finish()?))
    }
}

impl Write for Draft {
    /// Fails when nobody could read back what is written.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes += bytes.len() as u64;
        if self.bytes > MAX_CONTENT_BYTES {
            let mebibytes = MAX_CONTENT_BYTES >> 20;
            let error = format!("it has more than {mebibytes} MiB, too much to be stored");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, error));
        }
        self.digester.write_all(bytes)?;
        self.deflated.write_all(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.deflated.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_has_the_digest_of_what_was_written() {
        let mut draft = Draft::new();
        draft.write_all(b"one").unwrap();
        draft.write_all(b"two").unwrap();
        assert_eq!(draft.finish().unwrap().0, Digest::of(b"onetwo"));
    }

    #[test]
    fn what_could_not_be_read_back_is_refused() {
        let mut draft = Draft { bytes: MAX_CONTENT_BYTES - 1, ..Draft::new() };
        draft.write_all(b"a").unwrap();
        let error = draft.write_all(b"b").unwrap_err();
        assert_eq!(error.to_string(), "it has more than 256 MiB, too much to be stored");
    }
}
