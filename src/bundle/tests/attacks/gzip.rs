//! The gzip layer: everything that decoders skip, forgive or read each in its own way.

use std::io::Write as _;

use flate2::{Compression, GzBuilder, write::GzEncoder};

use crate::{
    Attack,
    kit::{
        Key, bundle,
        hostile::{BLOCK, Documents, Tar, gzip, gzip_of_blocks},
        release,
    },
};

fn good() -> Vec<u8> {
    bundle(&release(), &[&Key::number(1)])
}

fn content() -> Vec<u8> {
    Tar::good().content()
}

fn with(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut file = good();
    change(&mut file);
    file
}

fn from_end(file: &mut [u8], back: usize) -> &mut u8 {
    let at = file.len() - back;
    &mut file[at]
}

fn built(builder: GzBuilder) -> Vec<u8> {
    let mut encoder = builder.operating_system(0xff).write(Vec::new(), Compression::none());
    encoder.write_all(&content()).unwrap();
    encoder.finish().unwrap()
}

/// A tar of an image-sized padding entry, so that the content needs more than one block.
fn long() -> Vec<u8> {
    let mut content = content();
    content.resize(2 * BLOCK + 10, 0);
    content
}

pub(crate) const ATTACKS: &[Attack] = &[
    ("an empty file", Vec::new, "ends at byte 0, inside the gzip header"),
    ("a bare tar", content, "byte 0 is not as in the first 10 bytes of a bundle"),
    (
        "a gzip file that names its content",
        || built(GzBuilder::new().filename("bundle.tar")),
        "byte 3 is not as in",
    ),
    (
        "a gzip file with an extra field",
        || built(GzBuilder::new().extra("hidden")),
        "byte 3 is not as in",
    ),
    (
        "a gzip file with a comment",
        || built(GzBuilder::new().comment("hello")),
        "byte 3 is not as in",
    ),
    (
        "a gzip header that claims a checksum of itself",
        || with(|file| file[3] = 2),
        "byte 3 is not as in",
    ),
    ("a gzip header with a time", || with(|file| file[4] = 1), "byte 4 is not as in"),
    (
        "a gzip header that claims best compression",
        || with(|file| file[8] = 2),
        "byte 8 is not as in",
    ),
    (
        "a gzip header of another operating system",
        || with(|file| file[9] = 3),
        "byte 9 is not as in",
    ),
    ("another compression method", || with(|file| file[2] = 7), "byte 2 is not as in"),
    (
        "compressed blocks",
        || {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::new(6));
            encoder.write_all(&content()).unwrap();
            let mut file = encoder.finish().unwrap();
            file[9] = 0xff;
            file
        },
        "byte 10 of the gzip file is not as it must be: no stored block begins like this",
    ),
    (
        "a stored block with bits set between its type and its length",
        || with(|file| file[10] |= 0x80),
        "no stored block begins like this",
    ),
    (
        "a stored block whose length and its complement disagree",
        || with(|file| file[13] ^= 1),
        "no stored block begins like this",
    ),
    (
        "a block before the last one that is not full",
        || {
            let content = content();
            gzip_of_blocks(&[(false, &content[..512]), (true, &content[512..])])
        },
        "byte 10 of the gzip file is not as it must be: a block before the last one is not full",
    ),
    (
        "an empty last block",
        || {
            let mut content = content();
            content.resize(BLOCK, 0);
            gzip_of_blocks(&[(false, &content), (true, b"")])
        },
        "the file goes on",
    ),
    (
        "an empty block first",
        || gzip_of_blocks(&[(false, b""), (true, &content())]),
        "byte 10 of the gzip file is not as it must be: a block is empty",
    ),
    ("no content at all", || gzip_of_blocks(&[(true, b"")]), "a block is empty"),
    (
        "a last block in the middle",
        || {
            let content = content();
            gzip_of_blocks(&[(true, &content[..1024]), (true, &content[1024..])])
        },
        "the content ends at byte 1039 of the file, inside",
    ),
    ("two more blocks after the end mark", || gzip(&long()), "the file goes on"),
    (
        "a wrong checksum",
        || with(|file| *from_end(file, 8) ^= 1),
        "checksum or length in the trailer",
    ),
    (
        "a wrong length",
        || with(|file| *from_end(file, 4) ^= 1),
        "checksum or length in the trailer",
    ),
    (
        "a second member that holds another release",
        || {
            let other = Documents::good().config(|it| it["version"] = "9.9.9".into());
            [good(), other.pack()].concat()
        },
        "the file goes on",
    ),
    ("an empty second member", || [good(), gzip_of_blocks(&[])].concat(), "the file goes on"),
    ("a zero after the trailer", || with(|file| file.push(0)), "the file goes on"),
    (
        "a script before the archive",
        || [b"#!/bin/sh\n".to_vec(), good()].concat(),
        "byte 0 is not as in",
    ),
    (
        "a file without its trailer",
        || with(|file| file.truncate(file.len() - 8)),
        "inside the gzip trailer",
    ),
];
