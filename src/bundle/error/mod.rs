//! What can be wrong with a bundle, one enum for each concern.

mod archive;
mod image;
mod release;
mod trust;
mod volume;

use thiserror::Error;

pub use archive::ArchiveError;
pub use image::{DocumentError, ImageError};
pub use release::ReleaseError;
pub use trust::{StatementError, TrustError};
pub use volume::VolumeError;

/// Why a bundle is refused.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The file does not have the checksum that its own end states, so what `source` found wrong
    /// was not written like this.
    #[error("the file was damaged on its way here")]
    Damaged(#[source] Box<Self>),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The trust.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The release.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The statement.
    #[error(transparent)]
    Statement(#[from] StatementError),
    /// The images.
    #[error(transparent)]
    Image(#[from] ImageError),
}

impl BundleError {
    /// Returns whether another copy of the same file may well be good: this one is cut or its
    /// checksum is wrong. Otherwise it was written like this, by whoever wrote it.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        match self {
            Self::Damaged(_) => true,
            Self::Archive(error) => {
                matches!(error, ArchiveError::Cut { .. } | ArchiveError::Gzip { .. })
            }
            Self::Trust(_) | Self::Release(_) | Self::Statement(_) | Self::Image(_) => false,
        }
    }

    /// Returns whether the gzip layer was whole as far as it was read.
    pub(crate) fn is_about_content(&self) -> bool {
        match self {
            Self::Damaged(_) => false,
            Self::Archive(error) => !matches!(
                error,
                ArchiveError::NotABundle { .. }
                    | ArchiveError::Read { .. }
                    | ArchiveError::Write(_)
                    | ArchiveError::Cut { .. }
                    | ArchiveError::Gzip { .. }
                    | ArchiveError::Trailing { .. }
            ),
            Self::Image(error) => !matches!(error, ImageError::Source { .. }),
            Self::Trust(_) | Self::Release(_) | Self::Statement(_) => true,
        }
    }
}
