//! Layers: uncompressed tar archives.

use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

use fs_err as fs;
use sha2::{Digest as _, Sha256};

use crate::error::Result;

/// A file of a layer.
#[derive(Clone, Debug)]
pub struct LayerFile {
    path: String,
    mode: u32,
    bytes: Vec<u8>,
}

impl LayerFile {
    /// Makes a file that can be read.
    #[must_use]
    pub fn text(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), mode: 0o644, bytes: text.as_bytes().to_vec() }
    }

    /// Makes a file that can be run.
    #[must_use]
    pub fn program(path: &str, bytes: Vec<u8>) -> Self {
        Self { path: path.to_owned(), mode: 0o755, bytes }
    }
}

/// Archives files.
pub(super) fn tar_of(files: &[LayerFile]) -> Result<Vec<u8>> {
    let mut archive = tar::Builder::new(Vec::new());
    for LayerFile { path, mode, bytes } in files {
        let mut header = header(bytes.len() as u64, *mode);
        archive.append_data(&mut header, path, bytes.as_slice())?;
    }
    Ok(archive.into_inner()?)
}

/// Writes an archive of one large file; returns its digest and its size.
pub(super) fn write_large(path: &Path, size: u64, seed: u64) -> Result<(String, u64)> {
    let sink = Sink {
        file: BufWriter::with_capacity(1 << 20, fs::File::create(path)?),
        hash: Sha256::new(),
        size: 0,
    };
    let mut archive = tar::Builder::new(sink);
    let mut header = header(size, 0o644);
    archive.append_data(&mut header, format!("data/{seed}"), Noise { state: seed }.take(size))?;
    let mut sink = archive.into_inner()?;
    sink.flush()?;
    Ok((format!("sha256:{}", to_hex(&sink.hash.finalize())), sink.size))
}

/// Writes bytes in hexadecimal.
pub(super) fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn header(size: u64, mode: u32) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_size(size);
    header.set_mode(mode);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header
}

/// Writes to a file and remembers the digest.
struct Sink {
    file: BufWriter<fs::File>,
    hash: Sha256,
    size: u64,
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all(bytes)?;
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Endless bytes without a pattern (splitmix64).
struct Noise {
    state: u64,
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for chunk in buffer.chunks_mut(8) {
            self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            let bytes = (mixed ^ (mixed >> 31)).to_le_bytes();
            chunk.copy_from_slice(&bytes[..chunk.len()]);
        }
        Ok(buffer.len())
    }
}
