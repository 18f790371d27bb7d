//! What a manifest is asked for by.

use std::fmt;

use a4co_bundle::{Digest, is_tag};

use crate::{name::ParseNameError, text::printable};

/// A tag or a digest: what names a manifest inside its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A name that can move.
    Tag(String),
    /// The digest of the manifest's bytes.
    Digest(Digest),
}

impl Reference {
    /// Makes a reference of a tag.
    ///
    /// # Errors
    /// Fails when `tag` is not what the OCI distribution specification allows.
    pub fn tag(tag: &str) -> Result<Self, ParseNameError> {
        if is_tag(tag) {
            return Ok(Self::Tag(tag.to_owned()));
        }
        Err(ParseNameError::Tag { text: printable(tag) })
    }
}

impl From<Digest> for Reference {
    fn from(digest: Digest) -> Self {
        Self::Digest(digest)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tag(tag) => f.pad(tag),
            Self::Digest(digest) => digest.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_cannot_be_a_path_or_a_digest() {
        for good in ["latest", "2.11-alpine", "_", "V1"] {
            assert_eq!(Reference::tag(good).unwrap().to_string(), good);
        }
        for bad in ["", ".", "..", "-a", "a/b", "a:b", "a b", "ä", &"a".repeat(129)] {
            assert!(Reference::tag(bad).is_err(), "{bad}");
        }
    }
}
