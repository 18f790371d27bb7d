//! The beginning of a blob on disk.

use std::{
    hash::{BuildHasher as _, RandomState},
    io::{self, Read as _, Seek as _, SeekFrom, Write},
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use a4co_bundle::{Digest, Digester};
use fs_err as fs;

use crate::cache::Cache;

/// How often the same is tried when other processes come in between.
const MOST_ROUNDS: usize = 3;
/// How long the beginning of a blob may lie without anybody going on with it.
const LONGEST_REST: Duration = Duration::from_hours(24);

/// Removes what was written before `now` by more than a day, unless somebody is at it. What cannot be
/// removed does no harm.
pub(crate) fn remove_old(dir: &Path, now: SystemTime) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let _ = remove_if_old(&path, now);
    }
}

fn remove_if_old(path: &Path, now: SystemTime) -> io::Result<()> {
    let is_part = path.extension().is_some_and(|it| it == "part");
    let is_file = fs::symlink_metadata(path)?.is_file();
    if !is_part || !is_file {
        return Ok(());
    }
    let file = fs::File::open(path)?;
    file.file().try_lock()?;
    // What was gone on with in between is not old.
    let rest = now.duration_since(file.metadata()?.modified()?).unwrap_or_default();
    if rest > LONGEST_REST { fs::remove_file(path) } else { Ok(()) }
}

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
    /// nothing is there, it is longer than `size`, or another process is at it. What is no file is
    /// left alone.
    pub(crate) fn resume(cache: &Cache, digest: Digest, size: u64) -> io::Result<Self> {
        let path = cache.partial_path(digest, "");
        for _ in 0..MOST_ROUNDS {
            if fs::symlink_metadata(&path).is_ok_and(|it| !it.is_file()) {
                break;
            }
            let mut options = fs::OpenOptions::new();
            let file = options.read(true).write(true).create(true).truncate(false).open(&path)?;
            if file.file().try_lock().is_err() {
                break;
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
        Self::unique(cache, digest)
    }

    /// Begins a file that nobody else writes.
    pub(crate) fn unique(cache: &Cache, digest: Digest) -> io::Result<Self> {
        // Not the number of the process: containers that share a cache have the same ones.
        Self::numbered(cache, digest, std::iter::repeat_with(|| RandomState::new().hash_one(0)))
    }

    /// Begins a file with the first of `numbers` that is free.
    fn numbered(
        cache: &Cache,
        digest: Digest,
        numbers: impl Iterator<Item = u64>,
    ) -> io::Result<Self> {
        let mut taken = io::Error::from(io::ErrorKind::AlreadyExists);
        for number in numbers.take(MOST_ROUNDS) {
            let path = cache.partial_path(digest, &format!("{number:016x}"));
            match fs::OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    // For who removes what is old. Without locks nothing is.
                    let _ = file.file().try_lock();
                    return Ok(Self::over(cache, digest, path, file, false));
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => taken = error,
                Err(error) => return Err(error),
            }
        }
        Err(taken)
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
    fn a_file_of_its_own_is_never_one_that_is_there() {
        let (dir, cache) = cache();
        let digest = Digest::of(b"hello");
        let mut first = Partial::numbered(&cache, digest, [7].into_iter()).unwrap();
        first.write_all(b"hello").unwrap();
        let error = Partial::numbered(&cache, digest, std::iter::repeat(7)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        let second = Partial::numbered(&cache, digest, [7, 8].into_iter()).unwrap();
        assert_eq!(partials(&dir), 2);
        drop(second);
        assert_eq!(first.finish().unwrap(), Ok(()), "nobody wrote into it");
    }

    #[test]
    fn what_is_no_file_is_neither_waited_for_nor_written() {
        let (dir, cache) = cache();
        let digest = Digest::of(b"hello");
        let path = cache.partial_path(digest, "");
        let target = dir.path().join("precious");
        fs::write(&target, "something longer").unwrap();
        std::os::unix::fs::symlink(&target, &path).unwrap();
        let mut partial = Partial::resume(&cache, digest, 5).unwrap();
        assert_eq!(partial.length(), 0);
        partial.write_all(b"hello").unwrap();
        assert_eq!(partial.finish().unwrap(), Ok(()));
        assert_eq!(fs::read(&target).unwrap(), b"something longer");
        assert_eq!(fs::read(cache.path(digest)).unwrap(), b"hello");
        fs::remove_file(&target).unwrap();
        drop(Partial::resume(&cache, digest, 5).unwrap());
        assert!(!target.exists(), "a link to nothing makes nothing");
    }

    #[test]
    fn what_nobody_went_on_with_for_a_day_is_removed() {
        let (dir, cache) = cache();
        let now = SystemTime::now();
        let hours = |count| now - Duration::from_hours(count);
        let digest = |name: &str| Digest::of(name.as_bytes());
        for (name, written) in [("old", hours(25)), ("new", hours(23)), ("locked", hours(25))] {
            let file = fs::File::create(cache.partial_path(digest(name), "")).unwrap();
            file.file().set_modified(written).unwrap();
        }
        let other = dir.path().join("partial").join("notes");
        fs::File::create(&other).unwrap().file().set_modified(hours(99)).unwrap();
        let locked = Partial::resume(&cache, digest("locked"), 5).unwrap();
        remove_old(&dir.path().join("partial"), now);
        let is_there = |name: &str| cache.partial_path(digest(name), "").exists();
        assert_eq!(["old", "new", "locked"].map(is_there), [false, true, true]);
        assert!(other.exists(), "what is not ours stays");
        drop(locked);
        Cache::open(dir.path()).unwrap();
        assert!(!is_there("locked"));
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
