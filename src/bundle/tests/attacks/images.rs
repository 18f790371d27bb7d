//! Images: what is said to be here, what is here, and what documents say of each other.

use a4co_bundle::Digest;
use serde_json::{Value, json};

use crate::{
    Attack,
    kit::{
        self, Key,
        hostile::{Entry, Tar, blob},
        images::{Images, OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, descriptor},
    },
};

/// The list of what is here that says: everything.
pub(crate) const ALL: &str = r#"{"absent":[],"platforms":[],"schema":1}"#;

const AMD64: &str = r#"{"absent":[],"platforms":["linux/amd64"],"schema":1}"#;

/// Where the list of what is here stands in the archive, after statement, signature, manifest, config
/// and one object.
const CONTENTS: usize = 5;

/// One image for two platforms that share a layer.
pub(crate) fn good() -> Images {
    let mut images = Images::default();
    let amd = images.manifest(b"{\"amd\":1}", &[b"shared", b"amd"]);
    let arm = images.manifest(b"{\"arm\":1}", &[b"shared", b"arm"]);
    let index = images.index(&[(Some("linux/amd64"), &amd), (Some("linux/arm64"), &arm)]);
    images.image("example.com/a", &index, true);
    images
}

/// The blobs of [`good`] in their order: index; manifest, config, layers; manifest, config, layer.
pub(crate) fn blobs(images: &Images) -> Vec<Vec<u8>> {
    let root = &images.images[0].digest;
    let index = images.blobs[root].clone();
    let listed: Value = serde_json::from_slice(&index).unwrap();
    let manifest = |at: usize| {
        let digest: Digest = listed["manifests"][at]["digest"].as_str().unwrap().parse().unwrap();
        images.blobs[&digest].clone()
    };
    let content: [&[u8]; 5] = [b"{\"amd\":1}", b"shared", b"amd", b"{\"arm\":1}", b"arm"];
    let [amd, shared, of_amd, arm, of_arm] = content.map(<[u8]>::to_vec);
    vec![index, manifest(0), amd, shared, of_amd, manifest(1), arm, of_arm]
}

/// A thick bundle of these entries, whatever a walk would say.
pub(crate) fn thick(images: &Images, contents: &str, blobs: &[Vec<u8>]) -> Vec<u8> {
    tar(images, contents, blobs).pack()
}

fn tar(images: &Images, contents: &str, blobs: &[Vec<u8>]) -> Tar {
    let mut tar = Tar::of(&kit::bundle(&images.release(), &[&Key::number(1)]));
    let mut entries = vec![Entry::new("a4co/images.json", contents.as_bytes())];
    entries.extend(blobs.iter().map(|it| blob(it)));
    tar.entries.splice(CONTENTS..CONTENTS, entries);
    tar
}

/// The good bundle with its entries changed.
fn entries(change: impl FnOnce(&mut Vec<Entry>)) -> Vec<u8> {
    let images = good();
    let mut tar = tar(&images, ALL, &blobs(&images));
    change(&mut tar.entries);
    tar.pack()
}

/// The good bundle with another list of what is here.
fn contents(text: &str) -> Vec<u8> {
    let images = good();
    thick(&images, text, &blobs(&images))
}

fn absent(digests: &[&[u8]], base: bool, keep: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let images = good();
    let mut digests: Vec<_> = digests.iter().map(|it| Digest::of(it)).collect();
    digests.sort();
    let mut list = json!({ "absent": digests, "platforms": [], "schema": 1 });
    if base {
        list["base"] = json!(Digest::of(b"the base"));
    }
    let list = String::from_utf8(a4co_bundle::to_canonical(&list).unwrap()).unwrap();
    let mut blobs = blobs(&images);
    blobs.retain(|it| keep(it));
    thick(&images, &list, &blobs)
}

/// An image that is one hostile document, and nothing of what it names.
fn document(bytes: &[u8]) -> Vec<u8> {
    let mut images = Images::default();
    images.image("example.com/a", bytes, true);
    thick(&images, ALL, &[bytes.to_vec()])
}

fn json_document(value: &Value) -> Vec<u8> {
    document(&serde_json::to_vec(value).unwrap())
}

fn manifest(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut manifest = json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(OCI_CONFIG, b"{}"),
        "layers": [descriptor(OCI_LAYER, b"layer")],
    });
    change(&mut manifest);
    json_document(&manifest)
}

fn index(change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut listed = descriptor(OCI_MANIFEST, b"manifest");
    listed["platform"] = json!({ "os": "linux", "architecture": "amd64" });
    let mut index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [listed] });
    change(&mut index);
    json_document(&index)
}

/// An index whose first manifest has another size than it says; its entry has `real` or that.
fn size_of_a_manifest(entry_lies_too: bool) -> Vec<u8> {
    let mut images = Images::default();
    let manifest = images.manifest(b"{}", &[]);
    let mut listed = descriptor(OCI_MANIFEST, &manifest);
    listed["size"] = json!(manifest.len() - 1);
    let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [listed] });
    let index = images.document(&index);
    images.image("example.com/a", &index, true);
    let mut tar = tar(&images, ALL, &[index, manifest.clone(), b"{}".to_vec()]);
    if entry_lies_too {
        let entry = &mut tar.entries[CONTENTS + 2];
        *entry = Entry::new(&entry.name(), &manifest[..manifest.len() - 1]);
    }
    tar.pack()
}

/// As [`size_of_a_manifest`], for a layer.
fn size_of_a_layer(entry_lies_too: bool) -> Vec<u8> {
    let mut images = Images::default();
    let mut layer = descriptor(OCI_LAYER, b"layer");
    layer["size"] = json!(4);
    let manifest = images.document(&json!({
        "schemaVersion": 2,
        "config": descriptor(OCI_CONFIG, b"{}"),
        "layers": [layer],
    }));
    images.image("example.com/a", &manifest, true);
    let mut tar = tar(&images, ALL, &[manifest, b"{}".to_vec(), b"layer".to_vec()]);
    if entry_lies_too {
        let entry = &mut tar.entries[CONTENTS + 3];
        *entry = Entry::new(&entry.name(), b"laye");
    }
    tar.pack()
}

/// A root whose size nobody pinned, and whose header claims one.
fn root_of(size: &str) -> Vec<u8> {
    let mut images = Images::default();
    let manifest = images.manifest(b"{}", &[]);
    images.image("example.com/a", &manifest, false);
    let tar = tar(&images, ALL, &[manifest, b"{}".to_vec()]);
    tar.header(CONTENTS + 1, |it| it.put(124, size)).pack()
}

fn nested() -> Vec<u8> {
    let mut images = Images::default();
    let manifest = images.manifest(b"{}", &[]);
    let inner = images.index(&[(None, &manifest)]);
    let outer = images.index(&[(None, &inner)]);
    images.image("example.com/a", &outer, true);
    thick(&images, ALL, &[outer, inner, manifest, b"{}".to_vec()])
}

fn layer_and_manifest() -> Vec<u8> {
    let mut images = Images::default();
    let inner = images.manifest(b"{}", &[]);
    let outer = images.manifest(b"{}", &[&inner]);
    images.image("example.com/a", &outer, true);
    images.image("example.com/b", &inner, true);
    thick(&images, ALL, &[outer, b"{}".to_vec(), inner])
}

fn flip(at: usize) -> Vec<u8> {
    entries(|it| it[CONTENTS + at].body[5] ^= 1)
}

pub(crate) const ATTACKS: &[Attack] = &[
    ("a layer left out", || entries(|it| drop(it.remove(CONTENTS + 4))), "stands there"),
    ("an index left out", || entries(|it| drop(it.remove(CONTENTS + 1))), "stands there"),
    (
        "the last layer left out",
        || entries(|it| drop(it.remove(CONTENTS + 8))),
        "with 3 bytes: `index.json` with 294 bytes stands there",
    ),
    (
        "a blob after the images",
        || entries(|it| it.insert(CONTENTS + 9, blob(b"extra"))),
        "must begin `index.json`",
    ),
    (
        "a blob between the images' blobs",
        || entries(|it| it.insert(CONTENTS + 4, blob(b"extra"))),
        "with 5 bytes stands there",
    ),
    (
        "a layer of an image twice",
        || entries(|it| it.insert(CONTENTS + 5, it[CONTENTS + 5].clone())),
        "stands there",
    ),
    (
        "a shared layer again in the second manifest",
        || entries(|it| it.insert(CONTENTS + 8, it[CONTENTS + 4].clone())),
        "stands there",
    ),
    ("two layers swapped", || entries(|it| it.swap(CONTENTS + 4, CONTENTS + 5)), "stands there"),
    (
        "a config after its layers",
        || entries(|it| it[CONTENTS + 3..CONTENTS + 6].rotate_left(1)),
        "stands there",
    ),
    (
        "the manifests in another order than in the index",
        || entries(|it| it[CONTENTS + 2..CONTENTS + 9].rotate_left(4)),
        "stands there",
    ),
    (
        "the list of images after them",
        || entries(|it| it[CONTENTS..CONTENTS + 9].rotate_left(1)),
        "must begin `index.json` with 294 bytes: `blobs/sha256/",
    ),
    (
        "the list of images before the objects",
        || entries(|it| it.swap(CONTENTS - 1, CONTENTS)),
        "`a4co/images.json` with 39 bytes stands there",
    ),
    (
        "the list of images twice",
        || entries(|it| it.insert(CONTENTS, it[CONTENTS].clone())),
        "`a4co/images.json` with 39 bytes stands there",
    ),
    (
        "images without a list of them",
        || entries(|it| drop(it.remove(CONTENTS))),
        "must begin `index.json` with 294 bytes: `blobs/sha256/",
    ),
    (
        "a list without the images",
        || entries(|it| drop(it.drain(CONTENTS + 1..CONTENTS + 9))),
        "`index.json` with 294 bytes stands there",
    ),
    (
        "the list of images of 8 GiB",
        || {
            let images = good();
            let tar = tar(&images, ALL, &blobs(&images));
            tar.header(CONTENTS, |it| it.put(124, "77777777777")).pack()
        },
        "a4co/images.json has 8589934591 bytes, more than the 4194304 allowed",
    ),
    (
        "a platform that is here, but not in the list",
        || contents(AMD64),
        "must begin `index.json` with 294 bytes: `blobs/sha256/",
    ),
    (
        "a platform that is in the list, but not here",
        || {
            let images = good();
            let list = r#"{"absent":[],"platforms":["linux/amd64","linux/arm64"],"schema":1}"#;
            thick(&images, list, &blobs(&images)[..5])
        },
        "`index.json` with 294 bytes stands there",
    ),
    (
        "a manifest left out whose platform is not in the list",
        || {
            let images = good();
            thick(&images, AMD64, &blobs(&images)[..5])
        },
        "`index.json` with 294 bytes stands there",
    ),
    (
        "a config here whose platform is not in the list",
        || {
            let images = good();
            thick(&images, AMD64, &blobs(&images)[..7])
        },
        "must begin `index.json` with 294 bytes: `blobs/sha256/",
    ),
    (
        "a bit flipped in a manifest whose platform is not in the list",
        || {
            let images = good();
            let mut tar = tar(&images, AMD64, &blobs(&images)[..6]);
            tar.entries[CONTENTS + 6].body[5] ^= 1;
            tar.pack()
        },
        "is not what its name says",
    ),
    (
        "a platform that the index does not have",
        || contents(r#"{"absent":[],"platforms":["linux/s390x"],"schema":1}"#),
        "is not there for linux/s390x; it has linux/amd64, linux/arm64",
    ),
    (
        "a platform though no image has an index",
        || {
            let mut images = Images::default();
            let manifest = images.manifest(b"{}", &[]);
            images.image("example.com/a", &manifest, true);
            let list = r#"{"absent":[],"platforms":["plan9/mips"],"schema":1}"#;
            thick(&images, list, &[manifest, b"{}".to_vec()])
        },
        "(plan9/mips), but no image has an index",
    ),
    (
        "a wrong layer, and nothing after it",
        || {
            let images = good();
            let mut tar = tar(&images, ALL, &blobs(&images));
            tar.entries[CONTENTS + 4].body[5] ^= 1;
            tar.entries.truncate(CONTENTS + 5);
            tar.pack()
        },
        "is not what its name says",
    ),
    (
        "a platform in another spelling",
        || contents(r#"{"absent":[],"platforms":["linux/arm64/v8"],"schema":1}"#),
        "`a4co/images.json` is malformed: at byte 38 stands `/v8",
    ),
    (
        "a platform that is an escape sequence",
        || contents("{\"absent\":[],\"platforms\":[\"linux/\\u001b[2J\"],\"schema\":1}"),
        "is not a platform",
    ),
    (
        "a platform twice",
        || contents(r#"{"absent":[],"platforms":["linux/amd64","linux/amd64"],"schema":1}"#),
        "`a4co/images.json` is malformed: at byte",
    ),
    (
        "platforms out of order",
        || contents(r#"{"absent":[],"platforms":["linux/arm64","linux/amd64"],"schema":1}"#),
        "`a4co/images.json` is malformed: at byte",
    ),
    (
        "a list of images from the future",
        || contents(r#"{"absent":[],"platforms":[],"schema":2,"zstd":true}"#),
        "`a4co/images.json` has schema 2, but only 1 is supported",
    ),
    (
        "a list of images with a member that nobody knows",
        || contents(r#"{"absent":[],"extra":1,"platforms":[],"schema":1}"#),
        "unknown field `extra`",
    ),
    (
        "a list of images without its platforms",
        || contents(r#"{"absent":[],"schema":1}"#),
        "missing field `platforms`",
    ),
    (
        "a list of images with white space",
        || contents(r#"{"absent": [],"platforms":[],"schema":1}"#),
        "`a4co/images.json` is malformed: not in canonical form",
    ),
    (
        "a base that is null",
        || contents(r#"{"absent":[],"base":null,"platforms":[],"schema":1}"#),
        "`a4co/images.json` is malformed: at byte",
    ),
    ("a base for nothing", || absent(&[], true, |_| true), "must name a base exactly if"),
    (
        "something absent without a base",
        || absent(&[b"amd"], false, |it| it != b"amd"),
        "must name a base exactly if",
    ),
    (
        "a layer that is here, but said to be absent",
        || absent(&[b"amd"], true, |_| true),
        "with 3 bytes stands there",
    ),
    (
        "a layer that is absent, but not said to be",
        || absent(&[b"amd"], true, |it| it != b"amd" && it != b"shared"),
        "stands there",
    ),
    (
        "something absent that no image has",
        || absent(&[b"nothing"], true, |_| true),
        "is absent, but no image here has such a layer",
    ),
    (
        "an index that is said to be absent",
        || {
            let images = good();
            let index = blobs(&images)[0].clone();
            absent(&[&index], true, |_| true)
        },
        "is absent, but no image here has such a layer",
    ),
    (
        "an index that is absent",
        || {
            let images = good();
            let index = blobs(&images)[0].clone();
            absent(&[&index], true, |it| it != index)
        },
        "stands there",
    ),
    ("a bit flipped in an index", || flip(1), "(example.com/a@sha256:"),
    ("a bit flipped in a manifest", || flip(2), "is not what its name says"),
    ("a bit flipped in a config", || flip(3), "is not what its name says"),
    ("a bit flipped in a layer", || flip(4), "is not what its name says"),
    (
        "an index that lies about the size of a manifest",
        || size_of_a_manifest(false),
        "bytes stands there",
    ),
    (
        "an index that lies about the size of a manifest, as its entry does",
        || size_of_a_manifest(true),
        "is not what its name says",
    ),
    (
        "a manifest that lies about the size of a layer",
        || size_of_a_layer(false),
        "with 5 bytes stands there",
    ),
    (
        "a manifest that lies about the size of a layer, as its entry does",
        || size_of_a_layer(true),
        "is not what its name says",
    ),
    (
        "an index of 8 GiB whose size nobody signed",
        || root_of("77777777777"),
        "has 8589934591 bytes, more than the 4194304 allowed",
    ),
    ("a manifest that is cut, whose size nobody signed", || root_of("00000000001"), "is not zero"),
    ("an index within an index", nested, "is listed as a manifest, but is an index"),
    (
        "an index that says that it lists an index",
        || index(|it| it["manifests"][0]["mediaType"] = json!(OCI_INDEX)),
        "which is an index itself",
    ),
    ("a layer that is read as a manifest", layer_and_manifest, "as a document and as a config"),
    // CVE-2021-41190: a document that is a manifest to one reader and an index to another.
    (
        "an index with layers",
        || index(|it| it["layers"] = json!([])),
        "has `manifests` beside `config` or `layers`",
    ),
    (
        "an index with a config",
        || index(|it| it["config"] = descriptor(OCI_CONFIG, b"{}")),
        "has `manifests` beside `config` or `layers`",
    ),
    (
        "a container manifest that lists manifests",
        || manifest(|it| it["manifests"] = json!([])),
        "has `manifests` beside `config` or `layers`",
    ),
    (
        "a container manifest that says it is an index",
        || manifest(|it| it["mediaType"] = json!(OCI_INDEX)),
        "is not one for this place",
    ),
    (
        "an index that says it is a manifest",
        || index(|it| it["mediaType"] = json!(OCI_MANIFEST)),
        "is not one for this place",
    ),
    (
        "a manifest of schema 1",
        || manifest(|it| it["schemaVersion"] = json!(1)),
        "has schema version 1",
    ),
    ("a document that is neither", || json_document(&json!({"schemaVersion": 2})), "neither an"),
    ("a document that is no JSON", || document(b"<html>"), "is refused: expected value"),
    (
        "a document with its layers twice",
        || document(br#"{"schemaVersion":2,"layers":[],"layers":[]}"#),
        "duplicate field `layers`",
    ),
    // Readers in Go ignore the case of names, and take the last.
    (
        "a manifest with other layers in another letter case",
        || manifest(|it| it["Layers"] = json!([descriptor(OCI_LAYER, b"other")])),
        "`Layers` is `layers` to readers that ignore case",
    ),
    (
        "a manifest with its layers in another letter case only",
        || {
            manifest(|it| {
                let layers = it.as_object_mut().unwrap().remove("layers").unwrap();
                it["LAYERS"] = layers;
            })
        },
        "`LAYERS` is `layers` to readers that ignore case",
    ),
    (
        "a manifest with other layers behind a long s",
        || manifest(|it| it["layer\u{17f}"] = json!([])),
        "`layer\u{17f}` is `layers` to readers that ignore case",
    ),
    (
        "a manifest that is an index in another letter case",
        || manifest(|it| it["Manifests"] = json!([])),
        "`Manifests` is `manifests` to readers that ignore case",
    ),
    (
        "a manifest with another config in another letter case",
        || manifest(|it| it["CONFIG"] = descriptor(OCI_CONFIG, b"other")),
        "`CONFIG` is `config` to readers that ignore case",
    ),
    (
        "a manifest with another media type in another letter case",
        || manifest(|it| it["mediatype"] = json!(OCI_INDEX)),
        "`mediatype` is `mediaType` to readers that ignore case",
    ),
    (
        "a layer with another digest in another letter case",
        || manifest(|it| it["layers"][0]["Digest"] = json!(Digest::of(b"other"))),
        "`Digest` is `digest` to readers that ignore case",
    ),
    (
        "a config with another size behind an escape",
        || {
            let manifest = json!({ "schemaVersion": 2, "config": descriptor(OCI_CONFIG, b"{}") });
            document(
                manifest
                    .to_string()
                    .replacen("\"size\"", "\"\\u017fize\":1,\"size\"", 1)
                    .as_bytes(),
            )
        },
        "`\u{17f}ize` is `size` to readers that ignore case",
    ),
    (
        "an index with another platform in another letter case",
        || index(|it| it["manifests"][0]["Platform"] = json!({})),
        "`Platform` is `platform` to readers that ignore case",
    ),
    (
        "a platform with another architecture in another letter case",
        || index(|it| it["manifests"][0]["platform"]["Architecture"] = json!("arm64")),
        "`Architecture` is `architecture` to readers that ignore case",
    ),
    (
        "a manifest as a list",
        || json_document(&json!([2, null, null, descriptor(OCI_CONFIG, b"{}"), []])),
        "expected a JSON object (an index or a manifest)",
    ),
    (
        "a config as a list",
        || manifest(|it| it["config"] = json!([OCI_CONFIG, Digest::of(b"{}"), 2, null])),
        "expected a JSON object (a descriptor)",
    ),
    (
        "a document that is nested without end",
        || document(format!(r#"{{"schemaVersion":2,"x":{}"#, "[".repeat(100_000)).as_bytes()),
        "EOF while parsing a list",
    ),
    (
        "a layer by another algorithm than SHA-256",
        || manifest(|it| it["layers"][0]["digest"] = json!(format!("sha512:{:0128}", 0))),
        "a digest starts with `sha256:`",
    ),
    (
        "a layer whose digest climbs",
        || manifest(|it| it["layers"][0]["digest"] = json!("sha256:../../../etc/passwd")),
        "64 lower-case hexadecimal digits",
    ),
    (
        "a layer with a negative size",
        || manifest(|it| it["layers"][0]["size"] = json!(-1)),
        "invalid value",
    ),
    (
        "a layer of 8 GiB",
        || manifest(|it| it["config"]["size"] = json!(1_u64 << 33)),
        "has 8589934592 bytes, more than the 8589934591",
    ),
    (
        "a media type that is an escape sequence",
        || manifest(|it| it["layers"][0]["mediaType"] = json!("\u{1b}[2J")),
        "its media type `\\u{1b}[2J` is not one",
    ),
    (
        "a platform of an index that is an escape sequence",
        || index(|it| it["manifests"][0]["platform"]["os"] = json!("\u{1b}[2J")),
        "`\\u{1b}[2j/amd64/` is not a platform",
    ),
    (
        "a manifest with 1,025 layers",
        || manifest(|it| it["layers"] = json!(vec![descriptor(OCI_LAYER, b"layer"); 1025])),
        "lists 1025 layers, more than the 1024 allowed",
    ),
    (
        "an index of 1,025 manifests",
        || {
            index(|it| {
                let listed = it["manifests"][0].clone();
                it["manifests"] = json!(vec![listed; 1025]);
            })
        },
        "lists 1025 manifests, more than the 1024 allowed",
    ),
    (
        "a manifest of 5 MiB in the index",
        || index(|it| it["manifests"][0]["size"] = json!(5 << 20)),
        "has 5242880 bytes, more than the 4194304 allowed",
    ),
];
