//! The tar layer: fields of headers.

use crate::{Attack, kit::hostile::Tar};

const STATEMENT: usize = 0;
const SIGNATURE: usize = 1;
const MANIFEST: usize = 2;

fn header(index: usize, at: usize, text: &'static str) -> Vec<u8> {
    Tar::good().header(index, |entry| entry.put(at, text)).pack()
}

/// An entry whose header states a size that its body does not have.
fn claim(index: usize, size: &'static str) -> Vec<u8> {
    header(index, 124, size)
}

fn change(change: impl FnOnce(&mut Tar)) -> Vec<u8> {
    Tar::good().change(change).pack()
}

fn base_256(size: u64, sign: u8) -> Vec<u8> {
    let mut field = [0_u8; 12];
    field[4..].copy_from_slice(&size.to_be_bytes());
    field[0] = sign;
    Tar::good().header(MANIFEST, |entry| entry.put_bytes(124, &field)).pack()
}

pub(crate) const ATTACKS: &[Attack] = &[
    // CVE-2026-33056, RUSTSEC-2026-0113: modes that somebody applies.
    ("a setuid mode", || header(STATEMENT, 100, "0004755"), "its mode is `0004755`"),
    ("a mode of 0600", || header(MANIFEST, 100, "0000600"), "its mode is `0000600`"),
    ("a user id", || header(STATEMENT, 108, "0001750"), "its user id is `0001750`"),
    ("a group id", || header(STATEMENT, 116, "0001750"), "its group id is `0001750`"),
    ("a time", || header(STATEMENT, 136, "14766144000"), "its time is `14766144000`"),
    ("a user name", || header(STATEMENT, 265, "root"), "its user name is `root`, not ``"),
    ("a group name", || header(STATEMENT, 297, "root"), "its group name is `root`, not ``"),
    ("a device number", || header(STATEMENT, 329, "0000001"), "its device major is"),
    ("a minor device number", || header(STATEMENT, 337, "0000001"), "its device minor is"),
    ("text behind the last field", || header(STATEMENT, 500, "x"), "its rest is `x`, not ``"),
    ("a link name on a regular file", || header(STATEMENT, 157, "x"), "its link name is `x`"),
    // CVE-2026-59874: no progress on a negative size.
    ("a negative size in base 256", || base_256(u64::MAX, 0xff), "its size is `\\xff"),
    ("a size in base 256", || base_256(1, 0x80), "its size is `\\x80"),
    ("a size with a minus sign", || claim(MANIFEST, "-0000000001"), "its size is `-0000000001`"),
    ("a size with a plus sign", || claim(MANIFEST, "+0000000001"), "its size is `+0000000001`"),
    ("a size in spaces and digits", || claim(MANIFEST, "        761 "), "its size is `        7"),
    ("a size of digits that are not octal", || claim(MANIFEST, "00000000080"), "its size is"),
    ("an empty size field", || claim(MANIFEST, "\0\0\0\0\0\0\0\0\0\0\0"), "its size is ``"),
    (
        "a statement of 8 GiB",
        || claim(STATEMENT, "77777777777"),
        "a4co/release.json has 8589934591 bytes, more than the 262144 allowed",
    ),
    (
        "a signature of 5 KiB",
        || claim(SIGNATURE, "00000012000"),
        "a4co/sig-0.sshsig has 5120 bytes, more than the 4096 allowed",
    ),
    ("a manifest larger than stated", || claim(MANIFEST, "00000077777"), "with 32767 bytes stands"),
    (
        "a wrong checksum in a header",
        || change(|it| it.entries[STATEMENT].put(148, "000000")),
        "its checksum is `000000\\x00 `",
    ),
    (
        "a checksum of signed bytes, spelt otherwise",
        || change(|it| it.entries[STATEMENT].header[154..156].copy_from_slice(b" \0")),
        "its checksum is",
    ),
    (
        "a header of the seventh edition",
        || header(STATEMENT, 257, "\0\0\0\0\0\0\0\0"),
        "its magic is ``, not `ustar`",
    ),
    ("a header of GNU tar", || header(STATEMENT, 257, "ustar  \0"), "its magic is `ustar `"),
    ("another ustar version", || header(STATEMENT, 263, "01"), "its version is `01`, not `00`"),
];
