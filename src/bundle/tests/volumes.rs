//! Files in volumes.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::io::{Cursor, ErrorKind, Read as _, Seek as _, SeekFrom};

use a4co_bundle::{
    BlobReader, Digest, Split, UnverifiedBundle, VOLUME_SCHEMA, VolumeError, Volumes, is_volume,
    volume_name,
};
use kit::{
    Key,
    hostile::Entry,
    images::{Images, full, verified},
    tools::{TAR, has, run, write},
};
use serde_json::{Value, json};

const NAME: &str = "bundle.tar.gz";
/// Bytes of the file in each volume of 64 KiB.
const PART: usize = (64 << 10) - 4096;

fn file(size: usize) -> Vec<u8> {
    (0..size).map(|it| u8::try_from(it % 253).unwrap()).collect()
}

fn split(file: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut split = Split::new(Cursor::new(file), NAME, 64 << 10).unwrap();
    let count = split.count();
    let volumes = (1..=count).map(|number| {
        let volume = split.write(number, Vec::new()).unwrap();
        (volume_name(NAME, number, count), volume)
    });
    volumes.collect()
}

type Sources = Vec<(String, Vec<u8>)>;

fn open(volumes: Sources) -> Result<Volumes<Cursor<Vec<u8>>>, VolumeError> {
    Volumes::open(volumes.into_iter().map(|(name, bytes)| (name, Cursor::new(bytes))))
}

#[test]
fn volumes_in_any_order_read_as_the_file() {
    for size in [1, 511, 512, PART - 1, PART, PART + 1, 3 * PART, 3 * PART + 1] {
        let file = file(size);
        let mut volumes = split(&file);
        assert_eq!(volumes.len(), size.div_ceil(PART));
        assert!(volumes.iter().all(|(_, it)| it.len() <= 64 << 10 && is_volume(it)));
        volumes.reverse();
        let mut opened = open(volumes).unwrap();
        opened.check().unwrap();
        assert_eq!((opened.file_name(), opened.size()), (NAME, size as u64));
        let mut read = Vec::new();
        opened.read_to_end(&mut read).unwrap();
        assert!(read == file, "{size}");
    }
    assert!(!is_volume(&file(1000)) && !is_volume(b""));
}

#[test]
fn volumes_seek_as_the_file() {
    let file = file(2 * PART + 1000);
    let mut volumes = open(split(&file)).unwrap();
    let mut expected = Cursor::new(&file);
    let size = file.len() as u64;
    let part = PART as u64;
    for to in [
        SeekFrom::Start(part - 3),
        SeekFrom::Current(-7),
        SeekFrom::End(-3),
        SeekFrom::Start(part),
        SeekFrom::Start(2 * part),
        SeekFrom::Current(part.cast_signed()),
        SeekFrom::Start(size),
        SeekFrom::Start(size + 9),
        SeekFrom::Start(0),
    ] {
        assert_eq!(volumes.seek(to).unwrap(), expected.seek(to).unwrap(), "{to:?}");
        let (mut found, mut wanted) = (Vec::new(), Vec::new());
        volumes.by_ref().take(10).read_to_end(&mut found).unwrap();
        expected.by_ref().take(10).read_to_end(&mut wanted).unwrap();
        assert_eq!(found, wanted, "{to:?}");
    }
    let error = volumes.seek(SeekFrom::Current(i64::MIN)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_bundle_is_verified_and_its_blobs_read_from_volumes() {
    let mut images = Images::default();
    let layer = file(200_000);
    let manifest = images.manifest(b"1", &[&layer]);
    images.image("example.com/a", &manifest, true);
    let bundle = images.pack(&full(&[]));
    let mut volumes = open(split(&bundle)).unwrap();
    let anchor = kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]));
    let opened = UnverifiedBundle::open(&mut volumes).unwrap().verify(&anchor).unwrap();
    assert_eq!(opened.size(), verified(&bundle).size());
    let blob = opened.images().unwrap().stored(Digest::of(&layer)).unwrap();
    let mut read = Vec::new();
    BlobReader::whole(&mut volumes, &blob).unwrap().read_to_end(&mut read).unwrap();
    assert!(read == layer);
}

#[test]
fn tar_and_cat_join_volumes() {
    if !has(&[TAR]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = file(11 * PART + 17);
    for (name, volume) in split(&file) {
        write(folder.path(), &name, &volume);
    }
    let line = format!("for v in {NAME}.vol-*; do tar -xOf \"$v\" part; done");
    assert!(run(folder.path(), &line) == file);
    let label = run(folder.path(), &format!("tar -xOf {NAME}.vol-01-of-12.tar a4co/volume.json"));
    let label: Value = serde_json::from_slice(&label).unwrap();
    assert_eq!(label["file"]["digest"], json!(Digest::of(&file)));
    let sum = run(folder.path(), &format!("tar -xOf {NAME}.vol-02-of-12.tar part | sha256sum"));
    let part = Digest::of(&file[PART..2 * PART]).to_hex();
    assert!(String::from_utf8(sum).unwrap().starts_with(&part));
}

/// The volume with its label changed, by a writer of its own.
fn relabel(volume: &[u8], change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let size = str::from_utf8(&volume[124..135]).unwrap();
    let size = usize::from_str_radix(size, 8).unwrap();
    let mut label: Value = serde_json::from_slice(&volume[512..512 + size]).unwrap();
    let part = label["part"]["size"].as_u64().unwrap();
    let at = 512 + size.next_multiple_of(512) + 512;
    let body = volume[at..at + usize::try_from(part).unwrap()].to_vec();
    change(&mut label);
    let label = a4co_bundle::to_canonical(&label).unwrap();
    let entries = [Entry::new("a4co/volume.json", &label), Entry::new("part", &body)];
    let mut tar = Vec::new();
    for Entry { header, body, padding } in entries {
        tar.extend([&header[..], &body, &padding].concat());
    }
    tar.resize(tar.len() + 1024, 0);
    tar
}

#[test]
fn volumes_that_do_not_make_the_file_are_refused() {
    type Case<'a> = (&'static str, Box<dyn Fn(&mut Sources) + 'a>, &'static str);
    let file = file(2 * PART + 1000);
    let other = {
        let mut other = file.clone();
        other[5] ^= 1;
        split(&other)
    };
    let label =
        |change: fn(&mut Value)| move |it: &mut Sources| it[1].1 = relabel(&it[1].1, change);
    let cases: Vec<Case<'_>> = vec![
        ("none at all", Box::new(Vec::clear), "no volume was given"),
        (
            "two that are missing",
            Box::new(|it| it.truncate(1)),
            "of the 3 volumes of `bundle.tar.gz`, these are missing: 2, 3",
        ),
        (
            "one twice",
            Box::new(|it| it.push(("copy".to_owned(), it[1].1.clone()))),
            "bundle.tar.gz.vol-2-of-3.tar and copy are both volume 2",
        ),
        (
            "one of another file",
            Box::new(|it| it[2] = ("x".to_owned(), other[2].1.clone())),
            "x belongs to another file than bundle.tar.gz.vol-1-of-3.tar",
        ),
        ("one that is cut", Box::new(|it| it[1].1.truncate(5000)), "has 5000 bytes instead of"),
        ("one that goes on", Box::new(|it| it[1].1.push(0)), "bytes instead of"),
        ("one that is empty", Box::new(|it| it[1].1.clear()), "it has only 0 bytes"),
        (
            "a bundle instead of a volume",
            Box::new(|it| it[1].1 = kit::bundle(&kit::release(), &[])),
            "is not a volume as a4co writes it",
        ),
        (
            "a label of 8 GiB",
            Box::new(|it| {
                let mut entry = Entry::new("a4co/volume.json", b"");
                entry.put(124, "77777777777");
                entry.sum();
                it[1].1 = entry.header.to_vec();
            }),
            "is not a volume as a4co writes it",
        ),
        (
            "a label with white space",
            Box::new(|it| {
                let at = it[1].1.iter().position(|byte| *byte == b',').unwrap();
                it[1].1[at] = b' ';
            }),
            "`a4co/volume.json` in bundle.tar.gz.vol-2-of-3.tar is malformed",
        ),
        (
            "a part with another mode",
            Box::new(|it| it[1].1[1024 + 106] ^= 1),
            "is not a volume as a4co writes it: at byte 1130",
        ),
        ("another schema", Box::new(label(|it| it["schema"] = json!(2))), "schema 2, but only 1"),
        ("number 0", Box::new(label(|it| it["number"] = json!(0))), "itself or the others: its n"),
        ("a number beyond", Box::new(label(|it| it["number"] = json!(4))), "the others: its num"),
        (
            "more volumes than there can be",
            Box::new(label(|it| it["count"] = json!(501))),
            "the number of volumes",
        ),
        (
            "a name that climbs",
            Box::new(label(|it| it["file"]["name"] = json!("../bundle"))),
            "the name of the file",
        ),
        (
            "a part that overlaps",
            Box::new(label(|it| it["offset"] = json!(PART - 1))),
            "contradicts itself or the others: where its part begins",
        ),
        (
            "a part that begins beyond all numbers",
            Box::new(label(|it| it["offset"] = json!((1_u64 << 53) - 1))),
            "where its part ends",
        ),
        ("a part of nothing", Box::new(label(|it| it["part"]["size"] = json!(0))), "size of its"),
        (
            "a part longer than it is",
            Box::new(label(|it| it["part"]["size"] = json!(PART + 1))),
            "all parts but the last have one size",
        ),
    ];
    for (case, change, reason) in cases {
        let mut volumes = split(&file);
        change(&mut volumes);
        let error = open(volumes).expect_err(case);
        let error = kit::chain(&error);
        assert!(error.contains(reason), "{case}: {error}");
    }
    relabel(&split(&file)[1].1, |_| ());
    assert_eq!(relabel(&split(&file)[1].1, |_| ()), split(&file)[1].1);
}

#[test]
fn parts_that_no_writer_makes_are_refused() {
    type Case = (&'static str, usize, fn(&mut Value));
    let cases: [Case; 3] = [
        ("a part that is not cut at a record", 0, |it| it["part"]["size"] = json!(PART - 1)),
        ("parts of two sizes", 1, |it| it["offset"] = json!(PART - 512)),
        ("a last part that is larger than the others", 2, |it| {
            it["offset"] = json!(1024);
            it["part"]["size"] = json!(it["file"]["size"].as_u64().unwrap() - 1024);
        }),
    ];
    for (case, index, change) in cases {
        let mut volumes = split(&file(2 * PART + 1000));
        volumes[index].1 = relabel(&volumes[index].1, change);
        let error = open(volumes).expect_err(case).to_string();
        assert!(error.ends_with("all parts but the last have one size"), "{case}: {error}");
    }
}

#[test]
fn damaged_volumes_are_named() {
    let file = file(3 * PART);
    let good = split(&file);
    for (case, at) in [("in the part", 2000), ("in the zeros at the end", good[0].1.len() - 1)] {
        let mut volumes = good.clone();
        volumes[0].1[at] ^= 1;
        volumes[2].1[at] ^= 1;
        let error = open(volumes).unwrap().check().expect_err(case).to_string();
        let names = "bundle.tar.gz.vol-1-of-3.tar, bundle.tar.gz.vol-3-of-3.tar";
        assert_eq!(error, format!("damaged, copy again: {names}"), "{case}");
    }
    let lie = |(name, volume): &(String, Vec<u8>)| {
        let change = |it: &mut Value| it["file"]["digest"] = json!(Digest::of(b"x"));
        (name.clone(), relabel(volume, change))
    };
    let error = open(good.iter().map(lie).collect()).unwrap().check().unwrap_err().to_string();
    assert!(error.starts_with("the volumes are whole, but make a file with digest"), "{error}");
}

#[test]
fn what_cannot_be_volumes_is_not_split() {
    let good = file(10);
    for (case, file, name, bytes, reason) in [
        ("an empty file", &[][..], NAME, 1 << 20, "the file is empty"),
        ("a name with a folder", &good, "a/b", 1 << 20, "cannot be the name"),
        ("a hidden name", &good, ".b", 1 << 20, "cannot be the name"),
        ("a name like an option", &good, "-b", 1 << 20, "cannot be the name"),
        ("volumes that are too small", &good, NAME, 65_535, "65536 to 8589934080 can"),
        ("volumes of 8 GiB", &good, NAME, 1 << 33, "65536 to 8589934080 can"),
    ] {
        let error = Split::new(Cursor::new(file), name, bytes).expect_err(case).to_string();
        assert!(error.contains(reason), "{case}: {error}");
    }
    let mut split = Split::new(Cursor::new(&good), NAME, 1 << 20).unwrap();
    for number in [0, 2] {
        let error = split.write(number, Vec::new()).unwrap_err().to_string();
        assert_eq!(error, format!("there is no volume {number} of 1"));
    }
    assert_eq!(VOLUME_SCHEMA, 1);
}

#[test]
fn a_file_that_changes_while_it_is_split_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "file", b"before");
    let path = folder.path().join("file");
    let file = std::fs::OpenOptions::new().read(true).open(path).unwrap();
    let mut split = Split::new(file, NAME, 1 << 20).unwrap();
    write(folder.path(), "file", b"after!");
    assert!(matches!(split.write(1, Vec::new()), Err(VolumeError::Changed)));
    write(folder.path(), "file", b"cut");
    let error = kit::chain(&split.write(1, Vec::new()).unwrap_err());
    assert!(error.starts_with("cannot read the file"), "{error}");
}
