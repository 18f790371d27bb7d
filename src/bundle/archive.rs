//! The tar layer: regular files, two zero records, and nothing else.
//!
//! Writer and reader share [`header::header`], so they cannot drift apart. Nothing is ever unpacked
//! to disk.

use std::io::{Read, Write};

use crate::{
    digest::{Digest, Digester},
    error::ArchiveError,
    gzip::{GzipReader, GzipWriter},
    header::{self, Header, RECORD, ZEROS, padding},
    limits::MAX_BYTES_AFTER_AN_ERROR,
};

/// Writes entries one after the other.
pub(crate) struct ArchiveWriter<W> {
    gzip: GzipWriter<W>,
}

impl<W: Write> ArchiveWriter<W> {
    pub(crate) fn new(inner: W) -> Result<Self, ArchiveError> {
        let gzip = GzipWriter::new(inner)?;
        Ok(Self { gzip })
    }

    pub(crate) fn write(&mut self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let size = bytes.len() as u64;
        self.begin(name, size)?;
        self.piece(bytes)?;
        self.end(size)
    }

    /// Begins an entry whose content comes in pieces.
    pub(crate) fn begin(&mut self, name: &str, size: u64) -> Result<(), ArchiveError> {
        let header = header::header(name.as_bytes(), size).ok_or_else(|| unrepresentable(name))?;
        self.gzip.write(&header)
    }

    /// Writes a piece of an entry's content.
    pub(crate) fn piece(&mut self, bytes: &[u8]) -> Result<(), ArchiveError> {
        self.gzip.write(bytes)
    }

    /// Ends an entry, all `size` bytes of which were written.
    pub(crate) fn end(&mut self, size: u64) -> Result<(), ArchiveError> {
        self.gzip.write(&ZEROS[..padding(size)])
    }

    pub(crate) fn finish(mut self) -> Result<W, ArchiveError> {
        self.gzip.write(&[ZEROS, ZEROS].concat())?;
        self.gzip.finish()
    }
}

/// Reads entries that the caller expects, in the order in which it expects them.
pub(crate) struct ArchiveReader<R> {
    gzip: GzipReader<R>,
    /// A header that was read to see what it is.
    peeked: Option<Header>,
    /// Offset in the tar stream of the next header.
    offset: u64,
    /// Name of the entry before.
    before: String,
    /// Whether the end of the file was reached and is as it must be.
    finished: bool,
    /// Most bytes that are read to tell damage from malice.
    most_after_an_error: u64,
}

impl<R: Read> ArchiveReader<R> {
    pub(crate) fn new(inner: R) -> Result<Self, ArchiveError> {
        let gzip = GzipReader::new(inner)?;
        Ok(Self {
            gzip,
            peeked: None,
            offset: 0,
            before: String::new(),
            finished: false,
            most_after_an_error: MAX_BYTES_AFTER_AN_ERROR,
        })
    }

    /// Returns the size of the next entry if its name is `name`. Any other well-formed entry is
    /// left for later; what is no entry at all is refused here.
    pub(crate) fn next_is(&mut self, name: &str) -> Result<Option<u64>, ArchiveError> {
        let found = self.peek(name)?;
        match header::parse(&found) {
            Some((next, size)) => Ok((next == name.as_bytes()).then_some(size)),
            None if found == ZEROS => Ok(None),
            None => Err(self.unexpected(format!("`{name}` or what follows it"), &found)),
        }
    }

    /// Returns the size of the next entry if its name is `name`. Whatever else stands there is left
    /// for who reads on; `before` is what that expects.
    pub(crate) fn optional(
        &mut self,
        name: &str,
        before: &str,
    ) -> Result<Option<u64>, ArchiveError> {
        let found = self.peek(before)?;
        let next = header::parse(&found);
        Ok(next.filter(|(next, _)| *next == name.as_bytes()).map(|(_, size)| size))
    }

    /// Reads the entry that must come next. `size` comes from something already believed, or was
    /// compared with a limit.
    pub(crate) fn read(&mut self, name: &str, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let length = usize::try_from(size).map_err(|_| unrepresentable(name))?;
        self.header(name, size)?;
        let mut bytes = vec![0; length];
        self.gzip.fill(&mut bytes, name)?;
        self.end_of(name, size)?;
        Ok(bytes)
    }

    /// Reads the entry that must come next, of any size, and returns the digest of its content,
    /// which is not kept.
    pub(crate) fn digest(&mut self, name: &str, size: u64) -> Result<Digest, ArchiveError> {
        self.header(name, size)?;
        let mut digester = Digester::default();
        self.gzip.stream(size, name, |piece| digester.update(piece))?;
        self.end_of(name, size)?;
        Ok(digester.finish())
    }

    /// Returns the offset in the tar stream of the next entry's content.
    pub(crate) fn content_offset(&self) -> u64 {
        self.offset + RECORD as u64
    }

    /// After an error, reads `more` bytes of content beyond what is read after any: somebody who is
    /// believed said that they follow.
    pub(crate) fn read_on_by(&mut self, more: u64) {
        self.most_after_an_error = MAX_BYTES_AFTER_AN_ERROR.saturating_add(more);
    }

    fn header(&mut self, name: &str, size: u64) -> Result<(), ArchiveError> {
        let expected =
            header::header(name.as_bytes(), size).ok_or_else(|| unrepresentable(name))?;
        let found = self.peek(name)?;
        if found != expected {
            return Err(self.unexpected(format!("`{name}` with {size} bytes"), &found));
        }
        self.peeked = None;
        Ok(())
    }

    fn end_of(&mut self, name: &str, size: u64) -> Result<(), ArchiveError> {
        self.offset += RECORD as u64 + size;
        name.clone_into(&mut self.before);
        self.read_zeros(padding(size))
    }

    /// Returns the size of the next entry, whose name must be `name`.
    pub(crate) fn require(&mut self, name: &str) -> Result<u64, ArchiveError> {
        let found = self.peek(name)?;
        match header::parse(&found) {
            Some((next, size)) if next == name.as_bytes() => Ok(size),
            _ => Err(self.unexpected(format!("`{name}`"), &found)),
        }
    }

    /// Checks that the name of the next entry begins with `start`; if not, `what` was expected.
    pub(crate) fn expect(&mut self, start: &str, what: &str) -> Result<(), ArchiveError> {
        let found = self.peek(what)?;
        match header::parse(&found) {
            Some((name, _)) if name.starts_with(start.as_bytes()) => Ok(()),
            _ => Err(self.unexpected(what.to_owned(), &found)),
        }
    }

    /// Checks that the archive ends here, and the file with it. Returns the size of the file.
    pub(crate) fn finish(&mut self) -> Result<u64, ArchiveError> {
        let found = self.peek("the end mark")?;
        if found != ZEROS {
            return Err(self.unexpected("the end mark".to_owned(), &found));
        }
        self.peeked = None;
        self.offset += RECORD as u64;
        "the end mark".clone_into(&mut self.before);
        self.read_zeros(RECORD)?;
        let size = self.gzip.finish()?;
        self.finished = true;
        Ok(size)
    }

    /// Reads on after an error in what the file says, and returns whether the gzip layer around it
    /// is whole. If it is not, the file was damaged on its way.
    pub(crate) fn is_intact(&mut self) -> bool {
        if self.finished {
            return true;
        }
        let rest = self.gzip.skip_to_end(self.most_after_an_error);
        !matches!(rest, Err(ArchiveError::Cut { .. } | ArchiveError::Gzip { .. }))
    }

    fn unexpected(&self, expected: String, found: &Header) -> ArchiveError {
        ArchiveError::Header { offset: self.offset, expected, found: header::describe(found) }
    }

    fn peek(&mut self, name: &str) -> Result<Header, ArchiveError> {
        if let Some(bytes) = self.peeked {
            return Ok(bytes);
        }
        let mut bytes = ZEROS;
        self.gzip.fill(&mut bytes, name)?;
        self.peeked = Some(bytes);
        Ok(bytes)
    }

    fn read_zeros(&mut self, count: usize) -> Result<(), ArchiveError> {
        let mut bytes = ZEROS;
        self.gzip.fill(&mut bytes[..count], "the zeros after an entry")?;
        if let Some(at) = bytes.iter().position(|byte| *byte != 0) {
            return Err(ArchiveError::Padding {
                after: self.before.clone(),
                offset: self.offset + at as u64,
            });
        }
        self.offset += count as u64;
        Ok(())
    }
}

fn unrepresentable(name: &str) -> ArchiveError {
    let entry = name.to_owned();
    ArchiveError::Unrepresentable { entry }
}
