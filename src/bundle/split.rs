//! Splits a file into volumes that can be checked one by one.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};

use crate::{
    digest::{Digest, Digester},
    error::VolumeError,
    header::RECORD,
    volume::{
        END, Label, MAX_VOLUME_BYTES, MAX_VOLUMES, MIN_VOLUME_BYTES, OVERHEAD, Part, VOLUME_SCHEMA,
        WholeFile, is_file_name,
    },
};

/// Bytes that are held at once.
const PIECE: usize = 128 << 10;

/// A finished file that is to be written as volumes.
///
/// Each volume says of which file it is a part, and the digest of a file is known at its end only. So
/// the file is read twice: once here, and once while the volumes are written.
#[derive(Debug)]
pub struct Split<F> {
    file: F,
    whole: WholeFile,
    part_bytes: u64,
    parts: Vec<Part>,
}

impl<F: Read + Seek> Split<F> {
    /// Reads `file`, to be split into volumes of at most `volume_bytes`; `name` is what it is called
    /// when it is joined.
    ///
    /// # Errors
    /// Fails when the file cannot be read or is empty, when the name could mean something else
    /// somewhere, and when volumes of this size are too many (500), too small (64 KiB) or larger
    /// than a tar header can tell (8 GiB).
    pub fn new(mut file: F, name: &str, volume_bytes: u64) -> Result<Self, VolumeError> {
        if !is_file_name(name) {
            return Err(VolumeError::Name { name: name.to_owned() });
        }
        let (least, most) = (MIN_VOLUME_BYTES, MAX_VOLUME_BYTES);
        if !(least..=most).contains(&volume_bytes) {
            return Err(VolumeError::VolumeSize { found: volume_bytes, least, most });
        }
        let part_bytes = (volume_bytes - OVERHEAD) / RECORD as u64 * RECORD as u64;
        let size = file.seek(SeekFrom::End(0)).map_err(unread)?;
        file.seek(SeekFrom::Start(0)).map_err(unread)?;
        let count = size.div_ceil(part_bytes);
        if count > u64::from(MAX_VOLUMES) {
            return Err(VolumeError::TooManyVolumes { count, limit: MAX_VOLUMES });
        }
        if size == 0 {
            return Err(VolumeError::Empty);
        }
        let (mut parts, mut digester, mut left) = (Vec::new(), Digester::default(), size);
        while left > 0 {
            let part = left.min(part_bytes);
            let mut own = Digester::default();
            copy(&mut file, part, |piece| {
                digester.update(piece);
                own.update(piece);
                Ok(())
            })
            .map_err(unread)?;
            parts.push(Part { digest: own.finish(), size: part });
            left -= part;
        }
        let whole = WholeFile { digest: digester.finish(), name: name.to_owned(), size };
        Ok(Self { file, whole, part_bytes, parts })
    }

    /// Returns how many volumes there are.
    #[must_use]
    pub fn count(&self) -> u32 {
        u32::try_from(self.parts.len()).unwrap_or(MAX_VOLUMES)
    }

    /// Returns the digest of the file.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.whole.digest
    }

    /// Writes one volume to `out`, which is flushed; they are numbered from 1.
    ///
    /// # Errors
    /// Fails when the file cannot be read or has changed, when `out` fails, and when there is no
    /// volume of this number.
    pub fn write<W: Write>(&mut self, number: u32, mut out: W) -> Result<W, VolumeError> {
        let count = self.count();
        let index = number.checked_sub(1).and_then(|index| usize::try_from(index).ok());
        let part = index.and_then(|index| self.parts.get(index));
        let part = part.cloned().ok_or(VolumeError::NoSuchVolume { number, count })?;
        let offset = u64::from(number - 1) * self.part_bytes;
        let file = self.whole.clone();
        let label = Label { count, file, number, offset, part, schema: VOLUME_SCHEMA };
        let unwritten = |source| VolumeError::Write { number, source };
        let start = label.start();
        let start = start.map_err(|source| unwritten(io::Error::other(source)))?;
        out.write_all(&start).map_err(unwritten)?;
        self.file.seek(SeekFrom::Start(offset)).map_err(unread)?;
        let (mut digester, mut written) = (Digester::default(), Ok(()));
        let read = copy(&mut self.file, label.part.size, |piece| {
            digester.update(piece);
            written = out.write_all(piece);
            // Only ends the loop; what it says is in `written`.
            if written.is_ok() { Ok(()) } else { Err(ErrorKind::Other.into()) }
        });
        written.map_err(unwritten)?;
        read.map_err(unread)?;
        if digester.finish() != label.part.digest {
            return Err(VolumeError::Changed);
        }
        out.write_all(&END[..label.end()]).and_then(|()| out.flush()).map_err(unwritten)?;
        Ok(out)
    }
}

fn unread(source: io::Error) -> VolumeError {
    VolumeError::Read { what: "the file".to_owned(), source }
}

/// Passes `count` bytes to `sink` in pieces.
pub(crate) fn copy<R: Read>(
    source: &mut R,
    mut count: u64,
    mut sink: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE];
    while count > 0 {
        let most = usize::try_from(count).map_or(PIECE, |count| count.min(PIECE));
        match source.read(&mut buffer[..most]) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                sink(&buffer[..length])?;
                count -= length as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
