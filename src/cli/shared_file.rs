//! A file that several read at once, each at a place of its own.

use std::{
    io::{self, Read, Seek, SeekFrom},
    sync::Arc,
};

use fs_err::{File, os::unix::fs::FileExt as _};

/// An open file. Clones share it, and not where in it they stand: whatever a path names later, this
/// stays the file that was verified.
#[derive(Clone, Debug)]
pub(crate) struct SharedFile {
    file: Arc<File>,
    position: u64,
}

impl From<File> for SharedFile {
    fn from(file: File) -> Self {
        Self { file: Arc::new(file), position: 0 }
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read_at(buffer, self.position)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            // A device tells its size only so; nobody cares where the file itself stands.
            SeekFrom::End(_) => Some((&*self.file).seek(to)?),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_do_not_move_each_other() {
        let mut file = tempfile::tempfile().unwrap();
        io::Write::write_all(&mut file, b"0123456789").unwrap();
        let mut one = SharedFile::from(File::from_parts(file, "digits"));
        assert_eq!(one.seek(SeekFrom::End(-4)).unwrap(), 6);
        let mut other = one.clone();
        assert_eq!(other.seek(SeekFrom::Current(-5)).unwrap(), 1);
        let (mut a, mut b) = ([0; 3], [0; 3]);
        one.read_exact(&mut a).unwrap();
        other.read_exact(&mut b).unwrap();
        assert_eq!((&a, &b), (b"678", b"123"));
        assert_eq!(one.read(&mut a).unwrap(), 1, "up to the end");
        assert_eq!(one.read(&mut a).unwrap(), 0);
        assert!(one.seek(SeekFrom::Current(-11)).is_err(), "before the start");
    }
}
