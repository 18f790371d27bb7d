//! What is packed opens again, and nothing else opens.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::{io::Read as _, thread};

use a4co_bundle::{Bundle, BundleError, Digest, Release, TrustAnchor, UnverifiedBundle, pack};
use kit::Key;

fn anchor() -> TrustAnchor {
    kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]))
}

fn verify(bytes: &[u8]) -> Result<Bundle, BundleError> {
    UnverifiedBundle::open(bytes)?.verify(&anchor())
}

/// As small as a release can be that has every kind of entry.
fn small_bundle() -> Vec<u8> {
    let release = Release::new(kit::config(), vec![(0, kit::config_map("a", ""))]);
    kit::bundle(&release.unwrap(), &[&Key::number(1)])
}

#[test]
fn a_packed_bundle_opens_as_the_same_release() {
    let release = kit::release();
    let bytes = kit::bundle(&release, &[&Key::number(1)]);
    let bundle = verify(&bytes).unwrap();
    assert_eq!(bundle.release(), &release);
    assert_eq!(bundle.signers().len(), 1);
    assert_eq!(bundle.write_thin(Vec::new()).unwrap(), bytes, "packing again gives the same file");
}

#[test]
fn other_implementations_of_gzip_and_tar_read_the_same_entries() {
    let release = kit::release();
    let bytes = kit::bundle(&release, &[&Key::number(1)]);
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes.as_slice()));
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), content)
    });
    let entries: Vec<_> = entries.collect();
    let blobs: Vec<_> = entries
        .iter()
        .filter_map(|(name, content)| {
            Some((name.strip_prefix("blobs/sha256/")?, content.as_slice()))
        })
        .collect();
    assert_eq!(blobs.len(), 2 + release.objects().len());
    for (name, content) in &blobs {
        assert_eq!(Digest::of(content).to_hex(), *name);
    }
    assert_eq!(blobs[0].1, release.manifest());
    let names: Vec<_> = entries.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names[..2], ["a4co/release.json", "a4co/sig-0.sshsig"]);
    assert_eq!(names[names.len() - 2..], ["index.json", "oci-layout"]);
}

#[test]
fn an_unsigned_bundle_can_be_looked_at() {
    let release = kit::release();
    let bytes = kit::bundle(&release, &[]);
    let bundle = UnverifiedBundle::open(bytes.as_slice()).unwrap();
    assert_eq!(bundle.inspect().unwrap().release, release);
}

#[test]
fn the_order_in_which_things_are_given_does_not_matter() {
    let manifests = || vec![(2, kit::config_map("a", "one")), (0, kit::config_map("b", "two"))];
    let mut config = kit::config();
    config.requirements.ingress_classes = vec!["b".into(), "a".into(), "b".into()];
    let mut reversed = manifests();
    reversed.reverse();
    let mut sorted = config.clone();
    sorted.requirements.ingress_classes = vec!["a".into(), "b".into()];
    let one = Release::new(config, manifests()).unwrap();
    let two = Release::new(sorted, reversed).unwrap();
    assert_eq!(one, two);
}

#[test]
fn the_size_is_that_of_the_file_wherever_blocks_of_gzip_end() {
    // The content grows by one record at a time across the end of the second block.
    let text = "x".repeat(2 * 0xffff - 8000);
    for records in 0..16 {
        let text = format!("{text}{}", "x".repeat(512 * records));
        let release = Release::new(kit::config(), vec![(0, kit::config_map("a", &text))]);
        let bytes = kit::bundle(&release.unwrap(), &[&Key::number(1)]);
        assert_eq!(verify(&bytes).unwrap().size(), bytes.len() as u64, "{records}");
    }
}

#[test]
fn a_bundle_with_any_one_bit_flipped_is_refused() {
    let good = small_bundle();
    let anchor = anchor();
    let refuse = |bytes: std::ops::Range<usize>| {
        let mut damaged = good.clone();
        for (index, bit) in bytes.flat_map(|index| (0..8).map(move |bit| (index, bit))) {
            damaged[index] ^= 1 << bit;
            let opened = UnverifiedBundle::open(damaged.as_slice());
            let verified = opened.and_then(|bundle| bundle.verify(&anchor));
            assert!(verified.is_err(), "bit {bit} of byte {index} may be flipped");
            damaged[index] ^= 1 << bit;
        }
    };
    let half = good.len() / 2;
    thread::scope(|scope| {
        scope.spawn(|| refuse(0..half));
        refuse(half..good.len());
    });
    UnverifiedBundle::open(good.as_slice()).unwrap().verify(&anchor).unwrap();
}

#[test]
fn one_flipped_bit_is_told_from_a_file_that_was_written_like_this() {
    let good = small_bundle();
    for index in 10..good.len() {
        let mut damaged = good.clone();
        damaged[index] ^= 1;
        let error = verify(&damaged).unwrap_err();
        assert!(error.is_damage(), "byte {index}: {error}");
    }
}

#[test]
fn a_bundle_that_is_cut_or_continued_is_refused() {
    let mut bytes = small_bundle();
    for length in 0..bytes.len() {
        let error = verify(&bytes[..length]).unwrap_err();
        assert!(error.is_damage(), "the first {length} bytes: {error}");
    }
    bytes.push(0);
    assert!(verify(&bytes).is_err(), "a byte may follow");
}

#[test]
fn nothing_is_packed_that_would_not_open() {
    let release = kit::release();
    let other = Release::new(kit::config(), vec![(0, kit::config_map("a", "three"))]).unwrap();
    let key = Key::number(1);
    let good = kit::attestation(&release, &[&key], Vec::new());
    let mut many = good.clone();
    many.signatures = vec![good.signatures[0].clone(); 17];
    let mut confused = good.clone();
    confused.signatures = vec![key.sign(a4co_bundle::Purpose::Trust, &good.statement)];
    let mut chain = good.clone();
    let link = a4co_bundle::SignedTrust { bytes: vec![b' '; 65537], signatures: Vec::new() };
    chain.trust = vec![link];
    for (case, attestation, release, reason) in [
        ("a statement about another release", &good, &other, "the statement says release `sha256:"),
        ("17 signatures", &many, &release, "more than 16 entries"),
        (
            "a signature for another purpose",
            &confused,
            &release,
            "`a4co/sig-0.sshsig` is malformed",
        ),
        ("a trust file that is too large", &chain, &release, "a4co/trust-1.json has 65537 bytes"),
    ] {
        let error = pack(Vec::new(), attestation, release).unwrap_err();
        assert!(error.to_string().contains(reason), "{case}: {error}");
    }
}

#[test]
fn what_would_not_open_makes_no_release() {
    let object = |change: fn(&mut serde_json::Value)| {
        let mut object = kit::config_map("a", "");
        change(&mut object);
        vec![(0, object)]
    };
    let deep = (0..200).fold(serde_json::json!(0), |inner, _| serde_json::json!([inner]));
    let mut nested = kit::config_map("a", "");
    nested["data"] = deep;
    let large = kit::config_map("a", &"x".repeat(3 << 19));
    let twice = vec![(0, kit::config_map("a", "")), (1, kit::config_map("a", ""))];
    let many = (0..16_000).map(|it| (0, kit::config_map(&format!("a{it}"), "")));
    for (case, manifests, reason) in [
        ("no kind", object(|it| it["kind"] = ().into()), "`kind` is missing or malformed"),
        ("a status", object(|it| it["status"] = ().into()), "sets `status`"),
        ("no label", object(|it| it["metadata"]["labels"] = ().into()), "lacks the label"),
        ("a fraction", object(|it| it["data"] = 0.5.into()), "number 0.5 is not an integer"),
        ("200 arrays inside each other", vec![(0, nested)], "nested deeper than 100"),
        ("more than etcd takes", vec![(0, large)], "more than the 1572864 that etcd takes"),
        ("one object in two waves", twice, "`ConfigMap/shop-test/a` occurs twice"),
        ("16,000 objects", many.collect(), "bytes are more than the 4194304 allowed"),
    ] {
        let error = Release::new(kit::config(), manifests).expect_err(case);
        assert!(kit::chain(&error).contains(reason), "{case}: {error}");
    }
}
