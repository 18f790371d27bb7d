use std::io;

use thiserror::Error;

use crate::{canonical::CanonicalError, digest::Digest, text::printable};

/// Why a file cannot be split into volumes, or volumes do not make a file.
#[derive(Debug, Error)]
pub enum VolumeError {
    /// The file or a volume could not be read.
    #[error("cannot read {what}")]
    Read {
        /// The file, or a volume by the name that the caller gave it.
        what: String,
        /// Why.
        source: io::Error,
    },
    /// A volume could not be written.
    #[error("cannot write volume {number}")]
    Write {
        /// Number of the volume.
        number: u32,
        /// Why.
        source: io::Error,
    },
    /// A size of volumes that cannot be.
    #[error("a volume of {found} bytes cannot be written: {least} to {most} can")]
    VolumeSize {
        /// Size asked for in bytes.
        found: u64,
        /// Least size in bytes.
        least: u64,
        /// Largest size in bytes.
        most: u64,
    },
    /// Too many volumes.
    #[error("the file would need {count} volumes, more than {limit}; make them larger")]
    TooManyVolumes {
        /// How many.
        count: u64,
        /// Limit.
        limit: u32,
    },
    /// A file of nothing.
    #[error("the file is empty")]
    Empty,
    /// A name that means something else on some system.
    #[error(
        "`{}` cannot be the name of a file in volumes: 1 to 200 of A-Z a-z 0-9 . - _ +",
        printable(name)
    )]
    Name {
        /// Name.
        name: String,
    },
    /// A number beyond the last volume.
    #[error("there is no volume {number} of {count}")]
    NoSuchVolume {
        /// Number.
        number: u32,
        /// How many there are.
        count: u32,
    },
    /// The file became another one between the two passes.
    #[error("the file changed while it was split")]
    Changed,
    /// Not a volume.
    #[error("{volume} is not a volume as a4co writes it: {found}")]
    NotAVolume {
        /// Name that the caller gave it.
        volume: String,
        /// What stands there.
        found: String,
    },
    /// The label of a volume is malformed.
    #[error("`a4co/volume.json` in {volume} is malformed")]
    Label {
        /// Name that the caller gave the volume.
        volume: String,
        /// Why.
        source: CanonicalError,
    },
    /// Another schema of it.
    #[error(
        "{volume} has schema {found}, but only {supported} is supported; use a newer a4co-apply"
    )]
    Schema {
        /// Name that the caller gave the volume.
        volume: String,
        /// Schema found.
        found: u32,
        /// Schema known.
        supported: u32,
    },
    /// A label whose numbers contradict each other.
    #[error("{volume} contradicts itself or the others: {what}")]
    Contradiction {
        /// Name that the caller gave the volume.
        volume: String,
        /// In what.
        what: &'static str,
    },
    /// A volume that is too short or too long.
    #[error("{volume} has {found} bytes instead of {expected}; copy it again")]
    Length {
        /// Name that the caller gave the volume.
        volume: String,
        /// Size that it must have.
        expected: u64,
        /// Size that it has.
        found: u64,
    },
    /// No volume at all.
    #[error("no volume was given")]
    None,
    /// A volume of another file.
    #[error("{volume} belongs to another file than {other}")]
    OtherFile {
        /// Name that the caller gave the volume.
        volume: String,
        /// A volume of the first file.
        other: String,
    },
    /// One volume twice.
    #[error("{} and {} are both volume {number}", volumes[0], volumes[1])]
    Twice {
        /// Number of the volume.
        number: u32,
        /// Names that the caller gave them.
        volumes: [String; 2],
    },
    /// Volumes that are not there.
    #[error("of the {count} volumes of `{file}`, these are missing: {}", list(missing))]
    Missing {
        /// Name of the file.
        file: String,
        /// How many volumes it has.
        count: u32,
        /// Numbers of those that are missing.
        missing: Vec<u32>,
    },
    /// Volumes whose content is not what their labels say.
    #[error("damaged, copy again: {}", volumes.join(", "))]
    Damaged {
        /// Names that the caller gave them.
        volumes: Vec<String>,
    },
    /// The volumes are whole, but the file that they make is not the one they were made of.
    #[error("the volumes are whole, but make a file with digest {computed} instead of {expected}")]
    NotTheFile {
        /// Digest that the labels state.
        expected: Digest,
        /// Digest of what the volumes hold.
        computed: Digest,
    },
}

/// Most numbers that are shown.
const SHOWN: usize = 20;

fn list(numbers: &[u32]) -> String {
    let shown: Vec<_> = numbers.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = numbers.len().saturating_sub(SHOWN);
    shown.join(", ") + &if more > 0 { format!(" and {more} more") } else { String::new() }
}
