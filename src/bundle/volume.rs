//! One volume of a file: a part of it, with a label that says which.
//!
//! ```text
//! tar
//! ├─ a4co/volume.json   the label
//! └─ part               bytes of the file
//! ```
//!
//! The tar is as strict as that of a bundle, but not in gzip: `tar -xOf VOLUME part` of each volume in
//! order gives the file.

use serde::{Deserialize, Serialize};

use crate::{
    canonical::{self, CanonicalError},
    digest::Digest,
    error::VolumeError,
    header::{self, MAX_ENTRY_BYTES, RECORD},
};

/// Version of the schema of a volume's label.
pub const VOLUME_SCHEMA: u32 = 1;
/// Most volumes of a file. A reader may have all of them open at once, and most systems let a program
/// open 1,024 files.
pub(crate) const MAX_VOLUMES: u32 = 500;
/// Largest label.
pub(crate) const MAX_LABEL_BYTES: u64 = 2048;
/// Smallest volume that is written, in bytes.
pub const MIN_VOLUME_BYTES: u64 = 64 << 10;
/// What a volume has at most beside its part: two headers, a label, two paddings and the end.
pub(crate) const OVERHEAD: u64 = 4096;
/// Largest volume that is written, in bytes: its part fits a tar header. Just below 8 GiB.
pub const MAX_VOLUME_BYTES: u64 = MAX_ENTRY_BYTES / RECORD as u64 * RECORD as u64;

pub(crate) const LABEL: &str = "a4co/volume.json";
pub(crate) const PART: &str = "part";

/// What a volume says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Label {
    /// How many volumes the file has.
    pub(crate) count: u32,
    pub(crate) file: WholeFile,
    /// From 1.
    pub(crate) number: u32,
    /// Where in the file the part begins.
    pub(crate) offset: u64,
    pub(crate) part: Part,
    pub(crate) schema: u32,
}

/// The file that volumes make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WholeFile {
    pub(crate) digest: Digest,
    pub(crate) name: String,
    pub(crate) size: u64,
}

/// The bytes of the file that a volume has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Part {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

impl Label {
    /// Returns the first bytes of the volume: everything before its part.
    pub(crate) fn start(&self) -> Result<Vec<u8>, CanonicalError> {
        let label = canonical::to_bytes(self)?;
        let size = label.len() as u64;
        let headers = header::header(LABEL.as_bytes(), size).into_iter();
        let mut start: Vec<u8> = headers.flatten().collect();
        start.extend_from_slice(&label);
        start.resize(start.len().next_multiple_of(RECORD), 0);
        start.extend(header::header(PART.as_bytes(), self.part.size).into_iter().flatten());
        Ok(start)
    }

    /// Returns the last bytes of the volume: everything after its part, all of them zeros.
    pub(crate) fn end(&self) -> usize {
        header::padding(self.part.size) + 2 * RECORD
    }

    /// Reads the label of `volume` and checks it by itself.
    pub(crate) fn from_bytes(volume: &str, bytes: &[u8]) -> Result<Self, VolumeError> {
        let malformed = |source| VolumeError::Label { volume: volume.to_owned(), source };
        // Asked first: another schema has other fields, and the person should hear the reason.
        let Schema { schema: found } = canonical::from_bytes(bytes).map_err(malformed)?;
        if found != VOLUME_SCHEMA {
            let (volume, supported) = (volume.to_owned(), VOLUME_SCHEMA);
            return Err(VolumeError::Schema { volume, found, supported });
        }
        let label: Self = canonical::from_exact_bytes(bytes).map_err(malformed)?;
        label
            .check()
            .map_err(|what| VolumeError::Contradiction { volume: volume.to_owned(), what })?;
        Ok(label)
    }

    /// Whether the part begins and ends where a writer cuts, who gives all parts but the last one size,
    /// a multiple of a record.
    fn is_even(&self) -> bool {
        let before = u64::from(self.number.saturating_sub(1));
        let size = match before {
            _ if self.number < self.count => self.part.size,
            0 => return true,
            _ => self.offset / before,
        };
        size.checked_mul(before) == Some(self.offset)
            && size.is_multiple_of(RECORD as u64)
            && self.part.size <= size
    }

    fn check(&self) -> Result<(), &'static str> {
        let Self { count, file, number, offset, part, .. } = self;
        let end = offset.checked_add(part.size);
        for (is_good, what) in [
            (is_file_name(&file.name), "the name of the file"),
            ((1..=MAX_VOLUMES).contains(count), "the number of volumes"),
            ((1..=*count).contains(number), "its number"),
            ((1..=MAX_ENTRY_BYTES).contains(&part.size), "the size of its part"),
            ((*number == 1) == (*offset == 0), "where its part begins"),
            (end.is_some_and(|end| end <= file.size), "where its part ends"),
            ((number == count) == (end == Some(file.size)), "whether it is the last"),
            (self.is_even(), "where its part begins or ends: all parts but the last have one size"),
        ] {
            if !is_good {
                return Err(what);
            }
        }
        Ok(())
    }
}

/// Checks for a name that no file system and no shell takes for something else.
pub(crate) fn is_file_name(name: &str) -> bool {
    let is_in = |byte: u8| byte.is_ascii_alphanumeric() || b".-_+".contains(&byte);
    (1..=200).contains(&name.len()) && !name.starts_with(['.', '-']) && name.bytes().all(is_in)
}

/// Returns whether a file that begins with `start` is a volume; 512 bytes are enough to tell.
#[must_use]
pub fn is_volume(start: &[u8]) -> bool {
    let header = start.first_chunk().and_then(header::parse);
    header.is_some_and(|(name, _)| name == LABEL.as_bytes())
}

/// Returns the usual name of a volume, `NAME.vol-01-of-12.tar`: a shell lists them in order.
#[must_use]
pub fn volume_name(file: &str, number: u32, count: u32) -> String {
    let width = count.to_string().len();
    format!("{file}.vol-{number:0width$}-of-{count}.tar")
}

/// Zeros for the end of a volume.
pub(crate) const END: [u8; 3 * RECORD] = [0; 3 * RECORD];
