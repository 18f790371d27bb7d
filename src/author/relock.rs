//! Which images a registry has to be asked about, and what the answers make of a lockfile.

use std::collections::BTreeMap;

use a4co_bundle::{Digest, Image};
use a4co_compiler::{ImageReference, Lock, Pins};

use crate::update::Update;

/// What a registry is asked about an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Question {
    /// What its tag stands for now.
    Tag,
    /// What its pin does not say: size and platforms of what is pinned.
    Digest(Digest),
}

/// What happens to a pin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// The image is pinned for the first time.
    Add(Digest),
    /// The tag stands for something else than before.
    Move { from: Digest, to: Digest },
    /// Size and platforms are known now.
    Complete,
    /// No object runs the image any more.
    Remove,
}

/// Returns what a registry has to be asked for `lock`. Pins that are complete and not to be moved
/// need nobody.
pub(crate) fn questions(lock: &Lock, update: &Update) -> Vec<(ImageReference, Question)> {
    let question = |image: &ImageReference| match lock.pins.get(image) {
        Some(pin) if !update.covers(image) => {
            (pin.size.is_none() || pin.platforms.is_empty()).then_some(Question::Digest(pin.digest))
        }
        _ => Some(Question::Tag),
    };
    lock.images.iter().filter_map(|image| Some((image.clone(), question(image)?))).collect()
}

/// Returns the pins that `lock` comes to with `answers`, and what changes by that.
pub(crate) fn relock(
    lock: &Lock,
    answers: &BTreeMap<ImageReference, Image>,
) -> (Pins, BTreeMap<ImageReference, Change>) {
    let (mut pins, mut changes) = (Pins::new(), BTreeMap::new());
    for image in &lock.images {
        let before = lock.pins.get(image);
        let Some(now) = answers.get(image).or(before) else {
            continue;
        };
        let change = match before {
            None => Some(Change::Add(now.digest)),
            Some(before) if before.digest != now.digest => {
                Some(Change::Move { from: before.digest, to: now.digest })
            }
            Some(before) => (before != now).then_some(Change::Complete),
        };
        changes.extend(change.map(|change| (image.clone(), change)));
        pins.insert(image.clone(), now.clone());
    }
    changes.extend(unneeded(lock));
    (pins, changes)
}

/// Returns what locking `lock` anew would change, where `now` is what tags stand for.
pub(crate) fn drift(
    lock: &Lock,
    now: &BTreeMap<ImageReference, Digest>,
) -> BTreeMap<ImageReference, Change> {
    let moved = lock.images.iter().filter_map(|image| {
        let to = *now.get(image)?;
        let change = match lock.pins.get(image).map(|pin| pin.digest) {
            None => Change::Add(to),
            Some(from) if from != to => Change::Move { from, to },
            Some(_) => return None,
        };
        Some((image.clone(), change))
    });
    moved.chain(unneeded(lock)).collect()
}

/// Returns the pins of images that no object runs.
fn unneeded(lock: &Lock) -> impl Iterator<Item = (ImageReference, Change)> {
    let pins = lock.pins.keys().filter(|image| !lock.images.contains(*image));
    pins.map(|image| (image.clone(), Change::Remove))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> ImageReference {
        text.to_owned().try_into().unwrap()
    }

    fn pin(text: &str, fill: u8, size: Option<u64>) -> Image {
        let image = reference(text);
        let digest = Digest::of(&[fill]);
        let platforms = size.map(|_| ("linux/amd64".to_owned(), digest)).into_iter().collect();
        let (name, tag) = (image.name().to_owned(), image.tag().to_owned());
        Image { name, tag, digest, size, platforms }
    }

    fn lock(images: &[&str], pins: &[Image]) -> Lock {
        let keyed = |pin: &Image| (reference(&format!("{}:{}", pin.name, pin.tag)), pin.clone());
        Lock {
            environment: "live".into(),
            path: "lockfiles/live.lock".into(),
            images: images.iter().map(|text| reference(text)).collect(),
            pins: pins.iter().map(keyed).collect(),
        }
    }

    const WEB: &str = "ghcr.io/shop/web:1";
    const NATS: &str = "docker.io/library/nats:2";

    #[test]
    fn only_what_is_not_known_or_may_move_is_asked() {
        let some = |texts: &[&str]| Update::Some(texts.iter().map(|it| reference(it)).collect());
        let digest = Question::Digest(Digest::of(&[1]));
        for (case, pins, update, expected) in [
            ("no pin", vec![], some(&[]), Some(Question::Tag)),
            ("a complete pin", vec![pin(WEB, 1, Some(9))], some(&[]), None),
            ("a pin without size", vec![pin(WEB, 1, None)], some(&[]), Some(digest)),
            ("to be moved", vec![pin(WEB, 1, Some(9))], some(&[WEB]), Some(Question::Tag)),
            ("another is to be moved", vec![pin(WEB, 1, Some(9))], some(&[NATS]), None),
            ("all are to be moved", vec![pin(WEB, 1, Some(9))], Update::All, Some(Question::Tag)),
        ] {
            let questions = questions(&lock(&[WEB], &pins), &update);
            let found = questions.first().map(|(_, question)| *question);
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn answers_move_complete_add_and_remove_pins() {
        let (old, new) = (Digest::of(&[1]), Digest::of(&[2]));
        for (case, images, pins, answer, expected) in [
            ("a first pin", [WEB], vec![], Some(pin(WEB, 2, Some(9))), Some(Change::Add(new))),
            (
                "a tag that moved",
                [WEB],
                vec![pin(WEB, 1, Some(9))],
                Some(pin(WEB, 2, Some(9))),
                Some(Change::Move { from: old, to: new }),
            ),
            (
                "a size that was missing",
                [WEB],
                vec![pin(WEB, 1, None)],
                Some(pin(WEB, 1, Some(9))),
                Some(Change::Complete),
            ),
            ("the same", [WEB], vec![pin(WEB, 1, Some(9))], Some(pin(WEB, 1, Some(9))), None),
            ("nobody asked", [WEB], vec![pin(WEB, 1, Some(9))], None, None),
            (
                "an image that is gone",
                [NATS],
                vec![pin(WEB, 1, Some(9))],
                None,
                Some(Change::Remove),
            ),
        ] {
            let answers = answer.into_iter().map(|image| (reference(WEB), image)).collect();
            let (pins, changes) = relock(&lock(&images, &pins), &answers);
            assert_eq!(changes.get(&reference(WEB)), expected.as_ref(), "{case}");
            assert_eq!(
                pins.contains_key(&reference(WEB)),
                expected != Some(Change::Remove),
                "{case}"
            );
        }
    }

    #[test]
    fn a_lockfile_drifts_from_what_tags_stand_for() {
        let (old, new) = (Digest::of(&[1]), Digest::of(&[2]));
        for (case, images, pins, now, expected) in [
            ("as pinned", [WEB], vec![pin(WEB, 1, None)], old, None),
            (
                "a tag that moved",
                [WEB],
                vec![pin(WEB, 1, None)],
                new,
                Some(Change::Move { from: old, to: new }),
            ),
            ("no pin", [WEB], vec![], new, Some(Change::Add(new))),
            ("an image that is gone", [NATS], vec![pin(WEB, 1, None)], new, Some(Change::Remove)),
        ] {
            let now = [(reference(WEB), now)].into();
            let changes = drift(&lock(&images, &pins), &now);
            assert_eq!(changes.get(&reference(WEB)), expected.as_ref(), "{case}");
        }
    }
}
