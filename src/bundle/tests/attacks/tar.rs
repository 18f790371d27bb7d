//! The tar layer: kinds of entries, names, order and ends.

use crate::{
    Attack,
    kit::hostile::{Entry, Tar, blob},
};

const STATEMENT: usize = 0;
const SIGNATURE: usize = 1;
const MANIFEST: usize = 2;
const CONFIG: usize = 3;
const OBJECT: usize = 4;
const INDEX: usize = 6;
const LAYOUT: usize = 7;

/// Puts an entry before the signature.
fn insert(type_flag: &str, name: &str, link: &str, body: &[u8]) -> Vec<u8> {
    let mut entry = Entry::new(name, body);
    entry.put(156, type_flag);
    entry.put(157, link);
    entry.sum();
    Tar::good().insert(SIGNATURE, entry).pack()
}

fn header(index: usize, at: usize, text: &'static str) -> Vec<u8> {
    Tar::good().header(index, |entry| entry.put(at, text)).pack()
}

fn rename(index: usize, name: &str) -> Vec<u8> {
    let mut tar = Tar::good();
    tar.entries[index] = Entry::new(name, &tar.entries[index].body);
    tar.pack()
}

fn endless_name() -> Vec<u8> {
    Tar::good().header(STATEMENT, |entry| entry.header[..100].fill(b'a')).pack()
}

fn end_in_the_middle() -> Vec<u8> {
    let mut end = Entry::new("", b"");
    end.header.fill(0);
    Tar::good().insert(CONFIG, end).pack()
}

fn change(change: impl FnOnce(&mut Tar)) -> Vec<u8> {
    Tar::good().change(change).pack()
}

pub(crate) const ATTACKS: &[Attack] = &[
    // CVE-2025-62518 (TARmageddon), CVE-2026-33055: pax and ustar sizes that disagree.
    (
        "a pax header that gives the next entry another size",
        || insert("x", "PaxHeaders/sig", "", b"11 size=99\n"),
        "its type flag is `x`, not `0`",
    ),
    (
        "a pax header that gives the next entry another name",
        || insert("x", "PaxHeaders/sig", "", b"18 path=../../etc\n"),
        "byte 1024 of the tar stream must begin `a4co/sig-0.sshsig` or what follows it",
    ),
    // Parsers disagree even on how many entries there are.
    (
        "a global pax header",
        || insert("g", "pax_global_header", "", b"12 comment=a\n"),
        "its type flag is `g`",
    ),
    ("a GNU long name", || insert("L", "././@LongLink", "", b"a4co/x\0"), "its type flag is `L`"),
    ("a GNU long link", || insert("K", "././@LongLink", "", b"a4co/x\0"), "its type flag is `K`"),
    // CVE-2025-58183, CVE-2026-32288: unbounded memory.
    ("a sparse file", || insert("S", "a4co/sparse", "", b""), "its type flag is `S`"),
    // CVE-2021-38511, CVE-2025-4517, CVE-2026-23745: what is unpacked lands elsewhere.
    (
        "a symbolic link out of the archive",
        || insert("2", "blobs", "/etc", b""),
        "its type flag is `2`",
    ),
    (
        "a hard link to a verified entry",
        || insert("1", "a4co/x", "a4co/release.json", b""),
        "its type flag is `1`",
    ),
    ("a folder", || insert("5", "blobs/", "", b""), "its type flag is `5`"),
    ("a character device", || insert("3", "a4co/tty", "", b""), "its type flag is `3`"),
    ("a block device", || insert("4", "a4co/sda", "", b""), "its type flag is `4`"),
    ("a fifo", || insert("6", "a4co/fifo", "", b""), "its type flag is `6`"),
    ("a contiguous file", || insert("7", "a4co/x", "", b""), "its type flag is `7`"),
    ("a volume label", || insert("V", "a4co", "", b""), "its type flag is `V`"),
    ("a regular file of 1979", || header(STATEMENT, 156, "\0"), "its type flag is ``, not `0`"),
    (
        "an entry that climbs out of the archive",
        || insert("0", "../../etc/cron.d/x", "", b"x"),
        "`../../etc/cron.d/x` with 1 bytes stands there",
    ),
    (
        "an absolute name",
        || insert("0", "/etc/passwd", "", b"x"),
        "`/etc/passwd` with 1 bytes stands there",
    ),
    (
        "a name with a backslash",
        || rename(MANIFEST, "blobs\\sha256\\x"),
        "`blobs\\\\sha256\\\\x` with",
    ),
    (
        "a name that ends in the middle of the field",
        || header(STATEMENT, 18, "evil"),
        "its name is `a4co/release.json\\x00evil`",
    ),
    ("a name in upper case", || rename(STATEMENT, "A4CO/RELEASE.JSON"), "`A4CO/RELEASE.JSON` with"),
    ("a name that begins with a dot", || rename(STATEMENT, "./a4co/release.json"), "`./a4co/rel"),
    (
        "a name with a terminal's escape sequence",
        || rename(STATEMENT, "\u{1b}[2Ja4co"),
        "`\\x1b[2Ja4co` with",
    ),
    ("a name without an end", endless_name, "its size is `0000"),
    (
        "a name continued in the prefix field",
        || header(STATEMENT, 345, "etc"),
        "its prefix is `etc`, not ``",
    ),
    ("an entry twice", || change(|it| it.entries.insert(1, it.entries[0].clone())), "must begin"),
    ("an object twice", || change(|it| it.entries.insert(5, it.entries[4].clone())), "byte 5632"),
    ("two objects swapped", || change(|it| it.entries.swap(4, 5)), "stands there"),
    ("the manifest after the config", || change(|it| it.entries.swap(2, 3)), "stands there"),
    ("the signature before the statement", || change(|it| it.entries.swap(0, 1)), "byte 0 of"),
    ("the layout before the index", || change(|it| it.entries.swap(6, 7)), "begin `index.json`"),
    ("no statement", || change(|it| drop(it.entries.remove(0))), "begin `a4co/release.json`"),
    ("no manifest", || change(|it| drop(it.entries.remove(MANIFEST))), "stands there"),
    ("no config", || change(|it| drop(it.entries.remove(CONFIG))), "byte 3584"),
    ("an object left out", || change(|it| drop(it.entries.remove(OBJECT))), "byte 4608 of"),
    (
        "no index",
        || change(|it| drop(it.entries.remove(INDEX))),
        "`oci-layout` with 30 bytes stands there",
    ),
    (
        "no layout",
        || change(|it| drop(it.entries.remove(LAYOUT))),
        "must begin `oci-layout` with 30 bytes: the archive ends there",
    ),
    ("an archive without entries", || change(|it| it.entries.clear()), "the archive ends there"),
    (
        "an extra file beside the statement",
        || Tar::good().insert(SIGNATURE, Entry::new("a4co/extra", b"x")).pack(),
        "`a4co/extra` with 1 bytes stands there",
    ),
    (
        "an extra blob among the objects",
        || Tar::good().insert(OBJECT, blob(b"x")).pack(),
        "blobs/sha256/2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881` with 1",
    ),
    (
        "an extra entry at the end",
        || Tar::good().insert(LAYOUT + 1, Entry::new("z", b"")).pack(),
        "must begin the end mark: `z` with 0 bytes",
    ),
    (
        "something hidden in the padding",
        || change(|it| *it.entries[CONFIG].padding.last_mut().unwrap() = 1),
        "byte 4607 of the tar stream, after blobs/sha256/",
    ),
    ("no end mark", || change(|it| it.end.clear()), "inside the end mark"),
    ("half an end mark", || change(|it| it.end.truncate(512)), "inside the zeros after an entry"),
    (
        "an end mark that is not all zero",
        || change(|it| it.end[600] = 1),
        "after the end mark, is not zero",
    ),
    ("a third record of zeros", || change(|it| it.end.extend([0; 512])), "the file goes on"),
    (
        "the end mark padded to 10 KiB as GNU tar does",
        || change(|it| it.end.resize(2048, 0)),
        "but the file goes on",
    ),
    (
        "an entry after the end mark",
        || change(|it| it.end.extend(Tar::good().content())),
        "the file goes on",
    ),
    ("an end mark in the middle", end_in_the_middle, "the archive ends there"),
];
