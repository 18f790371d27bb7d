//! The beginning of a blob on disk.

use std::{
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    os::unix::fs::MetadataExt as _,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
};

use a4co_bundle::{Digest, Digester};
use fs_err as fs;

use crate::cache::Cache;

/// A blob that is being written.
#[derive(Debug)]
pub(crate) struct Partial {
    cache: Cache,
    digest: Digest,
    path: PathBuf,
    file: fs::File,
    digester: Digester,
    length: u64,
    /// Whether the next process goes on with it if this one does not finish.
    is_shared: bool,
    is_finished: bool,
}

impl Partial {
    /// Goes on with what is there of the blob, which is read again for its digest; or begins, when
    /// nothing is there, it is longer than `size`, or another process is at it.
    pub(crate) fn resume(cache: &Cache, digest: Digest, size: u64) -> io::Result<Self> {
        let path = cache.partial_path(digest, "");
        loop {
            let mut options = fs::OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
            if file.file().try_lock().is_err() {
                return Self::unique(cache, digest);
            }
            // Whoever had the lock before may have finished it: then it is a blob by now.
            let own = file.metadata()?;
            let is_same = |it: std::fs::Metadata| it.ino() == own.ino() && it.dev() == own.dev();
            if !fs::symlink_metadata(&path).is_ok_and(is_same) {
                continue;
            }
            let mut partial = Self::over(cache, digest, path, file, true);
            if own.len() > size {
                partial.file.set_len(0)?;
            }
            partial.read_again()?;
            return Ok(partial);
        }
    }

    /// Begins a file that nobody else writes.
    pub(crate) fn unique(cache: &Cache, digest: Digest) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = cache.partial_path(digest, &format!("{}-{number}", std::process::id()));
        let file = fs::File::create(&path)?;
        Ok(Self::over(cache, digest, path, file, false))
    }

    fn over(cache: &Cache, digest: Digest, path: PathBuf, file: fs::File, is_shared: bool) -> Self {
        let (cache, digester) = (cache.clone(), Digester::default());
        Self { cache, digest, path, file, digester, length: 0, is_shared, is_finished: false }
    }

    fn read_again(&mut self) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(0))?;
        let mut buffer = vec![0; 256 << 10];
        loop {
            let count = self.file.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            self.digester.write_all(&buffer[..count])?;
            self.length += count as u64;
        }
    }

    /// Returns how many bytes are there.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Turns it into a blob of the cache; or removes it and returns its digest, when that is not the
    /// one of the blob.
    pub(crate) fn finish(mut self) -> io::Result<Result<(), Digest>> {
        let computed = std::mem::take(&mut self.digester).finish();
        if computed != self.digest {
            self.is_finished = true;
            fs::remove_file(&self.path)?;
            return Ok(Err(computed));
        }
        self.file.sync_data()?;
        fs::rename(&self.path, self.cache.path(self.digest))?;
        self.is_finished = true;
        Ok(Ok(()))
    }
}

impl Write for Partial {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.digester.write_all(&bytes[..count])?;
        self.length += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.is_finished && !self.is_shared {
            // Nobody would ever go on with it; a file that stays does no harm.
            let _ = fs::remove_file(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache() -> (tempfile::TempDir, Cache) {
        let dir = tempfile::tempdir().unwrap();
        let cache = Cache::open(dir.path()).unwrap();
        (dir, cache)
    }

    fn partials(dir: &tempfile::TempDir) -> usize {
        fs::read_dir(dir.path().join("partial")).unwrap().count()
    }

    #[test]
    fn a_blob_is_there_once_it_is_whole_and_not_before() {
        let (dir, cache) = cache();
        let digest = Digest::of(b"hello world");
        let mut partial = Partial::resume(&cache, digest, 11).unwrap();
        partial.write_all(b"hello ").unwrap();
        drop(partial);
        assert!(!cache.contains(digest, 11));
        let mut partial = Partial::resume(&cache, digest, 11).unwrap();
        assert_eq!(partial.length(), 6, "it goes on where it was left");
        partial.write_all(b"world").unwrap();
        assert_eq!(partial.finish().unwrap(), Ok(()));
        assert!(cache.contains(digest, 11));
        assert_eq!(fs::read(cache.path(digest)).unwrap(), b"hello world");
        assert_eq!(partials(&dir), 0);
    }

    #[test]
    fn a_wrong_digest_is_told_and_nothing_of_it_stays() {
        let (dir, cache) = cache();
        let digest = Digest::of(b"hello");
        let mut partial = Partial::resume(&cache, digest, 5).unwrap();
        partial.write_all(b"world").unwrap();
        assert_eq!(partial.finish().unwrap(), Err(Digest::of(b"world")));
        assert!(!cache.contains(digest, 5));
        assert_eq!(partials(&dir), 0);
    }

    #[test]
    fn what_is_longer_than_the_blob_is_begun_anew() {
        let (_dir, cache) = cache();
        let digest = Digest::of(b"hello");
        Partial::resume(&cache, digest, 99).unwrap().write_all(b"hello world").unwrap();
        assert_eq!(Partial::resume(&cache, digest, 5).unwrap().length(), 0);
    }

    #[test]
    fn two_that_write_the_same_blob_do_not_meet() {
        let (dir, cache) = cache();
        let digest = Digest::of(b"hello");
        let mut first = Partial::resume(&cache, digest, 5).unwrap();
        first.write_all(b"he").unwrap();
        let mut second = Partial::resume(&cache, digest, 5).unwrap();
        assert_eq!(second.length(), 0, "the other one is locked");
        second.write_all(b"hello").unwrap();
        assert_eq!(second.finish().unwrap(), Ok(()));
        first.write_all(b"llo").unwrap();
        assert_eq!(first.finish().unwrap(), Ok(()));
        assert!(cache.contains(digest, 5));
        assert_eq!(partials(&dir), 0);
        drop(Partial::unique(&cache, digest).unwrap());
        assert_eq!(partials(&dir), 0, "what nobody could go on with is removed");
    }
}
