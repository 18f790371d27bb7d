//! Huge sizes that an archive claims take no memory.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::io::{self, Read, Seek as _, SeekFrom, Write as _};

use a4co_bundle::{BlobReader, BlobSource, Digest, Digester, Step, UnverifiedBundle, pack_thick};
use kit::{
    Key,
    hostile::{Documents, Entry, Tar, blob},
    images::{Images, OCI_CONFIG, OCI_LAYER, descriptor, full},
};
use serde_json::json;

/// Most address space that reading any bomb may take, in KiB.
const ALLOWANCE: u64 = 32 << 10;

fn peak() -> u64 {
    let status = read("/proc/self/status");
    let line = status.lines().find_map(|line| line.strip_prefix("VmPeak:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

fn read(path: &str) -> String {
    io::read_to_string(std::fs::OpenOptions::new().read(true).open(path).unwrap()).unwrap()
}

fn refuse(case: &str, source: impl Read) {
    let anchor = kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]));
    let opened = UnverifiedBundle::open(source);
    assert!(opened.and_then(|bundle| bundle.verify(&anchor)).is_err(), "{case}");
}

fn claim(entry: usize) -> Vec<u8> {
    Tar::good().header(entry, |it| it.put(124, "77777777777")).pack()
}

fn layer(size: u64) -> Vec<u8> {
    let mut documents = Documents::good();
    documents.layers[0]["size"] = json!(size);
    documents.pack()
}

fn statement(size: u64) -> Vec<u8> {
    Documents::good().pack_statement(|text| {
        let at = text.find("\"manifestSize\":").unwrap() + 15;
        let end = at + text[at..].find(',').unwrap();
        format!("{}{size}{}", &text[..at], &text[end..])
    })
}

// One test, because a second thread takes address space of its own.
#[test]
fn nothing_that_an_archive_claims_takes_memory() {
    check_claimed_sizes();
    check_json_of_many_values();
    check_a_file_without_end();
    check_a_large_layer();
}

fn check_claimed_sizes() {
    // Everything once, so that what the code itself needs is in the peak already.
    refuse("a bit flipped", layer(1).as_slice());
    let before = peak();
    for (case, archive) in [
        ("a statement of 8 GiB", claim(0)),
        ("a signature of 8 GiB", claim(1)),
        ("a manifest of 8 GiB in its header", claim(2)),
        ("a config of 8 GiB in its header", claim(3)),
        ("an object of 8 GiB in its header", claim(4)),
        ("an index of 8 GiB", claim(6)),
        ("a list of images of 8 GiB", claim_thick(5)),
        ("an image's index of 8 GiB", claim_thick(6)),
        ("a layer of 8 GiB", huge_layer()),
        ("a manifest of 1 GiB in the statement", statement(1 << 30)),
        ("an object of 1 GiB in the manifest", layer(1 << 30)),
    ] {
        refuse(case, archive.as_slice());
        let taken = peak() - before;
        assert!(taken < ALLOWANCE, "{case}: {taken} KiB");
    }
}

/// A tree of these would take a hundred times their bytes.
fn check_json_of_many_values() {
    let many = |start: &str, item: &str, end: &str| {
        let count = ((4 << 20) - 200) / (item.len() + 1);
        let items = vec![item; count].join(",");
        format!("{start}{items}{end}").into_bytes()
    };
    let many = [
        ("objects", many("[", r#"{"":0}"#, "]")),
        ("lists", many("[", "[[[[0]]]]", "]")),
        (
            "objects of a member that is not known",
            many(r#"{"x":["#, r#"{"":0}"#, r#"],"schema":1}"#),
        ),
    ];
    let images = Images::good();
    for (case, json) in many {
        let mut list = Tar::of(&images.pack(&full(&[])));
        let at = list.entries.iter().position(|it| it.name() == "a4co/images.json").unwrap();
        list.entries[at] = Entry::new("a4co/images.json", &json);
        let config = Documents { config: json.clone(), ..Documents::good() };
        for (what, archive) in [("the list of images", list.pack()), ("the config", config.pack())]
        {
            drop(archive.clone());
            let before = peak();
            let opened = UnverifiedBundle::open(archive.as_slice());
            assert!(opened.and_then(UnverifiedBundle::inspect).is_err(), "{case}: {what}");
            let taken = peak() - before;
            assert!(taken < ALLOWANCE, "{case}: {what}: {taken} KiB");
        }
    }
}

/// A thick bundle with 8 GiB in the header of one of its entries.
fn claim_thick(entry: usize) -> Vec<u8> {
    let mut images = Images::default();
    let manifest = images.manifest(b"{}", &[b"layer"]);
    images.image("example.com/a", &manifest, false);
    let tar = Tar::of(&images.pack(&full(&[])));
    tar.header(entry, |it| it.put(124, "77777777777")).pack()
}

/// A thick bundle that says in its manifest, too, that a layer has 8 GiB.
fn huge_layer() -> Vec<u8> {
    let mut images = Images::default();
    let mut layer = descriptor(OCI_LAYER, b"layer");
    layer["size"] = json!(0o777_7777_7777_u64);
    let config = descriptor(OCI_CONFIG, b"{}");
    let manifest =
        images.document(&json!({ "schemaVersion": 2, "config": config, "layers": [layer] }));
    images.image("example.com/a", &manifest, false);
    let mut tar = Tar::of(&kit::bundle(&images.release(), &[&Key::number(1)]));
    let mut layer = blob(b"layer");
    layer.put(124, "77777777777");
    layer.sum();
    let contents = full(&[]).to_bytes().unwrap();
    let entries = [Entry::new("a4co/images.json", &contents), blob(&manifest), blob(b"{}"), layer];
    tar.entries.splice(5..5, entries);
    tar.pack()
}

/// A layer that is nowhere at once.
struct Large(Images, Digest);

/// More than is read after an error in what is not yet believed.
const LARGE: u64 = 257 << 20;

impl BlobSource for Large {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        if step.digest == self.1 {
            return Ok(Box::new(io::repeat(7).take(LARGE)));
        }
        self.0.blobs.open(step)
    }
}

fn check_a_large_layer() {
    let before = peak();
    let mut digester = Digester::default();
    io::copy(&mut io::repeat(7).take(LARGE), &mut digester).unwrap();
    let digest = digester.finish();
    let mut images = Images::default();
    let config = images.blob(b"{}");
    let manifest = images.document(&json!({
        "schemaVersion": 2,
        "config": { "mediaType": OCI_CONFIG, "digest": config, "size": 2 },
        "layers": [{ "mediaType": OCI_LAYER, "digest": digest, "size": LARGE }],
    }));
    images.image("example.com/a", &manifest, true);
    let release = images.release();
    let attestation = kit::attestation(&release, &[&Key::number(1)], Vec::new());
    let file = tempfile::tempfile().unwrap();
    let contents = full(&[]);
    pack_thick(&file, &attestation, &release, &contents, &mut Large(images, digest)).unwrap();
    (&file).rewind().unwrap();
    let anchor = kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]));
    let bundle = UnverifiedBundle::open(&file).unwrap().verify(&anchor).unwrap();
    let blob = bundle.images().unwrap().stored(digest).unwrap();
    let mut reader = BlobReader::whole(&file, &blob).unwrap();
    assert_eq!(io::copy(&mut reader, &mut io::sink()).unwrap(), LARGE);

    // One bit before the layer: the file is read to its end to tell that it was damaged.
    let offset = bundle.images().unwrap().stored(config).unwrap().offset;
    (&file).seek(SeekFrom::Start(10 + 5 * (offset / 65_535 + 1) + offset)).unwrap();
    (&file).write_all(b"[").unwrap();
    (&file).rewind().unwrap();
    let error = UnverifiedBundle::open(&file).unwrap().verify(&anchor).unwrap_err();
    assert!(error.is_damage(), "{}", kit::chain(&error));

    let taken = peak() - before;
    assert!(taken < 4 << 10, "{taken} KiB to write, verify and read a layer of 257 MiB");
}

/// Repeats the good archive's beginning and then one full block for ever.
struct Endless {
    block: Vec<u8>,
    at: usize,
    read: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.block[self.at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.at += count;
        self.read += count as u64;
        if self.at == self.block.len() {
            self.at = 0;
        }
        Ok(count)
    }
}

fn check_a_file_without_end() {
    let mut signed = Tar::good().content();
    signed[600] ^= 1;
    check_endless("a file without end", &signed);
    // Nobody signed the list of images, so what it says gives no right to more.
    let mut images = Images::default();
    let manifest = images.manifest(b"{}", &[b"layer"]);
    images.image("example.com/a", &manifest, true);
    let thick = Tar::of(&images.pack(&full(&[])));
    let mut malformed = thick.clone();
    malformed.entries[5] = Entry::new("a4co/images.json", b"{}");
    check_endless("images without end after a malformed list", &malformed.content());
    let mut other = thick;
    other.entries[6] = blob(b"no manifest");
    check_endless("images without end after a good list", &other.content());
}

fn check_endless(case: &str, start: &[u8]) {
    let mut block = vec![0, 0xff, 0xff, 0, 0];
    let mut content = start.to_vec();
    content.resize(0xffff, 0);
    block.extend_from_slice(&content);
    let mut endless = Endless { block, at: 0, read: 0 };
    let start = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let before = peak();
    refuse(case, start.as_slice().chain(&mut endless));
    let limit = 256 << 20;
    assert!((limit..limit + (1 << 20)).contains(&endless.read), "{case}: {} bytes", endless.read);
    assert!(peak() - before < ALLOWANCE, "{case}");
}
