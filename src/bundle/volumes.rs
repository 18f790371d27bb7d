//! Reads volumes as the file that they make, without joining them on a disk.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use crate::{
    digest::Digester,
    error::VolumeError,
    header::{self, RECORD},
    split::copy,
    text::Difference,
    volume::{LABEL, Label, MAX_LABEL_BYTES, WholeFile},
};

/// All volumes of a file. Reads and seeks as the file.
#[derive(Clone, Debug)]
pub struct Volumes<R> {
    file: WholeFile,
    /// By number, each there once.
    parts: Vec<Volume<R>>,
    /// Where in the file is read next.
    position: u64,
    /// The volume whose source stands at `position`.
    ready: Option<usize>,
}

#[derive(Clone, Debug)]
struct Volume<R> {
    /// What the caller calls it.
    name: String,
    source: R,
    label: Label,
    /// Where in the volume its part begins.
    start: u64,
}

/// Which volume of which file one is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VolumePlace {
    /// From 1.
    pub number: u32,
    /// How many volumes the file has.
    pub count: u32,
    /// Name of the file.
    pub file: String,
}

impl VolumePlace {
    /// Reads what the volume says of itself; `name` is what errors call it.
    ///
    /// # Errors
    /// Fails when it is no volume, or is cut.
    pub fn of<R: Read + Seek>(name: &str, source: R) -> Result<Self, VolumeError> {
        let Label { number, count, file, .. } = Volume::open(name.to_owned(), source)?.label;
        Ok(Self { number, count, file: file.name })
    }
}

impl<R: Read + Seek> Volumes<R> {
    /// Takes the volumes of one file in any order, each with the name that errors call it by.
    ///
    /// Labels and lengths are checked here, content by [`Self::check`].
    ///
    /// # Errors
    /// Fails when one is no volume, is cut, belongs to another file, or is there twice, and when any
    /// are missing.
    pub fn open(sources: impl IntoIterator<Item = (String, R)>) -> Result<Self, VolumeError> {
        let volumes = sources.into_iter().map(|(name, source)| Volume::open(name, source));
        let mut volumes = volumes.collect::<Result<Vec<_>, _>>()?;
        let first = volumes.first().ok_or(VolumeError::None)?;
        let (file, count) = (first.label.file.clone(), first.label.count);
        let is_other = |it: &&Volume<R>| (&it.label.file, it.label.count) != (&file, count);
        if let Some(volume) = volumes.iter().find(is_other) {
            let (volume, other) = (volume.name.clone(), first.name.clone());
            return Err(VolumeError::OtherFile { volume, other });
        }
        volumes.sort_by_key(|it| it.label.number);
        if let Some([a, b]) = volumes.array_windows().find(|[a, b]| a.number() == b.number()) {
            let volumes = [a.name.clone(), b.name.clone()];
            return Err(VolumeError::Twice { number: a.number(), volumes });
        }
        let has = |number: &u32| volumes.binary_search_by_key(number, Volume::number).is_ok();
        let missing: Vec<_> = (1..=count).filter(|number| !has(number)).collect();
        if !missing.is_empty() {
            let file = file.name;
            return Err(VolumeError::Missing { file, count, missing });
        }
        if let Some([_, b]) = volumes.array_windows().find(|[a, b]| a.end() != b.label.offset) {
            let (volume, what) = (b.name.clone(), "where its part begins");
            return Err(VolumeError::Contradiction { volume, what });
        }
        Ok(Self { file, parts: volumes, position: 0, ready: None })
    }

    /// Returns the name of the file.
    #[must_use]
    pub fn file_name(&self) -> &str {
        &self.file.name
    }

    /// Returns the size of the file in bytes.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.file.size
    }

    /// Reads every volume to its end and finds those that are not as they were written, so that a
    /// person can copy only these again. That says nothing about whom to trust: verify the file.
    ///
    /// # Errors
    /// Fails when a volume cannot be read, and names all that are damaged; or when the volumes are
    /// whole, but do not make the file that they name.
    pub fn check(&mut self) -> Result<(), VolumeError> {
        self.ready = None;
        let (mut damaged, mut whole) = (Vec::new(), Digester::default());
        for volume in &mut self.parts {
            if !volume.is_whole(&mut whole)? {
                damaged.push(volume.name.clone());
            }
        }
        if !damaged.is_empty() {
            return Err(VolumeError::Damaged { volumes: damaged });
        }
        let (expected, computed) = (self.file.digest, whole.finish());
        if computed == expected {
            return Ok(());
        }
        Err(VolumeError::NotTheFile { expected, computed })
    }
}

impl<R> Volume<R> {
    fn number(&self) -> u32 {
        self.label.number
    }

    /// Where in the file its part ends.
    fn end(&self) -> u64 {
        self.label.offset + self.label.part.size
    }
}

impl<R: Read + Seek> Volume<R> {
    fn open(name: String, mut source: R) -> Result<Self, VolumeError> {
        let unread = |source| VolumeError::Read { what: name.clone(), source };
        let bad = |found: String| VolumeError::NotAVolume { volume: name.clone(), found };
        let size = source.seek(SeekFrom::End(0)).map_err(unread)?;
        source.seek(SeekFrom::Start(0)).map_err(unread)?;
        if size < RECORD as u64 {
            return Err(bad(format!("it has only {size} bytes")));
        }
        let mut record = [0; RECORD];
        source.read_exact(&mut record).map_err(unread)?;
        let label_size = match header::parse(&record) {
            Some((entry, size)) if entry == LABEL.as_bytes() && size <= MAX_LABEL_BYTES => size,
            _ => return Err(bad(header::describe(&record))),
        };
        let mut label = vec![0; usize::try_from(label_size).unwrap_or(0)];
        source.read_exact(&mut label).map_err(unread)?;
        let label = Label::from_bytes(&name, &label)?;
        let expected = label.start();
        let expected =
            expected.map_err(|source| VolumeError::Label { volume: name.clone(), source })?;
        let mut found = vec![0; expected.len()];
        source.seek(SeekFrom::Start(0)).map_err(unread)?;
        source.read_exact(&mut found).map_err(unread)?;
        if let Some(difference) = Difference::between(&found, &expected) {
            return Err(bad(difference.to_string()));
        }
        let start = expected.len() as u64;
        let expected = start + label.part.size + label.end() as u64;
        if size != expected {
            return Err(VolumeError::Length { volume: name, expected, found: size });
        }
        Ok(Self { name, source, label, start })
    }

    /// Reads everything from the part on; adds the part to `whole`.
    fn is_whole(&mut self, whole: &mut Digester) -> Result<bool, VolumeError> {
        let unread = |source| VolumeError::Read { what: self.name.clone(), source };
        self.source.seek(SeekFrom::Start(self.start)).map_err(unread)?;
        let mut own = Digester::default();
        let read = copy(&mut self.source, self.label.part.size, |piece| {
            own.update(piece);
            whole.update(piece);
            Ok(())
        });
        read.map_err(unread)?;
        let mut is_zero = true;
        let end = self.label.end() as u64;
        let read = copy(&mut self.source, end, |piece| {
            is_zero &= piece.iter().all(|byte| *byte == 0);
            Ok(())
        });
        read.map_err(unread)?;
        Ok(is_zero && own.finish() == self.label.part.digest)
    }
}

impl<R: Read + Seek> Read for Volumes<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let position = self.position;
        let index = self.parts.partition_point(|it| it.end() <= position);
        let Some(volume) = self.parts.get_mut(index) else {
            return Ok(0);
        };
        if self.ready != Some(index) {
            let within = volume.start + (position - volume.label.offset);
            volume.source.seek(SeekFrom::Start(within))?;
        }
        self.ready = None;
        let left = volume.end() - position;
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let count = volume.source.read(&mut buffer[..most])?;
        if count == 0 && most > 0 {
            let message = format!("{} ends early", volume.name);
            return Err(io::Error::new(ErrorKind::UnexpectedEof, message));
        }
        self.position += count as u64;
        self.ready = Some(index);
        Ok(count)
    }
}

impl<R: Read + Seek> Seek for Volumes<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(by) => self.size().checked_add_signed(by),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
        };
        let position = position.ok_or(ErrorKind::InvalidInput)?;
        if position != self.position {
            self.ready = None;
        }
        self.position = position;
        Ok(position)
    }
}
