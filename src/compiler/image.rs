//! References to container images, as an environment writes them: with a tag.

use std::fmt;

use serde::Deserialize;

use crate::text::{TextError, format_schema};

/// An image by registry, repository and tag, such as `ghcr.io/owner/app:1.2`.
///
/// The registry is always written out: what a bare `nginx` means depends on who reads it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct ImageReference {
    name: String,
    tag: String,
}

format_schema!(ImageReference, "image");

impl ImageReference {
    /// The grammar in words.
    pub(crate) const EXPECTED: &str =
        "an image with registry and tag, such as `docker.io/library/nats:2.11`";

    /// Takes `name`, with its registry, and `tag`.
    pub(crate) fn from_parts(name: &str, tag: &str) -> Option<Self> {
        Self::parse(&format!("{name}:{tag}"))
    }

    /// Parses `registry/repository:tag`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (name, tag) = text.rsplit_once(':')?;
        let (registry, repository) = name.split_once('/')?;
        let is_registry = registry.contains(['.', ':']) || registry == "localhost";
        (is_registry && registry.split(':').all(is_host_part) && is_repository(repository))
            .then_some(())?;
        is_tag(tag).then(|| Self { name: name.to_owned(), tag: tag.to_owned() })
    }

    /// Returns registry and repository.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the tag.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }
}

impl TryFrom<String> for ImageReference {
    type Error = TextError;

    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text).ok_or(TextError { text, expected: Self::EXPECTED })
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.tag)
    }
}

fn is_host_part(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b))
}

/// Checks the grammar of a repository name (OCI distribution spec, "Pulling manifests").
fn is_repository(text: &str) -> bool {
    let is_edge = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.split('/').all(|part| {
        part.bytes().next().is_some_and(is_edge)
            && part.bytes().last().is_some_and(is_edge)
            && part.bytes().all(|byte| is_edge(byte) || b"._-".contains(&byte))
    })
}

/// Checks the grammar of a tag (OCI distribution spec, "Pulling manifests").
fn is_tag(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    text.len() <= 128
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().all(|byte| is_word(byte) || b".-".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_reference_has_registry_repository_and_tag() {
        for (text, parts) in [
            ("ghcr.io/owner/app:1.2", Some(("ghcr.io/owner/app", "1.2"))),
            ("localhost:5000/app:dev", Some(("localhost:5000/app", "dev"))),
            ("nginx:1.29", None),
            ("library/nginx:1.29", None),
            ("docker.io/library/nginx", None),
            ("localhost:5000/app", None),
            ("ghcr.io/Owner/app:1", None),
            ("ghcr.io/owner/app:1@sha256:00", None),
            ("ghcr.io//app:1", None),
        ] {
            let image = ImageReference::parse(text);
            let found = image.as_ref().map(|image| (image.name(), image.tag()));
            assert_eq!(found, parts, "{text}");
        }
    }
}
