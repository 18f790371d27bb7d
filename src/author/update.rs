//! Which pins may move, as a person names them.

use std::collections::BTreeSet;

use a4co_compiler::{ImageReference, Lock};
use thiserror::Error;

/// Which pins may move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Update {
    /// These.
    Some(BTreeSet<ImageReference>),
    /// All of them.
    All,
}

/// Why a text names no pin that could move.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum UpdateError {
    #[error("no environment runs `{text}`, so its pin cannot move")]
    Unknown { text: String, nearest: Option<String>, known: Vec<String> },
    #[error("`{text}` can be {}", names.join(" or "))]
    Ambiguous { text: String, names: Vec<String> },
    #[error("`{text}` names a digest, and a pin moves to what its tag stands for")]
    Digest { text: String },
}

impl Update {
    /// Finds the images of `locks` that `texts` name: an image with its tag or without, or the end of
    /// its name, as far as that is clear.
    pub(crate) fn find(texts: &[String], locks: &[Lock]) -> Result<Self, UpdateError> {
        let images: BTreeSet<_> = locks.iter().flat_map(|lock| &lock.images).collect();
        let mut found = BTreeSet::new();
        for text in texts {
            found.extend(named(text, &images)?);
        }
        Ok(Self::Some(found))
    }

    /// Returns whether the pin of `image` may move.
    pub(crate) fn covers(&self, image: &ImageReference) -> bool {
        match self {
            Self::All => true,
            Self::Some(images) => images.contains(image),
        }
    }
}

/// Returns those of `images` that `text` names.
fn named(
    text: &str,
    images: &BTreeSet<&ImageReference>,
) -> Result<Vec<ImageReference>, UpdateError> {
    if text.contains('@') {
        return Err(UpdateError::Digest { text: text.to_owned() });
    }
    let matching = |matches: &dyn Fn(&str) -> bool| -> Vec<ImageReference> {
        let is_meant =
            |image: &&&ImageReference| matches(image.name()) || matches(&image.to_string());
        images.iter().filter(is_meant).map(|image| (*image).clone()).collect()
    };
    let exactly = matching(&|name| name == text);
    if !exactly.is_empty() {
        return Ok(exactly);
    }
    let end = format!("/{text}");
    let by_end = matching(&|name| name.ends_with(&end));
    let names: BTreeSet<_> = by_end.iter().map(ImageReference::name).collect();
    match names.len() {
        0 => Err(unknown(text, images)),
        1 => Ok(by_end),
        _ => {
            let names = names.into_iter().map(|name| format!("`{name}`")).collect();
            Err(UpdateError::Ambiguous { text: text.to_owned(), names })
        }
    }
}

/// Looks for what may have been meant: one letter wrong, and one more for every five that there are.
fn unknown(text: &str, images: &BTreeSet<&ImageReference>) -> UpdateError {
    let names: BTreeSet<_> = images.iter().map(|image| image.name()).collect();
    let distance = |name: &str| {
        let ends = name.match_indices('/').map(|(at, _)| &name[at + 1..]).chain([name]);
        let close = ends.map(|end| (strsim::damerau_levenshtein(text, end), end.len()));
        close.filter(|(distance, length)| *distance <= 1 + length / 5).min()
    };
    let close = names.iter().filter_map(|name| Some((distance(name)?, *name)));
    let nearest = close.min().map(|(_, name)| name.to_owned());
    let known = names.into_iter().map(|name| format!("`{name}`")).collect();
    UpdateError::Unknown { text: text.to_owned(), nearest, known }
}

impl UpdateError {
    /// Returns what to do.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { nearest: Some(name), .. } => Some(format!("did you mean `{name}`?")),
            Self::Unknown { known, .. } if known.is_empty() => None,
            Self::Unknown { known, .. } => Some(format!("there are {}", known.join(", "))),
            Self::Ambiguous { .. } => Some("write more of the name".to_owned()),
            Self::Digest { .. } => {
                Some("write the tag that you want into the environment, and lock".to_owned())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock(images: &[&str]) -> Lock {
        let reference = |text: &&str| (*text).to_owned().try_into().unwrap();
        Lock {
            environment: "live".into(),
            path: "lockfiles/live.lock".into(),
            images: images.iter().map(reference).collect(),
            pins: a4co_compiler::Pins::new(),
        }
    }

    #[test]
    fn an_image_is_named_by_as_much_of_it_as_is_clear() {
        let shop = ["ghcr.io/shop/web:1", "ghcr.io/shop/web:2"];
        let locks = [lock(&shop), lock(&["docker.io/library/nats:2", "quay.io/a/order:1"])];
        let more = [lock(&["quay.io/b/order:1", "quay.io/b/reorder:1"])];
        let locks = [locks.as_slice(), &more].concat();
        for (text, expected) in [
            ("ghcr.io/shop/web:1", Ok(vec![shop[0]])),
            ("ghcr.io/shop/web", Ok(shop.to_vec())),
            ("shop/web", Ok(shop.to_vec())),
            ("web:2", Ok(vec![shop[1]])),
            ("nats", Ok(vec!["docker.io/library/nats:2"])),
            ("a/order", Ok(vec!["quay.io/a/order:1"])),
            ("order", Err("write more of the name")),
            ("reordr", Err("did you mean `quay.io/b/reorder`?")),
            ("natts", Err("did you mean `docker.io/library/nats`?")),
            ("ghcr.io/shop/wbe", Err("did you mean `ghcr.io/shop/web`?")),
            ("xyz", Err("there are `docker.io/library/nats`, `ghcr.io/shop/web`, ")),
            ("", Err("there are ")),
            ("web@sha256:12", Err("write the tag that you want")),
        ] {
            match (Update::find(&[text.to_owned()], &locks), expected) {
                (Ok(Update::Some(images)), Ok(expected)) => {
                    let images: Vec<_> = images.iter().map(ToString::to_string).collect();
                    assert_eq!(images, expected, "{text}");
                }
                (Err(error), Err(hint)) => {
                    let found = error.hint().unwrap_or_default();
                    assert!(found.starts_with(hint), "{text}: {found}");
                }
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }
}
