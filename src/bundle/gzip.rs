//! A gzip file (RFC 1952) of stored blocks (RFC 1951 §3.2.4), written and read in one form only.
//!
//! Nothing is compressed: the file is then a pure function of its content (no compressor whose next
//! version writes other bytes), no decompressor stands before the signature check, nothing can
//! expand, and no bit is free, so that a flipped one is always seen. Every gzip tool reads it.
//!
//! ```text
//! 1f 8b 08 00 00000000 00 ff   fixed header: deflate, no name, no time
//! 00 ff ff 00 00  65,535 B     every block but the last is full
//! 01 LEN ~LEN     1..65,535 B  last block
//! CRC-32  length mod 2^32      trailer, little-endian
//! ```

use std::{
    io::{ErrorKind, Read, Write},
    ops::Range,
};

use crc32fast::Hasher;

use crate::error::ArchiveError;

const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
const BLOCK: usize = 0xffff;
/// Bytes before the content of each block.
pub(crate) const BLOCK_HEADER: usize = 5;
/// Bytes read at once; with them, all that is done to a byte is done in the processor's cache.
const BUFFER: usize = 128 << 10;

/// Returns where in the file the byte at `offset` of the content stands.
pub(crate) fn offset_in_file(offset: u64) -> u64 {
    HEADER.len() as u64 + BLOCK_HEADER as u64 * (offset / BLOCK as u64 + 1) + offset
}

/// Returns how many bytes of content the block has from `offset` of the content on, if it is full.
pub(crate) fn left_in_block(offset: u64) -> u64 {
    BLOCK as u64 - offset % BLOCK as u64
}

/// Returns whether a block begins at `offset` of the content.
pub(crate) fn is_block_start(offset: u64) -> bool {
    offset.is_multiple_of(BLOCK as u64)
}

/// CRC-32 and length of the content, as the trailer states them.
#[derive(Default)]
struct Trailer {
    crc: Hasher,
    length: u32,
}

impl Trailer {
    fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        #[expect(clippy::cast_possible_truncation, reason = "RFC 1952 §2.3.1: modulo 2^32")]
        let length = bytes.len() as u32;
        self.length = self.length.wrapping_add(length);
    }

    fn to_bytes(&self) -> [u8; 8] {
        let crc = u64::from(self.crc.clone().finalize());
        (u64::from(self.length) << 32 | crc).to_le_bytes()
    }
}

fn block_header(last: bool, length: usize) -> [u8; BLOCK_HEADER] {
    debug_assert!(length <= BLOCK);
    let [low, high, ..] = length.to_le_bytes();
    [u8::from(last), low, high, !low, !high]
}

/// Writes a gzip file.
pub(crate) struct GzipWriter<W> {
    inner: W,
    block: Vec<u8>,
    trailer: Trailer,
}

impl<W: Write> GzipWriter<W> {
    pub(crate) fn new(mut inner: W) -> Result<Self, ArchiveError> {
        inner.write_all(&HEADER).map_err(ArchiveError::Write)?;
        Ok(Self { inner, block: Vec::with_capacity(BLOCK), trailer: Trailer::default() })
    }

    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<(), ArchiveError> {
        self.trailer.update(bytes);
        while !bytes.is_empty() {
            if self.block.len() == BLOCK {
                self.write_block(false)?;
            }
            let (now, rest) = bytes.split_at(bytes.len().min(BLOCK - self.block.len()));
            self.block.extend_from_slice(now);
            bytes = rest;
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<W, ArchiveError> {
        self.write_block(true)?;
        let trailer = self.trailer.to_bytes();
        let written = self.inner.write_all(&trailer).and_then(|()| self.inner.flush());
        written.map_err(ArchiveError::Write)?;
        Ok(self.inner)
    }

    fn write_block(&mut self, last: bool) -> Result<(), ArchiveError> {
        let header = block_header(last, self.block.len());
        let written = self.inner.write_all(&header);
        let written = written.and_then(|()| self.inner.write_all(&self.block));
        written.map_err(ArchiveError::Write)?;
        self.block.clear();
        Ok(())
    }
}

/// Reads a gzip file that [`GzipWriter`] could have written.
pub(crate) struct GzipReader<R> {
    inner: R,
    buffer: Box<[u8]>,
    /// What of the buffer was read from the file and not yet used.
    ready: Range<usize>,
    /// Offset in the file of what is used next.
    offset: u64,
    /// Bytes left in the current block.
    left: usize,
    last: bool,
    trailer: Trailer,
}

impl<R: Read> GzipReader<R> {
    pub(crate) fn new(inner: R) -> Result<Self, ArchiveError> {
        let mut reader = Self {
            inner,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            ready: 0..0,
            offset: 0,
            left: 0,
            last: false,
            trailer: Trailer::default(),
        };
        let mut header = [0; HEADER.len()];
        reader.fill_raw(&mut header, "the gzip header")?;
        let mut pairs = header.iter().zip(HEADER);
        match pairs.position(|(found, expected)| *found != expected) {
            None => Ok(reader),
            Some(offset) => Err(ArchiveError::NotABundle { offset }),
        }
    }

    /// Fills `buffer` with content, which is part of `inside`.
    pub(crate) fn fill(&mut self, mut buffer: &mut [u8], inside: &str) -> Result<(), ArchiveError> {
        while !buffer.is_empty() {
            if self.left == 0 {
                self.next_block(inside)?;
            }
            let (now, rest) = buffer.split_at_mut(buffer.len().min(self.left));
            self.fill_raw(now, inside)?;
            self.trailer.update(now);
            self.left -= now.len();
            buffer = rest;
        }
        Ok(())
    }

    /// Passes the next `count` bytes of content, which are part of `inside`, to `sink` in pieces,
    /// without a copy of them.
    pub(crate) fn stream(
        &mut self,
        mut count: u64,
        inside: &str,
        mut sink: impl FnMut(&[u8]),
    ) -> Result<(), ArchiveError> {
        while count > 0 {
            if self.left == 0 {
                self.next_block(inside)?;
            }
            if self.refill()? == 0 {
                return Err(self.cut(inside));
            }
            let most = self.left.min(self.ready.len());
            let length = usize::try_from(count).map_or(most, |count| count.min(most));
            let start = self.ready.start;
            let now = &self.buffer[start..start + length];
            self.trailer.update(now);
            sink(now);
            self.consume(length);
            self.left -= length;
            count -= length as u64;
        }
        Ok(())
    }

    /// Checks that the content ends here, then the trailer, then that the file ends. Returns the
    /// size of the file.
    pub(crate) fn finish(&mut self) -> Result<u64, ArchiveError> {
        if self.left > 0 || !self.last {
            let offset = self.offset;
            return Err(ArchiveError::Trailing { offset });
        }
        let offset = self.offset;
        let mut found = [0; 8];
        self.fill_raw(&mut found, "the gzip trailer")?;
        if found != self.trailer.to_bytes() {
            let what = "checksum or length in the trailer is not that of the content";
            return Err(ArchiveError::Gzip { offset, what });
        }
        let offset = self.offset;
        match self.refill()? {
            0 => Ok(offset),
            _ => Err(ArchiveError::Trailing { offset }),
        }
    }

    /// Reads on to the end of the content, at most `limit` bytes, then as [`Self::finish`] does.
    /// Tells a file that was damaged on its way from one that was written like this.
    pub(crate) fn skip_to_end(&mut self, limit: u64) -> Result<(), ArchiveError> {
        let end = self.offset.saturating_add(limit);
        while (self.left > 0 || !self.last) && self.offset < end {
            self.stream(self.left.max(1) as u64, "its blocks", |_| {})?;
        }
        if self.offset < end {
            self.finish()?;
        }
        Ok(())
    }

    fn next_block(&mut self, inside: &str) -> Result<(), ArchiveError> {
        let offset = self.offset;
        let bad = |what| Err(ArchiveError::Gzip { offset, what });
        if self.last {
            let inside = inside.to_owned();
            return Err(ArchiveError::Ends { offset, inside });
        }
        let mut header = [0; BLOCK_HEADER];
        self.fill_raw(&mut header, inside)?;
        let length = usize::from(u16::from_le_bytes([header[1], header[2]]));
        self.last = header[0] == 1;
        if header != block_header(self.last, length) {
            return bad("no stored block begins like this");
        }
        if length == 0 {
            return bad("a block is empty");
        }
        if !self.last && length != BLOCK {
            return bad("a block before the last one is not full");
        }
        self.left = length;
        Ok(())
    }

    fn fill_raw(&mut self, mut buffer: &mut [u8], inside: &str) -> Result<(), ArchiveError> {
        while !buffer.is_empty() {
            if self.refill()? == 0 {
                return Err(self.cut(inside));
            }
            let (now, rest) = buffer.split_at_mut(buffer.len().min(self.ready.len()));
            let start = self.ready.start;
            now.copy_from_slice(&self.buffer[start..start + now.len()]);
            self.consume(now.len());
            buffer = rest;
        }
        Ok(())
    }

    fn cut(&self, inside: &str) -> ArchiveError {
        ArchiveError::Cut { offset: self.offset, inside: inside.to_owned() }
    }

    fn consume(&mut self, count: usize) {
        self.ready.start += count;
        self.offset += count as u64;
    }

    /// Reads from the file if nothing is ready. Returns how many bytes are; 0 at its end.
    fn refill(&mut self) -> Result<usize, ArchiveError> {
        while self.ready.is_empty() {
            match self.inner.read(&mut self.buffer) {
                Ok(0) => return Ok(0),
                Ok(count) => self.ready = 0..count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(source) => {
                    let offset = self.offset;
                    return Err(ArchiveError::Read { offset, source });
                }
            }
        }
        Ok(self.ready.len())
    }
}
