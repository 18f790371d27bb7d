//! Bundles that hold images.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use a4co_bundle::UnverifiedBundle;
use kit::{
    Key,
    hostile::{Entry, Tar},
    images::{Images, full, verified},
};

fn names(file: &[u8]) -> Vec<String> {
    Tar::of(file).entries.iter().map(Entry::name).collect()
}

#[test]
fn a_thick_bundle_opens_as_the_release_of_the_thin_one() {
    let images = Images::good();
    let release = images.release();
    let thin = kit::bundle(&release, &[&Key::number(1)]);
    let thick = images.pack(&full(&[]));
    let bundle = verified(&thick);
    assert_eq!(bundle.release(), &release);
    assert!(bundle.is_thick());
    assert_eq!(bundle.size(), thick.len() as u64);
    assert_eq!(bundle.write_thin(Vec::new()).unwrap(), thin);
    assert!(!verified(&thin).is_thick());
    let inspected = UnverifiedBundle::open(thick.as_slice()).unwrap().inspect().unwrap();
    assert_eq!(inspected.images.as_ref(), bundle.images());
}

#[test]
fn every_blob_is_in_the_file_once_and_nothing_else() {
    let images = Images::good();
    let thin = names(&kit::bundle(&images.release(), &[&Key::number(1)]));
    let thick = names(&images.pack(&full(&[])));
    let (before, after) = thin.split_at(thin.len() - 2);
    assert_eq!(thick[..before.len()], *before);
    assert_eq!(thick[thick.len() - 2..], *after);
    let mut added = thick[before.len()..thick.len() - 2].to_vec();
    assert_eq!(added.remove(0), "a4co/images.json");
    let expected = images.blobs.keys().map(|it| format!("blobs/sha256/{}", it.to_hex()));
    let mut expected: Vec<_> = expected.collect();
    added.sort();
    expected.sort();
    assert_eq!(added, expected);
}
