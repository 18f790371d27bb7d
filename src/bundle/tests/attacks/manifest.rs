//! Manifest, index and layout, below a good signature.

use a4co_bundle::Digest;
use serde_json::{Value, json};

use crate::{
    Attack,
    kit::hostile::{Documents, Entry, Tar},
};

const INDEX: usize = 6;
const LAYOUT: usize = 7;

fn manifest(change: impl FnOnce(String) -> String) -> Vec<u8> {
    Documents::good().pack_manifest(change)
}

fn layers(change: impl FnOnce(&mut Vec<Value>)) -> Vec<u8> {
    let mut documents = Documents::good();
    change(&mut documents.layers);
    documents.pack()
}

fn annotation(name: &'static str, value: Value) -> Vec<u8> {
    layers(|it| it[0]["annotations"][name] = value)
}

/// Changes the bytes of an entry whose content is known in advance; its size stays.
fn fixed(index: usize, from: &str, to: &str) -> Vec<u8> {
    let mut tar = Tar::good();
    let text = String::from_utf8(tar.entries[index].body.clone()).unwrap();
    assert!(text.contains(from) && from.len() == to.len());
    tar.entries[index] =
        Entry::new(&tar.entries[index].name(), text.replacen(from, to, 1).as_bytes());
    tar.pack()
}

pub(crate) const ATTACKS: &[Attack] = &[
    (
        "another manifest than the one that is signed",
        || {
            let mut tar = Tar::good();
            tar.entries[2].body[20] ^= 1;
            tar.pack()
        },
        "(release manifest) is not what its name says",
    ),
    (
        "another config of the same size",
        || {
            let mut tar = Tar::good();
            tar.entries[3].body[20] ^= 1;
            tar.pack()
        },
        "(release config) is not what its name says",
    ),
    (
        "a manifest that is no JSON",
        || manifest(|_| "layers".into()),
        "manifest is malformed: expected",
    ),
    (
        "a manifest with white space",
        || manifest(|it| it + " "),
        "the release manifest is malformed: not in canonical form",
    ),
    // CVE-2021-41190: a document that is a manifest to one reader and an index to another.
    (
        "a manifest that is an index as well",
        || {
            manifest(|it| {
                it.replacen(
                    "\"mediaType\":\"application/vnd.oci.image.m",
                    "\"manifests\":[],\"mediaType\":\"application/vnd.oci.image.m",
                    1,
                )
            })
        },
        "the release manifest is malformed",
    ),
    (
        "a manifest with `manifests` in its place",
        || manifest(|it| it.replace("\"layers\":", "\"manifests\":")),
        "unknown field `manifests`",
    ),
    (
        "a manifest that says it is an index",
        || manifest(|it| it.replace("vnd.oci.image.manifest.v1", "vnd.oci.image.index.v1")),
        "the manifest is one of `application/vnd.oci.image.index.v1+json` and",
    ),
    (
        "a manifest of a container image",
        || manifest(|it| it.replace("vnd.a4co.release.v1", "vnd.oci.empty.v1")),
        "`application/vnd.oci.empty.v1+json`, not of `application/vnd.a4co.release.v1+json`",
    ),
    (
        "a manifest with another schema version",
        || manifest(|it| it.replace("\"schemaVersion\":2", "\"schemaVersion\":1")),
        "stands `1}` instead of `2}`",
    ),
    (
        "a config of another media type",
        || manifest(|it| it.replace("release.config.v1", "release.config.v2")),
        "at byte 198 stands `2+json",
    ),
    (
        "an object of another media type",
        || manifest(|it| it.replacen("a4co.object.v1+json", "a4co.object.v1+yaml", 1)),
        "stands `yaml",
    ),
    (
        "a manifest with annotations",
        || {
            let mut documents = Documents::good();
            documents.manifest["annotations"] = json!({});
            documents.pack()
        },
        "unknown field `annotations`",
    ),
    (
        "a layer with URLs to fetch it from",
        || layers(|it| it[0]["urls"] = json!(["https://example.com/x"])),
        "unknown field `urls`",
    ),
    (
        "a layer with an annotation nobody knows",
        || annotation("dev.a4co.force", json!("true")),
        "the release manifest is malformed: at byte",
    ),
    (
        "a layer that is an artifact",
        || layers(|it| it[0]["artifactType"] = json!("x")),
        "the release manifest is malformed: at byte",
    ),
    // CVE-2024-3727: a digest that is used in a path before anybody looked at it.
    (
        "a digest that climbs out of the archive",
        || layers(|it| it[0]["digest"] = json!("sha256:../../../../etc/passwd")),
        "a sha256 digest has exactly 64 lower-case hexadecimal digits",
    ),
    (
        "a digest by another algorithm",
        || layers(|it| it[0]["digest"] = json!(format!("sha512:{}", "a".repeat(128)))),
        "a digest starts with `sha256:`",
    ),
    (
        "a layer without wave",
        || {
            layers(|it| {
                let annotations = it[1]["annotations"].as_object_mut().unwrap();
                annotations.remove("dev.a4co.wave");
            })
        },
        "layer 1 of the release manifest: annotation `dev.a4co.wave` is missing",
    ),
    (
        "a wave beyond 255",
        || annotation("dev.a4co.wave", json!("256")),
        "`dev.a4co.wave` is missing",
    ),
    ("a wave with a leading zero", || annotation("dev.a4co.wave", json!("02")), "stands `02"),
    (
        "a kind that is a path",
        || annotation("dev.a4co.kind", json!("../Secret")),
        "annotation `dev.a4co.kind` is missing or malformed",
    ),
    (
        "a name that is an escape sequence",
        || annotation("dev.a4co.name", json!("\u{1b}]0;x\u{7}")),
        "annotation `dev.a4co.name` is missing or malformed",
    ),
    (
        "a namespace that climbs",
        || annotation("dev.a4co.namespace", json!("..")),
        "annotation `dev.a4co.namespace` is missing or malformed",
    ),
    (
        "an API version of three parts",
        || annotation("dev.a4co.api-version", json!("a/b/c")),
        "annotation `dev.a4co.api-version` is missing or malformed",
    ),
    (
        "layers out of order",
        || layers(|it| it.swap(0, 1)),
        "`ConfigMap/shop-test/a` is out of order",
    ),
    (
        "a layer twice",
        || layers(|it| it[1] = it[0].clone()),
        "`ConfigMap/shop-test/a` occurs twice",
    ),
    (
        "one object in two API versions",
        || {
            layers(|it| {
                let other = |version: &str| json!(format!("example.com/{version}"));
                it[0]["annotations"]["dev.a4co.api-version"] = other("v1");
                it[1]["annotations"]["dev.a4co.api-version"] = other("v2");
                it[1]["annotations"]["dev.a4co.name"] = json!("a");
            })
        },
        "`ConfigMap/shop-test/a` occurs twice",
    ),
    (
        "an object of 4 PiB",
        || layers(|it| it[0]["size"] = json!(1_u64 << 52)),
        "`ConfigMap/shop-test/a` has 4503599627370496 bytes, more than the 1572864",
    ),
    (
        "objects of 129 MiB together",
        || layers(|it| *it = many(86)),
        "objects together: 135266304 bytes are more than the 134217728 allowed",
    ),
    (
        "a config of 4 PiB",
        || {
            manifest(|it| {
                let at = it.find("\"size\":").unwrap() + 7;
                let end = at + it[at..].find('}').unwrap();
                [&it[..at], "4503599627370496", &it[end..]].concat()
            })
        },
        "release config: 4503599627370496 bytes are more than the 4194304 allowed",
    ),
    (
        "another release in the index",
        || fixed(INDEX, "sha256:", "sha512:"),
        "`index.json` is not what the release demands: at byte",
    ),
    (
        "an index with a second manifest",
        || {
            let mut tar = Tar::good();
            let text = String::from_utf8(tar.entries[INDEX].body.clone()).unwrap();
            let text = text.replacen("\"manifests\":[", "\"manifests\":[{},", 1);
            tar.entries[INDEX] = Entry::new("index.json", text.as_bytes());
            tar.pack()
        },
        "must begin `index.json` with 294 bytes: `index.json` with 297 bytes stands there",
    ),
    (
        "another layout version",
        || fixed(LAYOUT, "1.0.0", "1.1.0"),
        "`oci-layout` is not what the release demands: at byte 25 stands `1.0\"}` instead of `0.0\"}`",
    ),
];

fn many(count: usize) -> Vec<Value> {
    let layer = |index| {
        json!({
            "annotations": {
                "dev.a4co.api-version": "v1",
                "dev.a4co.kind": "ConfigMap",
                "dev.a4co.name": format!("a{index:03}"),
                "dev.a4co.wave": "0",
            },
            "digest": Digest::of(b""),
            "mediaType": "application/vnd.a4co.object.v1+json",
            "size": 3 << 19,
        })
    };
    (0..count).map(layer).collect()
}
