//! Signatures and trust files: how many, how large, how spelt. Whether they are believed is in the
//! tests of trust.

use a4co_bundle::Purpose;

use crate::{
    Attack,
    kit::{
        Key,
        hostile::{Entry, Tar},
        trust_file,
    },
};

fn signature(change: impl FnOnce(String) -> String) -> Vec<u8> {
    let mut tar = Tar::good();
    let text = String::from_utf8(tar.entries[1].body.clone()).unwrap();
    tar.entries[1] = Entry::new("a4co/sig-0.sshsig", change(text).as_bytes());
    tar.pack()
}

fn signatures(count: usize) -> Vec<u8> {
    let mut tar = Tar::good();
    let body = tar.entries.remove(1).body;
    for index in (0..count).rev() {
        tar.entries.insert(1, Entry::new(&format!("a4co/sig-{index}.sshsig"), &body));
    }
    tar.pack()
}

fn trust_files(count: usize) -> Vec<u8> {
    let mut tar = Tar::good();
    for index in (1..=count).rev() {
        tar.entries.insert(2, Entry::new(&format!("a4co/trust-{index}.json"), b"{}"));
    }
    tar.pack()
}

/// A bundle with one entry more after its signature.
fn plus(name: &str, body: &[u8]) -> Vec<u8> {
    Tar::good().insert(2, Entry::new(name, body)).pack()
}

pub(crate) const ATTACKS: &[Attack] = &[
    ("17 signatures", || signatures(17), "more than 16 entries `a4co/…sig-*.sshsig`"),
    ("65 trust files", || trust_files(65), "more than 64 entries `a4co/trust-*.json`"),
    (
        "17 signatures over a trust file",
        || {
            let mut tar = Tar::good();
            let body = tar.entries[1].body.clone();
            for index in (0..17).rev() {
                let name = format!("a4co/trust-1-sig-{index}.sshsig");
                tar.entries.insert(2, Entry::new(&name, &body));
            }
            tar.insert(2, Entry::new("a4co/trust-1.json", b"{}")).pack()
        },
        "more than 16 entries",
    ),
    (
        "a trust file of 64 KiB and a byte",
        || plus("a4co/trust-1.json", &vec![b' '; 65537]),
        "a4co/trust-1.json has 65537 bytes, more than the 65536 allowed",
    ),
    ("a chain that begins with version 2", || plus("a4co/trust-2.json", b"{}"), "`a4co/trust-2.j"),
    (
        "signatures that are not counted from 0",
        || {
            let mut tar = Tar::good();
            let body = tar.entries[1].body.clone();
            tar.entries[1] = Entry::new("a4co/sig-1.sshsig", &body);
            // The honest statement is then unsigned, so the reader may say that instead.
            tar.insert(1, Entry::new("a4co/sig-0.sshsig", b"")).pack()
        },
        "`a4co/sig-0.sshsig` is malformed",
    ),
    (
        "a signature number with a leading zero",
        || plus("a4co/sig-01.sshsig", b""),
        "`a4co/sig-01.sshsig` with 0 bytes stands there",
    ),
    (
        "a signature over a trust file that is not there",
        || plus("a4co/trust-1-sig-0.sshsig", b""),
        "`a4co/trust-1-sig-0.sshsig` with 0 bytes stands there",
    ),
    ("a signature without armor", || signature(|_| "U1NIU0lH".into()), "not an armored SSH sig"),
    (
        "a signature with text before its armor",
        || signature(|it| format!("hello\n{it}")),
        "not an armored SSH signature",
    ),
    ("a signature with text after it", || signature(|it| it + "x"), "not an armored SSH signature"),
    ("a signature with another last line", || signature(|it| it + "\n"), "not an armored SSH"),
    (
        "a signature with line ends of Windows",
        || signature(|it| it.replace('\n', "\r\n")),
        "not an armored SSH signature",
    ),
    (
        "a signature in lines of 64 characters",
        || {
            signature(|it| {
                let lines: Vec<_> = it.lines().collect();
                let body = lines[1..lines.len() - 1].concat();
                let body: Vec<_> = body.as_bytes().chunks(64).collect();
                let body = body.join(&b'\n');
                let body = str::from_utf8(&body).unwrap();
                format!("{}\n{body}\n{}\n", lines[0], lines[lines.len() - 1])
            })
        },
        "not an armored SSH signature",
    ),
    (
        "a signature that is not text",
        || Tar::good().change(|it| it.entries[1] = Entry::new("a4co/sig-0.sshsig", b"\xff")).pack(),
        "not an armored SSH signature",
    ),
    (
        "a trust file's signature in place of the statement's",
        || {
            let mut tar = Tar::good();
            let file = trust_file(1, 1, &[&Key::number(1)]).to_bytes().unwrap();
            let text = Key::number(1).sign(Purpose::Trust, &file).to_armored();
            tar.entries[1] = Entry::new("a4co/sig-0.sshsig", text.as_bytes());
            tar.pack()
        },
        "for the namespace `a4co-release@v1`",
    ),
];
