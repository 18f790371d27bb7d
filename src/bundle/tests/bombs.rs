//! Huge sizes that an archive claims take no memory.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::io::{self, Read};

use a4co_bundle::UnverifiedBundle;
use kit::{
    Key,
    hostile::{Documents, Tar},
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
    check_a_file_without_end();
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
        ("a manifest of 1 GiB in the statement", statement(1 << 30)),
        ("an object of 1 GiB in the manifest", layer(1 << 30)),
    ] {
        refuse(case, archive.as_slice());
        let taken = peak() - before;
        assert!(taken < ALLOWANCE, "{case}: {taken} KiB");
    }
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
    let mut block = vec![0, 0xff, 0xff, 0, 0];
    let mut content = Tar::good().content();
    content[600] ^= 1;
    content.resize(0xffff, 0);
    block.extend_from_slice(&content);
    let mut endless = Endless { block, at: 0, read: 0 };
    let start = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    let before = peak();
    refuse("a file without end", start.as_slice().chain(&mut endless));
    let limit = 256 << 20;
    assert!((limit..limit + (1 << 20)).contains(&endless.read), "{} bytes", endless.read);
    assert!(peak() - before < ALLOWANCE);
}
