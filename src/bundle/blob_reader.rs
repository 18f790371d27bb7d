//! Reads a blob out of a bundle file without reading what stands before it.
//!
//! Stored blocks of gzip are all of one length, so a place in the tar stream is a place in the file.

use std::{
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    ops::Range,
};

use crate::{
    digest::{Digest, Digester},
    gzip,
    images::StoredBlob,
};

/// Reads one blob, or a part of it.
///
/// A whole blob is checked against its digest: if that differs, the last read fails, and so does every
/// one after it, so nobody comes to the end of a damaged blob. A part cannot be checked; read parts of a file that was verified and
/// that nobody changes.
#[derive(Debug)]
pub struct BlobReader<R> {
    source: R,
    digest: Digest,
    /// Next byte and end, as offsets in the tar stream.
    range: Range<u64>,
    /// Hashes a whole blob until it was checked.
    digester: Option<Digester>,
    /// Why nothing more is read.
    failure: Option<(ErrorKind, String)>,
}

impl<R: Read + Seek> BlobReader<R> {
    /// Opens a whole blob of the bundle file `source`.
    ///
    /// # Errors
    /// Fails when `source` cannot seek.
    pub fn whole(source: R, blob: &StoredBlob) -> io::Result<Self> {
        Self::at(source, blob, 0..blob.size, Some(Digester::default()))
    }

    /// Opens the bytes `range` of a blob of the bundle file `source`.
    ///
    /// # Errors
    /// Fails when the blob does not have these bytes, or when `source` cannot seek.
    pub fn part(source: R, blob: &StoredBlob, range: Range<u64>) -> io::Result<Self> {
        if range.start > range.end || range.end > blob.size {
            let size = blob.size;
            let message = format!("bytes {range:?} of a blob that has {size}");
            return Err(io::Error::new(ErrorKind::InvalidInput, message));
        }
        Self::at(source, blob, range, None)
    }

    /// Returns how many bytes are still to be read.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.range.end - self.range.start
    }

    fn at(
        mut source: R,
        blob: &StoredBlob,
        range: Range<u64>,
        digester: Option<Digester>,
    ) -> io::Result<Self> {
        let range = blob.offset + range.start..blob.offset + range.end;
        source.seek(SeekFrom::Start(gzip::offset_in_file(range.start)))?;
        Ok(Self { source, digest: blob.digest, range, digester, failure: None })
    }

    fn check(&mut self) -> io::Result<()> {
        let Some(digester) = self.digester.take() else {
            return Ok(());
        };
        let (expected, computed) = (self.digest, digester.finish());
        if computed == expected {
            return Ok(());
        }
        let message = format!("blob {expected} is damaged in the bundle: its digest is {computed}");
        Err(io::Error::new(ErrorKind::InvalidData, message))
    }

    /// After `count` bytes of content were read, goes to where the next ones stand.
    fn go_on(&mut self, count: usize) -> io::Result<()> {
        self.range.start += count as u64;
        if self.left() == 0 {
            return self.check();
        }
        if count > 0 && gzip::is_block_start(self.range.start) {
            self.source.read_exact(&mut [0; gzip::BLOCK_HEADER])?;
        }
        Ok(())
    }

    /// Keeps a failure after which the source stands nobody knows where.
    fn keep(&mut self, error: io::Error) -> io::Error {
        self.failure = Some((error.kind(), error.to_string()));
        error
    }
}

impl<R: Read + Seek> Read for BlobReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some((kind, message)) = &self.failure {
            return Err(io::Error::new(*kind, message.clone()));
        }
        if self.left() == 0 {
            return self.check().map(|()| 0).map_err(|error| self.keep(error));
        }
        let most = self.left().min(gzip::left_in_block(self.range.start));
        let most = usize::try_from(most).map_or(buffer.len(), |most| most.min(buffer.len()));
        let count = self.source.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if let Some(digester) = &mut self.digester {
            digester.update(&buffer[..count]);
        }
        self.go_on(count).map(|()| count).map_err(|error| self.keep(error))
    }
}
