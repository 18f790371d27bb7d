//! Hostile archives, each named by the attack and refused for its own reason.
//!
//! Where a case has a name in public lists of vulnerabilities, a comment gives it. All archives have
//! the right CRC and, below the archive, a good signature, so that the rule under test is the one
//! that refuses.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

#[path = "../kit/mod.rs"]
mod kit;

mod config;
mod gzip;
mod headers;
mod images;
mod manifest;
mod objects;
mod signatures;
mod statement;
mod tar;

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{Bundle, BundleError, UnverifiedBundle};
use kit::Key;

/// What is attempted, the archive, and a part of the reason for which it is refused.
type Attack = (&'static str, fn() -> Vec<u8>, &'static str);

const ALL: [&[Attack]; 9] = [
    gzip::ATTACKS,
    tar::ATTACKS,
    headers::ATTACKS,
    signatures::ATTACKS,
    statement::ATTACKS,
    manifest::ATTACKS,
    config::ATTACKS,
    objects::ATTACKS,
    images::ATTACKS,
];

fn verify(file: &[u8]) -> Result<Bundle, BundleError> {
    let anchor = kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]));
    UnverifiedBundle::open(file)?.verify(&anchor)
}

#[test]
fn every_attack_is_refused_for_its_own_reason() {
    let mut failures = Vec::new();
    for (case, archive, reason) in ALL.into_iter().flatten() {
        match verify(&archive()) {
            Ok(_) => failures.push(format!("{case}: accepted")),
            Err(error) => {
                let message = kit::chain(&error);
                if !message.contains(reason) {
                    failures.push(format!("{case}: {message}"));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn nothing_hostile_in_a_message_reaches_the_terminal_as_it_is() {
    for (case, archive, _) in ALL.into_iter().flatten() {
        let message = kit::chain(&verify(&archive()).expect_err(case));
        let is_plain = |character: char| character == '\n' || !character.is_control();
        assert!(message.chars().all(is_plain), "{case}: {message:?}");
    }
}

#[test]
fn an_attack_is_not_mistaken_for_damage() {
    for (case, archive, _) in ALL[1..].iter().copied().flatten() {
        let error = verify(&archive()).expect_err(case);
        assert!(!error.is_damage(), "{case}: {error}");
    }
}

#[test]
fn what_is_refused_with_signatures_is_refused_without() {
    for (case, archive, _) in ALL.into_iter().flatten() {
        let inspected =
            UnverifiedBundle::open(archive().as_slice()).and_then(UnverifiedBundle::inspect);
        assert!(inspected.is_err(), "{case}");
    }
}

#[test]
fn no_attack_is_counted_twice() {
    let cases: BTreeSet<_> = ALL.into_iter().flatten().map(|(case, ..)| case).collect();
    assert_eq!(cases.len(), ALL.iter().map(|it| it.len()).sum::<usize>());
    let mut files = BTreeMap::new();
    for (case, archive, _) in ALL.into_iter().flatten() {
        if let Some(other) = files.insert(archive(), case) {
            assert_eq!(case, other, "both have the same bytes");
        }
    }
    println!("{} attacks", cases.len());
    assert!(cases.len() >= 60);
}

#[test]
fn the_hostile_writer_writes_the_good_bundle_too() {
    let good = kit::bundle(&kit::release(), &[&Key::number(1)]);
    assert!(kit::hostile::Tar::good().pack() == good);
    assert!(kit::hostile::Documents::good().pack() == good);
    verify(&good).unwrap();
    let images = images::good();
    let thick = images.pack(&kit::images::full(&[]));
    assert!(images::thick(&images, images::ALL, &images::blobs(&images)) == thick);
    verify(&thick).unwrap();
}
