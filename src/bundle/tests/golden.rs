//! The bytes of the format, pinned.
//!
//! A change here means that old and new versions of this code name the same release differently, or
//! write other files for it. Released bundles then no longer open, or a rebuild no longer proves
//! anything. That needs a new version of the format (`docs/bundle-format.md`, "Versions") and an
//! entry in the changelog; it is never the fix for a failing test.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::io::Cursor;

use a4co_bundle::{Contents, Digest, Split, applyset_id};
use kit::{
    Key,
    images::{Images, full, stored},
};

#[test]
fn the_release_id_of_the_kits_release_never_changes() {
    let release = kit::release();
    let id = "sha256:4ccbb262233142bbe9219fd0dff103470c793d57de74c9f927cb643d659afba7";
    assert_eq!(release.id().to_string(), id);
}

#[test]
fn every_document_of_the_kits_release_never_changes() {
    let release = kit::release();
    let key = Key::number(1);
    let statement = kit::statement(&release);
    let trust = kit::trust_file(1, 1, &[&key]).to_bytes().unwrap();
    let signature = key.sign(a4co_bundle::Purpose::Release, &statement).to_armored();
    for (document, bytes, expected) in [
        (
            "manifest",
            release.manifest(),
            "sha256:4ccbb262233142bbe9219fd0dff103470c793d57de74c9f927cb643d659afba7",
        ),
        (
            "config",
            release.config_bytes(),
            "sha256:363dfa4919e17ecf6413b90155d2324af117c260b9c39efc76369898eb1ee527",
        ),
        (
            "first object",
            release.objects()[0].bytes(),
            "sha256:b319c59d3b8fdb50015de27ca755af29aaeb4957759ba30e6486d0da739b2058",
        ),
        (
            "statement",
            &statement,
            "sha256:8d935928a5210e91356546408068fe9d30dbc51997ddd02b881649e2ff4e6e21",
        ),
        (
            "signature",
            signature.as_bytes(),
            "sha256:fff283c02131a92a940624039d8e3b0f61a92d42bf39e6a146be3a8b09cf90f5",
        ),
        (
            "trust file",
            &trust,
            "sha256:648a09a7302aeb5f980924737ba3d983e6fccd8e6e0c256261eae53c851d3d5c",
        ),
        (
            "file",
            &kit::bundle(&release, &[&key]),
            "sha256:8a7087b167f32410d86d534e00669a1d9a19b78840d01d66a4b3fdb738ed15f5",
        ),
        (
            "unsigned file",
            &kit::bundle(&release, &[]),
            "sha256:1d6421f00e1da2c2d66ced2bfee9aa7af2f5c74af09f10db35117478c17a1986",
        ),
    ] {
        assert_eq!(Digest::of(bytes).to_string(), expected, "{document}");
    }
}

#[test]
fn every_thick_file_of_the_kits_images_never_changes() {
    let images = Images::good();
    let set = images.walk(&full(&[])).unwrap();
    let held = stored(&images.pack(&full(&["linux/amd64"])));
    let delta = Contents::delta([], &set, images.release().id(), &held);
    let thick = images.pack(&full(&[]));
    let mut split = Split::new(Cursor::new(&thick), "shop.tar.gz", 1 << 20).unwrap();
    for (document, bytes, expected) in [
        (
            "list",
            full(&["linux/amd64"]).to_bytes().unwrap(),
            "sha256:3dfbe9ca0b38ab93f97004aeec36f8c006f8cbb977e008ae1572808ac3b0271e",
        ),
        (
            "list of a delta",
            delta.to_bytes().unwrap(),
            "sha256:8b180865aefac0679d3a4f7f0c4773b106fc711eda72c779f453286ca108cba6",
        ),
        (
            "file of all platforms",
            thick.clone(),
            "sha256:f1c625485ac329cb29c3b877204c4337c69d89bc64839c267e3570d02c0452ce",
        ),
        (
            "file of one platform",
            images.pack(&full(&["linux/amd64"])),
            "sha256:58443097260f57ebdca64ff0e47802c6d1b67251c3d4c2eabd93d5921f1bf144",
        ),
        (
            "delta",
            images.pack(&delta),
            "sha256:80995e3555d4d1f6e49c7df317b5a3470370125f0c65472e5995a7cdb50a82b7",
        ),
        (
            "volume",
            split.write(1, Vec::new()).unwrap(),
            "sha256:7d32afe0e0808be3e43759a371192ed3f68a0d15bebe28510c796d1fd70ed33d",
        ),
    ] {
        assert_eq!(Digest::of(&bytes).to_string(), expected, "{document}");
    }
}

#[test]
fn the_id_of_a_set_never_changes() {
    let id = "applyset-xJG9_LfXiGlTR3ZbUJXE3MN61LF5-325y--fh2rN8f0-v1";
    assert_eq!(applyset_id(kit::APP, kit::NAMESPACE), id);
}
