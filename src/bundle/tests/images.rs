//! Bundles that hold images.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::{
    io::{self, Cursor, ErrorKind, Read, Seek, SeekFrom},
    thread,
};

use a4co_bundle::{
    BlobKind, BlobReader, BlobSource, Contents, Digest, ManifestParts, Step, StoredBlobs,
    UnverifiedBundle, join, pack_thick,
};
use kit::{
    Key,
    hostile::{Entry, Tar},
    images::{Images, descriptor, full, platforms, stored, verified},
};
use serde_json::json;

fn names(file: &[u8]) -> Vec<String> {
    Tar::of(file).entries.iter().map(Entry::name).collect()
}

/// The names of what a thick bundle has beside the thin one.
fn added(images: &Images, contents: &Contents) -> Vec<String> {
    let thin = names(&kit::bundle(&images.release(), &[&Key::number(1)]));
    let mut thick = names(&images.pack(contents));
    let (before, after) = thin.split_at(thin.len() - 2);
    assert_eq!(thick.split_off(thick.len() - 2), after);
    let added = thick.split_off(before.len());
    assert_eq!(thick, before);
    added
}

fn name(bytes: &[u8]) -> String {
    format!("blobs/sha256/{}", Digest::of(bytes).to_hex())
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
    let mut added = added(&images, &full(&[]));
    assert_eq!(added.remove(0), "a4co/images.json");
    let expected = images.blobs.values().map(|it| name(it));
    let mut expected: Vec<_> = expected.collect();
    added.sort();
    expected.sort();
    assert_eq!(added, expected);
}

#[test]
fn blobs_come_image_by_image_and_manifest_by_manifest() {
    let mut images = Images::default();
    let one = images.manifest(b"1", &[b"shared", b"of one"]);
    let two = images.manifest(b"2", &[b"shared", b"of two"]);
    let index = images.index(&[(Some("linux/arm64"), &two), (Some("linux/amd64"), &one)]);
    let last = images.manifest(b"1", &[b"of one", b"of the last"]);
    images.image("example.com/a", &index, true);
    images.image("example.com/b", &last, true);
    let expected: [&[u8]; 10] =
        [&index, &two, b"2", b"shared", b"of two", &one, b"1", b"of one", &last, b"of the last"];
    let expected = [vec!["a4co/images.json".to_owned()], expected.map(name).to_vec()].concat();
    assert_eq!(added(&images, &full(&[])), expected);
}

#[test]
fn an_index_stays_as_it_is_when_some_of_its_platforms_are_left_out() {
    let images = Images::good();
    let bundle = verified(&images.pack(&full(&["linux/arm64"])));
    let stored = bundle.images().unwrap();
    for (case, of, is_here) in [
        ("the layer of the platform", &b"arm64 of one"[..], true),
        ("the layer of another platform", b"amd64 of one", false),
        ("the layer of another platform, from another image", b"amd64 of two", false),
        ("what build tools say", b"an attestation", false),
        ("the config of another platform", b"{\"one\":1}", false),
        ("an image of one platform, which it does not name", b"a layer of the single one", true),
    ] {
        assert_eq!(stored.stored(Digest::of(of)).is_some(), is_here, "{case}");
    }
    let set = stored.set();
    for image in &images.images {
        let root = stored.stored(image.digest).unwrap();
        assert_eq!(root.size, images.blobs[&image.digest].len() as u64);
        for listed in set.index(image.digest).unwrap_or_default() {
            assert!(stored.stored(listed.digest).is_some(), "every manifest is in the file");
        }
    }
    let one = images.images.iter().find(|it| it.name.ends_with("one")).unwrap();
    let listed = stored.set().index(one.digest).unwrap();
    let shown = listed.iter().map(|it| (it.platform.clone().unwrap().to_string(), it.is_here));
    let shown: Vec<_> = shown.collect();
    let expected = [("linux/amd64", false), ("linux/arm64", true), ("unknown/unknown", false)];
    assert_eq!(shown, expected.map(|(platform, is_here)| (platform.to_owned(), is_here)));
    let bare: Vec<_> = set.bare_manifests(one.digest).iter().map(|it| it.digest).collect();
    assert_eq!(bare, [listed[0].digest, listed[2].digest]);
    let single = images.images.iter().find(|it| it.size.is_none()).unwrap();
    assert!(set.bare_manifests(single.digest).is_empty());
}

/// Two manifests, and what they consist of.
struct Pair {
    images: Images,
    one: Vec<u8>,
    two: Vec<u8>,
}

impl Pair {
    fn new() -> Self {
        let mut images = Images::default();
        let one = images.manifest(b"1", &[b"of one"]);
        let two = images.manifest(b"2", &[b"of two"]);
        Self { images, one, two }
    }
}

#[test]
fn config_and_layers_come_where_a_manifest_is_asked_for_first() {
    type Make = fn(&mut Pair) -> Vec<Vec<u8>>;
    let cases: [(&str, Make); 5] = [
        ("every manifest of an index comes, and only what is asked for has content", |it| {
            let Pair { images, one, two } = it;
            let index = images.index(&[(Some("linux/arm64"), two), (Some("linux/amd64"), one)]);
            images.image("example.com/a", &index, true);
            vec![index, two.clone(), one.clone(), b"1".to_vec(), b"of one".to_vec()]
        }),
        ("an index lists a manifest twice, asked for only the first time", |it| {
            let Pair { images, one, two } = it;
            let index = images.index(&[
                (Some("linux/amd64"), one),
                (Some("linux/arm64"), two),
                (None, one),
            ]);
            images.image("example.com/a", &index, true);
            vec![index, one.clone(), b"1".to_vec(), b"of one".to_vec(), two.clone()]
        }),
        ("an index lists a manifest twice, asked for only the last time", |it| {
            let Pair { images, one, two } = it;
            let index = images.index(&[
                (Some("linux/s390x"), one),
                (Some("linux/arm64"), two),
                (Some("linux/amd64"), one),
            ]);
            images.image("example.com/a", &index, true);
            vec![index, one.clone(), two.clone(), b"1".to_vec(), b"of one".to_vec()]
        }),
        ("an image has a manifest that the image before did not need", |it| {
            let Pair { images, one, two } = it;
            let first = images.index(&[(Some("linux/amd64"), one), (None, two)]);
            let second = images.index(&[(Some("linux/amd64"), two), (None, one)]);
            images.image("example.com/a", &first, true);
            images.image("example.com/b", &second, true);
            let begin = [first, one.clone(), b"1".to_vec(), b"of one".to_vec(), two.clone()];
            [&begin[..], &[second, b"2".to_vec(), b"of two".to_vec()]].concat()
        }),
        ("an image is a manifest that the image before did not need", |it| {
            let Pair { images, one, two } = it;
            let index = images.index(&[(Some("linux/amd64"), one), (Some("linux/arm64"), two)]);
            images.image("example.com/a", &index, true);
            images.image("example.com/b", two, true);
            images.image("example.com/c", two, false);
            let begin = [index, one.clone(), b"1".to_vec(), b"of one".to_vec(), two.clone()];
            [&begin[..], &[b"2".to_vec(), b"of two".to_vec()]].concat()
        }),
    ];
    for (case, make) in cases {
        let mut pair = Pair::new();
        let expected = make(&mut pair);
        let expected: Vec<_> = expected.iter().map(|it| name(it)).collect();
        let contents = full(&["linux/amd64"]);
        assert_eq!(added(&pair.images, &contents)[1..], expected, "{case}");
        let set = pair.images.walk(&contents).unwrap();
        for image in &pair.images.images {
            let whole = set.leaves_first(image.digest);
            let bare = set.bare_manifests(image.digest);
            assert!(whole.iter().all(|it| !bare.contains(it)), "{case}");
            for manifest in set.manifests_here(image.digest) {
                let ManifestParts { config, layers } = set.manifest(manifest).unwrap();
                let has = |it: &Digest| whole.iter().any(|blob| blob.digest == *it);
                assert!(has(config) && layers.iter().all(has), "{case}");
            }
        }
    }
}

#[test]
fn a_manifest_of_a_platform_that_is_not_here_is_checked_as_any() {
    for (case, listed, reason) in [
        ("an index", &br#"{"schemaVersion":2,"manifests":[]}"#[..], "but is an index"),
        ("neither", br#"{"schemaVersion":2}"#, "neither an"),
        ("no JSON", b"<html>", "is refused: expected value"),
    ] {
        let Pair { mut images, one, .. } = Pair::new();
        images.blob(listed);
        let index = images.index(&[(Some("linux/amd64"), &one), (Some("linux/arm64"), listed)]);
        images.image("example.com/a", &index, true);
        let error = kit::chain(&images.walk(&full(&["linux/amd64"])).expect_err(case));
        assert!(error.contains(reason), "{case}: {error}");
    }
}

#[test]
fn a_registry_is_given_every_blob_before_what_refers_to_it() {
    let images = Images::good();
    let set = images.walk(&full(&["linux/amd64"])).unwrap();
    for image in &images.images {
        let blobs = set.leaves_first(image.digest);
        assert_eq!(blobs.last().unwrap().digest, image.digest);
        for manifest in set.manifests_here(image.digest) {
            let parts = set.manifest(manifest).unwrap();
            let at = |digest| blobs.iter().position(|it| it.digest == digest).unwrap();
            assert!(parts.layers.iter().all(|layer| at(*layer) < at(manifest)));
            assert!(at(parts.config) < at(manifest));
        }
    }
    let single = images.images.iter().find(|it| it.size.is_none()).unwrap();
    let kinds: Vec<_> = set.leaves_first(single.digest).iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [BlobKind::Layer, BlobKind::Config, BlobKind::Root]);
}

#[test]
fn a_platform_that_an_index_lacks_is_named_with_those_that_it_has() {
    let images = Images::good();
    let error = images.walk(&full(&["linux/amd64", "linux/s390x"])).unwrap_err().to_string();
    let has = "it has linux/amd64, linux/arm64, unknown/unknown";
    assert!(error.starts_with("image `example.com/again@sha256:"), "{error}");
    assert!(error.contains("is not there for linux/s390x; ") && error.ends_with(has), "{error}");
}

#[test]
fn images_that_contradict_themselves_are_refused() {
    type Case = (&'static str, fn(&mut Images), &'static str);
    let cases: [Case; 7] = [
        (
            "an index within an index, listed as a manifest",
            |images| {
                let manifest = images.manifest(b"1", &[]);
                let inner = images.index(&[(None, &manifest)]);
                let outer = images.index(&[(None, &inner)]);
                images.image("example.com/a", &outer, true);
            },
            "is listed as a manifest, but is an index",
        ),
        (
            "an index that is listed as a manifest after it was an image",
            |images| {
                let manifest = images.manifest(b"1", &[]);
                let inner = images.index(&[(None, &manifest)]);
                let outer = images.index(&[(None, &inner)]);
                images.image("example.com/a", &inner, true);
                images.image("example.com/b", &outer, true);
            },
            "is listed as a manifest, but is an index",
        ),
        (
            "a layer that is another image's manifest",
            |images| {
                let manifest = images.manifest(b"1", &[]);
                let other = images.manifest(b"2", &[&manifest]);
                images.image("example.com/a", &other, true);
                images.image("example.com/b", &manifest, true);
            },
            "as a document and as a config or layer",
        ),
        (
            "a manifest that is another image's layer",
            |images| {
                let manifest = images.manifest(b"1", &[]);
                let other = images.manifest(b"2", &[&manifest]);
                images.image("example.com/a", &manifest, true);
                images.image("example.com/b", &other, true);
            },
            "as a document and as a config or layer",
        ),
        (
            "one layer in two sizes",
            |images| {
                let mut layer = descriptor(kit::images::OCI_LAYER, b"layer");
                let first = layer.clone();
                layer["size"] = json!(6);
                let manifest = images.document(&json!({
                    "schemaVersion": 2,
                    "config": descriptor(kit::images::OCI_CONFIG, b"1"),
                    "layers": [first, layer],
                }));
                images.image("example.com/a", &manifest, true);
            },
            "has 6 bytes, but it has 5",
        ),
        (
            "a root of another size than the release says",
            |images| {
                let manifest = images.manifest(b"1", &[]);
                images.image("example.com/a", &manifest, true);
                images.images[0].size = Some(7);
            },
            "has 7 bytes, but it has",
        ),
        (
            "a layer that no tar header can tell",
            |images| {
                let mut layer = descriptor(kit::images::OCI_LAYER, b"layer");
                layer["size"] = json!(1_u64 << 33);
                let manifest = images.document(&json!({
                    "schemaVersion": 2,
                    "config": descriptor(kit::images::OCI_CONFIG, b"1"),
                    "layers": [layer],
                }));
                images.image("example.com/a", &manifest, true);
            },
            "has 8589934592 bytes, more than the 8589934591",
        ),
    ];
    for (case, make, reason) in cases {
        let mut images = Images::default();
        make(&mut images);
        let error = images.walk(&full(&[])).expect_err(case);
        let error = kit::chain(&error);
        assert!(error.contains(reason), "{case}: {error}");
    }
}

#[test]
fn documents_have_bytes_within_a_limit_all_together() {
    let mut images = Images::default();
    for number in 0..9 {
        let manifest = images.document(&json!({
            "schemaVersion": 2,
            "config": descriptor(kit::images::OCI_CONFIG, b"{}"),
            "padding": format!("{number}{}", "x".repeat((4 << 20) - 1000)),
        }));
        images.image(&format!("example.com/{number}"), &manifest, true);
        let walked = images.walk(&full(&[]));
        assert_eq!(walked.is_ok(), number < 8, "{} documents", number + 1);
    }
    let error = images.walk(&full(&[])).unwrap_err().to_string();
    assert_eq!(error, "the images have more than 33554432 bytes in indexes and manifests");
}

#[test]
fn images_have_blobs_within_a_limit_all_together() {
    let mut images = Images::default();
    let manifests: Vec<_> = (0..50_u32)
        .map(|number| {
            let layer = |layer: u32| {
                descriptor(kit::images::OCI_LAYER, &(number * 1024 + layer).to_le_bytes())
            };
            // With itself and the config that they share, 50,001 blobs in all.
            let layers: Vec<_> = (0..999).map(layer).collect();
            images.document(&json!({
                "schemaVersion": 2,
                "config": descriptor(kit::images::OCI_CONFIG, b"{}"),
                "layers": layers,
            }))
        })
        .collect();
    for (number, manifest) in manifests.iter().enumerate() {
        images.image(&format!("example.com/{number}"), manifest, true);
    }
    let error = images.walk(&full(&[])).unwrap_err().to_string();
    assert_eq!(error, "the images have more than 50000 blobs");
    images.images.pop();
    assert_eq!(images.walk(&full(&[])).unwrap().blobs().len(), 49_001);
}

#[test]
fn a_walk_goes_on_only_with_the_documents_that_it_asked_for() {
    let images = Images::good();
    let contents = full(&[]);
    let mut walk = a4co_bundle::ImageWalk::new(&images.images, &contents);
    let step = walk.advance().unwrap().unwrap();
    assert!(walk.advance().unwrap_err().to_string().contains("was not given"));
    let mut other = images.blobs[&step.digest].clone();
    other[5] ^= 1;
    let error = walk.learn(&other).unwrap_err().to_string();
    assert!(error.contains("is another one: its digest is sha256:"), "{error}");
}

/// Gives other bytes for one blob.
struct Wrong<'a>(&'a Images, Digest, fn(&mut Vec<u8>));

impl BlobSource for Wrong<'_> {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        let mut bytes = self.0.blobs[&step.digest].clone();
        if step.digest == self.1 {
            (self.2)(&mut bytes);
        }
        Ok(Box::new(Cursor::new(bytes)))
    }
}

#[test]
fn nothing_but_the_blobs_that_are_pinned_is_written() {
    type Case = (&'static str, Digest, fn(&mut Vec<u8>), &'static str);
    let images = Images::good();
    let release = images.release();
    let attestation = kit::attestation(&release, &[], Vec::new());
    let layer = Digest::of(b"arm64 of one");
    let root = images.images[0].digest;
    let cases: [Case; 6] = [
        ("another layer of the same size", layer, |it| it[0] ^= 1, "its digest is sha256:"),
        ("a layer cut short", layer, |it| it.truncate(3), "it ends 9 bytes early"),
        ("a layer that goes on", layer, |it| it.push(0), "it has more than 12 bytes"),
        ("another root", root, |it| it[0] ^= 1, "its digest is sha256:"),
        ("a root cut short", root, |it| it.truncate(3), "bytes, but it has 3"),
        ("a root without end", root, |it| it.resize(5 << 20, b' '), "bytes, but it has"),
    ];
    for (case, digest, change, reason) in cases {
        let mut blobs = Wrong(&images, digest, change);
        let packed = pack_thick(Vec::new(), &attestation, &release, &full(&[]), &mut blobs);
        let error = kit::chain(&packed.expect_err(case));
        assert!(error.contains(reason), "{case}: {error}");
    }
    let mut none = std::collections::BTreeMap::new();
    let packed = pack_thick(Vec::new(), &attestation, &release, &full(&[]), &mut none);
    let error = packed.unwrap_err().to_string();
    assert!(error.starts_with("cannot read blob sha256:"), "{error}");
}

#[test]
fn contents_that_say_nothing_true_are_not_written() {
    let images = Images::good();
    let release = images.release();
    let attestation = kit::attestation(&release, &[], Vec::new());
    let base = Some(release.id());
    let absent = |bytes: &[u8]| [Digest::of(bytes)].into();
    let root = images.images[0].digest;
    for (case, contents, reason) in [
        ("a base for nothing", Contents { base, ..full(&[]) }, "must name a base exactly if"),
        (
            "something absent that nobody has",
            Contents { absent: absent(b"amd64 of one"), ..full(&[]) },
            "must name a base exactly if",
        ),
        (
            "something absent that is no blob of the images",
            Contents { absent: absent(b"x"), base, ..full(&[]) },
            "no image here has such a layer",
        ),
        (
            "something absent of a platform that is not here",
            Contents { absent: absent(b"amd64 of one"), base, ..full(&["linux/arm64"]) },
            "no image here has such a layer",
        ),
        (
            "a document that is absent",
            Contents { absent: [root].into(), base, ..full(&[]) },
            "no image here has such a layer",
        ),
        ("another schema", Contents { schema: 2, ..full(&[]) }, "has schema 2, but only 1"),
    ] {
        let mut blobs = images.blobs.clone();
        let packed = pack_thick(Vec::new(), &attestation, &release, &contents, &mut blobs);
        let error = packed.expect_err(case).to_string();
        assert!(error.contains(reason), "{case}: {error}");
    }
}

/// A later release that shares images and layers with the good one.
fn later() -> Images {
    let mut images = Images::good();
    let new = images.manifest(b"{\"new\":1}", &[b"a layer that images share", b"new"]);
    let index = images.index(&[(Some("linux/amd64"), &new)]);
    images.images.retain(|it| !it.name.ends_with("two"));
    images.image("example.com/two", &index, true);
    images
}

#[test]
fn a_delta_joined_with_its_base_is_the_full_bundle() {
    for asked in [&[][..], &["linux/amd64"]] {
        let (old, new) = (Images::good(), later());
        let base_file = old.pack(&full(asked));
        let base = verified(&base_file);
        let set = new.walk(&full(asked)).unwrap();
        let held = base.images().unwrap();
        let contents = Contents::delta(platforms(asked), &set, old.release().id(), held);
        assert!(!contents.is_full());
        let (delta_file, expected) = (new.pack(&contents), new.pack(&full(asked)));
        let delta = verified(&delta_file);
        let images = delta.images().unwrap();
        assert_eq!(images.contents(), &contents);
        for blob in images.set().blobs() {
            let is_old = !blob.kind.is_document() && held.stored(blob.digest).is_some();
            assert_eq!(blob.is_absent, is_old);
            assert_eq!(images.stored(blob.digest).is_none(), is_old);
        }
        let files = (Cursor::new(&base_file), Cursor::new(&delta_file));
        let joined = join((&base, files.0), (&delta, files.1), Vec::new()).unwrap();
        assert!(joined == expected, "{asked:?}");
    }
}

#[test]
fn a_delta_with_nothing_to_leave_out_is_the_full_bundle() {
    let mut other = Images::default();
    let manifest = other.manifest(b"9", &[b"9"]);
    other.image("example.com/nine", &manifest, true);
    let base = stored(&other.pack(&full(&[])));
    let new = Images::good();
    let set = new.walk(&full(&[])).unwrap();
    assert_eq!(Contents::delta([], &set, other.release().id(), &base), full(&[]));
}

#[test]
fn a_delta_is_not_joined_with_a_bundle_that_lacks_its_layers() {
    let (old, new) = (Images::good(), later());
    let base_file = old.pack(&full(&[]));
    let base = verified(&base_file);
    let set = new.walk(&full(&[])).unwrap();
    let contents = Contents::delta([], &set, old.release().id(), base.images().unwrap());
    let delta_file = new.pack(&contents);
    let delta = verified(&delta_file);
    let thin_file = kit::bundle(&old.release(), &[&Key::number(1)]);
    let part_file = old.pack(&full(&["linux/amd64"]));
    for (case, other, reason) in [
        ("a thin bundle", &thin_file, "holds no images"),
        ("a bundle of fewer platforms", &part_file, "lacks 4 of the blobs that the delta leaves"),
        ("the delta itself", &delta_file, "lacks"),
    ] {
        let bundle = verified(other);
        let files = (Cursor::new(other), Cursor::new(&delta_file));
        let joined = join((&bundle, files.0), (&delta, files.1), Vec::new());
        let error = joined.expect_err(case).to_string();
        assert!(error.contains(reason), "{case}: {error}");
    }
}

#[test]
fn a_bundle_is_signed_again_without_the_blobs_at_hand() {
    let images = Images::good();
    let file = images.pack(&full(&["linux/amd64"]));
    let bundle = verified(&file);
    let held = bundle.images().unwrap();
    let mut blobs = StoredBlobs::new(held, Cursor::new(&file));
    let release = bundle.release();
    let again = |keys: &[&Key], blobs: &mut dyn BlobSource| {
        let attestation = kit::attestation(release, keys, Vec::new());
        pack_thick(Vec::new(), &attestation, release, held.contents(), blobs).unwrap()
    };
    assert!(again(&[&Key::number(1)], &mut blobs) == file);
    let more = verified(&again(&[&Key::number(1), &Key::number(2)], &mut blobs));
    assert_eq!(more.attestation().signatures.len(), 2);
    assert_eq!(more.release(), release);
    let digests = |it: &a4co_bundle::Bundle| it.images().unwrap().set().clone();
    assert_eq!(digests(&more), digests(&bundle));
}

/// Images with layers that begin and end around the ends of gzip's blocks.
fn long() -> Images {
    let mut images = Images::default();
    let layer = |size: usize| (0..size).map(|it| u8::try_from(it % 251).unwrap()).collect();
    let sizes = [0, 1, 511, 512, 513, 65_535 - 512, 65_535, 65_536, 131_070, 200_000];
    let layers: Vec<Vec<u8>> = sizes.into_iter().map(layer).collect();
    let layers: Vec<_> = layers.iter().map(Vec::as_slice).collect();
    let manifest = images.manifest(b"1", &layers);
    images.image("example.com/long", &manifest, true);
    images
}

#[test]
fn every_blob_is_read_from_where_it_lies() {
    let images = long();
    let file = images.pack(&full(&[]));
    let held = stored(&file);
    for (digest, bytes) in &images.blobs {
        let blob = held.stored(*digest).unwrap();
        let mut read = Vec::new();
        let mut reader = BlobReader::whole(Cursor::new(&file), &blob).unwrap();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == *bytes, "{} bytes", bytes.len());
        let size = bytes.len();
        let cuts = [0, 1, 511, 65_534, 65_535, 65_536, 131_069, 131_070, size];
        for from in cuts.into_iter().filter(|it| *it <= size) {
            for to in cuts.into_iter().filter(|it| (from..=size).contains(it)) {
                let range = from as u64..to as u64;
                let mut read = Vec::new();
                let mut reader = BlobReader::part(Cursor::new(&file), &blob, range).unwrap();
                reader.read_to_end(&mut read).unwrap();
                assert!(read == bytes[from..to], "{from}..{to} of {size}");
            }
        }
        let size = size as u64;
        for range in [0..size + 1, size + 1..size + 1] {
            let error = BlobReader::part(Cursor::new(&file), &blob, range).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
        }
    }
}

#[test]
fn nobody_comes_to_the_end_of_a_blob_that_was_damaged_since() {
    let images = long();
    let file = images.pack(&full(&[]));
    let held = stored(&file);
    let (digest, bytes) = images.blobs.iter().find(|(_, it)| it.len() == 200_000).unwrap();
    let blob = held.stored(*digest).unwrap();
    let offset = usize::try_from(blob.offset).unwrap();
    let start = 10 + 5 * (offset / 65_535 + 1) + offset;
    assert_eq!(file[start..start + 64], bytes[..64]);
    let mut damaged = file.clone();
    damaged[start + 10] ^= 1;
    let mut read = Vec::new();
    let mut reader = BlobReader::whole(Cursor::new(&damaged), &blob).unwrap();
    for time in ["the first time", "when asked again"] {
        let error = reader.read_to_end(&mut read).expect_err(time);
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("blob sha256:"), "{error}");
        assert!(read.len() < bytes.len(), "the last piece is not given away");
    }
    let cut = &file[..start + 100_000];
    let error = BlobReader::whole(Cursor::new(cut), &blob).unwrap().read_to_end(&mut read);
    assert_eq!(error.unwrap_err().kind(), ErrorKind::UnexpectedEof);
}

/// Fails once, where the header of a block of gzip is read.
struct Hiccup<'a>(Cursor<&'a [u8]>, bool);

impl Read for Hiccup<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.len() == 5 && !self.1 {
            self.1 = true;
            return Err(ErrorKind::TimedOut.into());
        }
        self.0.read(buffer)
    }
}

impl Seek for Hiccup<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn a_piece_that_was_lost_to_an_error_is_not_passed_over() {
    let images = long();
    let file = images.pack(&full(&[]));
    let held = stored(&file);
    let (digest, _) = images.blobs.iter().find(|(_, it)| it.len() == 200_000).unwrap();
    let source = Hiccup(Cursor::new(&file), false);
    let mut reader = BlobReader::whole(source, &held.stored(*digest).unwrap()).unwrap();
    for time in ["the first time", "when asked again"] {
        let error = reader.read_to_end(&mut Vec::new()).expect_err(time);
        assert_eq!(error.kind(), ErrorKind::TimedOut, "{time}");
    }
}

#[test]
fn platforms_are_named_only_where_an_index_confirms_them() {
    let mut images = Images::default();
    let manifest = images.manifest(b"1", &[b"layer"]);
    images.image("example.com/a", &manifest, true);
    images.walk(&full(&[])).unwrap();
    let error = images.walk(&full(&["plan9/mips"])).unwrap_err().to_string();
    assert!(error.contains("(plan9/mips), but no image has an index"), "{error}");
    let release = images.release();
    let attestation = kit::attestation(&release, &[], Vec::new());
    let contents = full(&["linux/amd64"]);
    let packed = pack_thick(Vec::new(), &attestation, &release, &contents, &mut images.blobs);
    let error = packed.unwrap_err().to_string();
    assert!(error.contains("(linux/amd64), but no image has an index"), "{error}");
}

/// An image may hold what the release holds: an artifact that carries objects, say.
#[test]
fn a_blob_of_an_image_that_is_an_object_of_the_release_stands_in_both_places() {
    let mut images = Images::default();
    let object = images.release().objects()[0].bytes().to_vec();
    let manifest = images.manifest(b"1", &[&object]);
    images.image("example.com/a", &manifest, true);
    let file = images.pack(&full(&[]));
    let names = names(&file);
    let twice: Vec<_> = names.iter().filter(|it| **it == name(&object)).collect();
    assert_eq!(twice.len(), 2);
    let blob = stored(&file).stored(Digest::of(&object)).unwrap();
    let mut read = Vec::new();
    BlobReader::whole(Cursor::new(&file), &blob).unwrap().read_to_end(&mut read).unwrap();
    assert_eq!(read, object);
    let said = "but that of an image, if it is one of the release's own too, stands again";
    assert!(include_str!("../../../docs/bundle-format.md").contains(said));
}

#[test]
fn a_thick_bundle_with_any_one_bit_flipped_is_refused() {
    let mut images = Images::default();
    let one = images.manifest(b"1", &[b"layer"]);
    let index = images.index(&[(Some("linux/amd64"), &one)]);
    images.image("example.com/a", &index, false);
    let good = images.pack(&full(&["linux/amd64"]));
    let thin = kit::bundle(&images.release(), &[&Key::number(1)]);
    let anchor = kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]));
    let refuse = |bytes: std::ops::Range<usize>| {
        let mut damaged = good.clone();
        for (index, bit) in bytes.flat_map(|index| (0..8).map(move |bit| (index, bit))) {
            damaged[index] ^= 1 << bit;
            let opened = UnverifiedBundle::open(damaged.as_slice());
            let verified = opened.and_then(|bundle| bundle.verify(&anchor));
            let is_damage = verified.as_ref().err().map(a4co_bundle::BundleError::is_damage);
            let expected = if index < 10 { Some(false) } else { Some(true) };
            assert_eq!(is_damage, expected, "bit {bit} of byte {index}");
            damaged[index] ^= 1 << bit;
        }
    };
    // What the thin bundle has too is flipped in its own test.
    let (from, to) = (thin.len() - 3000, good.len());
    let half = usize::midpoint(from, to);
    thread::scope(|scope| {
        scope.spawn(|| refuse(from..half));
        refuse(half..to);
    });
    verified(&good);
}

#[test]
fn a_thick_bundle_that_is_cut_is_refused() {
    let file = Images::good().pack(&full(&[]));
    let anchor = kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]));
    for length in (0..file.len()).step_by(37) {
        let opened = UnverifiedBundle::open(&file[..length]);
        let error = opened.and_then(|bundle| bundle.verify(&anchor)).unwrap_err();
        assert!(error.is_damage(), "the first {length} bytes: {error}");
    }
}
