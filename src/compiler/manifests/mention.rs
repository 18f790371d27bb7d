//! Images in texts: which parts of a text name one.

use std::ops::Range;

use a4co_bundle::Digest;

use crate::image::{ImageReference, corrected};

/// An image as a text names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mention {
    /// By its tag.
    Tag(ImageReference),
    /// By its digest, and perhaps by its tag too.
    Digest {
        /// Registry and repository.
        name: String,
        /// The tag, if there is one.
        tag: Option<String>,
        /// The digest.
        digest: Digest,
    },
}

impl Mention {
    /// Reads `registry/repository:tag`, `registry/repository@digest`, or one with both.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some((tagged, digest)) = text.split_once('@') else {
            return ImageReference::parse(text).map(Self::Tag);
        };
        let digest = digest.parse().ok()?;
        if let Some(image) = ImageReference::parse(tagged) {
            let (name, tag) = (image.name().to_owned(), Some(image.tag().to_owned()));
            return Some(Self::Digest { name, tag, digest });
        }
        // Any tag will do to check the name alone.
        ImageReference::from_parts(tagged, "x")?;
        Some(Self::Digest { name: tagged.to_owned(), tag: None, digest })
    }

    /// Finds every image in `text`, with where it stands.
    pub(crate) fn find(text: &str) -> Vec<(Range<usize>, Self)> {
        let words = words(text).into_iter();
        words.filter_map(|word| Some((word.clone(), Self::parse(&text[word])?))).collect()
    }

    /// Finds every image in `text` that is not in its one spelling, so that nobody would pin it.
    pub(crate) fn find_misspelt(text: &str) -> Vec<&str> {
        let words = words(text).into_iter().map(|word| &text[word]);
        words.filter(|word| Self::parse(word).is_none() && corrected(word).is_some()).collect()
    }
}

/// Finds everything in `text` that could be an image.
fn words(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(start) = text[at..].find(is_part).map(|start| at + start) {
        let rest = &text[start..];
        let end = start + rest.find(|c| !is_part(c)).unwrap_or(rest.len());
        at = end;
        let mut word = start..end;
        // A scheme of those who take images for files; any other makes a URL of the word.
        if let Some((scheme, image)) = text[word.clone()].split_once("://") {
            if !matches!(scheme, "oci" | "docker") {
                continue;
            }
            word.start = end - image.len();
        }
        // The end of a sentence is no part of a name.
        let trimmed = text[word.clone()].trim_end_matches(['.', ':', '/']);
        word.end = word.start + trimmed.len();
        found.push(word);
    }
    found
}

/// Returns whether images can have `c` in them.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._:/@-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_in_another_spelling_is_not_passed_over() {
        let text = "a=docker.io/nats:1 b=docker.io/library/nats:1 c=oci://Quay.io/x:1. d=smtp.x:25";
        assert_eq!(Mention::find_misspelt(text), ["docker.io/nats:1", "Quay.io/x:1"]);
    }

    #[test]
    fn images_are_found_wherever_they_stand() {
        let digest = format!("sha256:{}", "ab".repeat(32));
        let pinned = format!("quay.io/a/b@{digest}");
        let both = format!("quay.io/a/b:v1@{digest}");
        for (case, text, expected) in [
            ("alone", "quay.io/a/b:v1".to_owned(), vec!["quay.io/a/b:v1"]),
            ("in an argument", "--image=quay.io/a/b:v1".to_owned(), vec!["quay.io/a/b:v1"]),
            (
                "several in one text",
                "x=quay.io/a:1,y='ghcr.io/b:2'.\nz".to_owned(),
                vec!["quay.io/a:1", "ghcr.io/b:2"],
            ),
            ("at the end of a sentence", "We run quay.io/a:1.".to_owned(), vec!["quay.io/a:1"]),
            ("with the scheme of an image", "oci://quay.io/a:1".to_owned(), vec!["quay.io/a:1"]),
            ("by digest", pinned.clone(), vec![pinned.as_str()]),
            ("by tag and digest", both.clone(), vec![both.as_str()]),
            ("a URL with a port", "https://quay.io/a:1".to_owned(), vec![]),
            ("a host with a port", "smtp.example.com:25".to_owned(), vec![]),
            ("without registry", "nginx:1 library/nginx:1".to_owned(), vec![]),
            ("without tag", "quay.io/a/b".to_owned(), vec![]),
            ("with a digest that is none", "quay.io/a/b@sha256:00".to_owned(), vec![]),
            ("among other letters", "«quay.io/ä:1» ünd".to_owned(), vec![]),
        ] {
            let found = Mention::find(&text);
            let found: Vec<_> = found.into_iter().map(|(range, _)| &text[range]).collect();
            assert_eq!(found, expected, "{case}");
        }
    }
}
