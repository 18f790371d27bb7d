//! References to container images, as an environment writes them: with a tag.

use std::fmt;

use a4co_bundle::{is_image_name, is_registry, is_repository, is_tag};
use serde::Deserialize;

use crate::text::{TextError, format_schema};

/// An image by registry, repository and tag, such as `ghcr.io/owner/app:1.2`.
///
/// The registry is always written out: what a bare `nginx` means depends on who reads it. So is every
/// other part, since an image has one place: `docker.io/nats` is `docker.io/library/nats` to those who
/// fetch it, but another repository to a site that mirrors by name.
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
        (is_image_name(name) && is_tag(tag) && corrected(text).is_none())
            .then(|| Self { name: name.to_owned(), tag: tag.to_owned() })
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

/// Docker Hub by its other names.
const DOCKER_HUB_ALIASES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];

/// Returns the one spelling of an image with a registry, and with tag or digest, that `text` spells in
/// another way.
pub(crate) fn corrected(text: &str) -> Option<String> {
    let (tagged, digest) = text.find('@').map_or((text, ""), |at| text.split_at(at));
    let (name, tag) = match tagged.rsplit_once(':') {
        Some((name, tag)) if is_tag(tag) => (name, &tagged[name.len()..]),
        _ if digest.is_empty() => return None,
        _ => (tagged, ""),
    };
    let (registry, repository) = name.split_once('/')?;
    let registry = registry.to_ascii_lowercase();
    if !is_registry(&registry) || !is_repository(repository) {
        return None;
    }
    let is_alias = DOCKER_HUB_ALIASES.contains(&registry.as_str());
    let registry = if is_alias { "docker.io".to_owned() } else { registry };
    let is_official = registry == "docker.io" && !repository.contains('/');
    let owner = if is_official { "library/" } else { "" };
    let full = format!("{registry}/{owner}{repository}{tag}{digest}");
    (full != text).then_some(full)
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
            ("ghcr.io/a..b:1", None),
            ("localhost:0/app:1", None),
            ("docker.io/nats:1", None),
            ("index.docker.io/library/nats:1", None),
            ("GHCR.io/owner/app:1", None),
        ] {
            let image = ImageReference::parse(text);
            let found = image.as_ref().map(|image| (image.name(), image.tag()));
            assert_eq!(found, parts, "{text}");
        }
    }

    #[test]
    fn an_image_has_one_spelling() {
        let digest = format!("@sha256:{}", "ab".repeat(32));
        for (case, text, expected) in [
            ("the one spelling", "docker.io/library/nats:1", None),
            ("an official image", "docker.io/nats:1", Some("docker.io/library/nats:1")),
            ("another name of Docker Hub", "index.docker.io/a/b:1", Some("docker.io/a/b:1")),
            ("both", "registry-1.docker.io/nats:1", Some("docker.io/library/nats:1")),
            ("upper case", "Quay.IO:443/a:V1", Some("quay.io:443/a:V1")),
            ("an official image elsewhere", "quay.io/nats:1", None),
            ("no tag", "docker.io/nats", None),
            ("no registry", "nats:1", None),
            ("no image", "Docker.io//x:1", None),
        ] {
            assert_eq!(corrected(text).as_deref(), expected, "{case}");
        }
        for (text, expected) in [
            ("docker.io/nats", Some("docker.io/library/nats")),
            ("docker.io/nats:1", Some("docker.io/library/nats:1")),
            ("quay.io/nats", None),
        ] {
            let expected = expected.map(|it| format!("{it}{digest}"));
            assert_eq!(corrected(&format!("{text}{digest}")), expected);
        }
    }
}
