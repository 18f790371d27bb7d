//! The statement, below a good signature.

use crate::{Attack, kit::hostile::Documents};

fn statement(change: impl FnOnce(String) -> String) -> Vec<u8> {
    Documents::good().pack_statement(change)
}

fn predicate(member: &'static str, value: serde_json::Value) -> Vec<u8> {
    let mut documents = Documents::good();
    documents.statement["predicate"][member] = value;
    documents.pack()
}

fn inputs(paths: [&str; 2]) -> serde_json::Value {
    let digest = a4co_bundle::Digest::of(b"");
    paths.map(|path| serde_json::json!({"digest": digest, "path": path})).as_slice().into()
}

fn replace_number(text: &str, member: &str, number: &str) -> String {
    let at = text.find(member).unwrap() + member.len() + 2;
    let end = at + text[at..].find(|it: char| !it.is_ascii_digit()).unwrap();
    [&text[..at], number, &text[end..]].concat()
}

pub(crate) const ATTACKS: &[Attack] = &[
    (
        "a statement that is no JSON",
        || statement(|_| "release".into()),
        "the statement is malformed: expected value",
    ),
    (
        "a statement with white space",
        || statement(|it| it.replacen(':', ": ", 1)),
        "not in canonical form (RFC 8785): at byte 9",
    ),
    (
        "a statement with a member twice",
        || statement(|it| it.replacen("\"trust\":0", "\"trust\":0,\"trust\":0", 1)),
        "not in canonical form",
    ),
    (
        "a statement with members out of order",
        || {
            statement(|it| {
                it.replacen("\"app\":\"shop\",", "", 1).replacen("{\"env", "{\"z\":1,\"env", 1)
            })
        },
        "not in canonical form",
    ),
    (
        "a statement with a newline at its end",
        || statement(|it| it + "\n"),
        "not in canonical form",
    ),
    (
        "a statement with an escape that is not needed",
        || statement(|it| it.replacen("shop", "\\u0073hop", 1)),
        "not in canonical form",
    ),
    (
        "a statement after a byte order mark",
        || statement(|it| format!("\u{feff}{it}")),
        "the statement is malformed: expected value",
    ),
    (
        "a statement with a member nobody knows",
        || predicate("force", true.into()),
        "unknown field `force`",
    ),
    (
        "an unknown member that speaks to the terminal",
        || predicate("\u{1b}[2J", true.into()),
        "unknown field `\\u{1b}[2J`",
    ),
    (
        "a statement of another kind",
        || statement(|it| it.replace("a4co.dev/release/v1", "slsa.dev/provenance/v1")),
        "one of `https://slsa.dev/provenance/v1`, but only",
    ),
    (
        "a statement from the future",
        || statement(|it| it.replace("release/v1", "release/v2")),
        "one of `https://a4co.dev/release/v2`, but only `https://a4co.dev/release/v1` is supported",
    ),
    (
        "another version of in-toto",
        || statement(|it| it.replace("Statement/v1", "Statement/v0.1")),
        "at byte 40 stands `0.1",
    ),
    (
        "a statement about nothing",
        || {
            let mut documents = Documents::good();
            documents.statement["subject"] = serde_json::json!([]);
            documents.pack()
        },
        "the statement has 0 subjects, not one",
    ),
    (
        "a statement about two releases",
        || {
            let mut documents = Documents::good();
            let subject = documents.statement["subject"][0].clone();
            documents.statement["subject"].as_array_mut().unwrap().push(subject);
            documents.pack()
        },
        "the statement has 2 subjects, not one",
    ),
    (
        "a subject whose digest is upper-case",
        || statement(|it| it.replacen("\"sha256\":\"", "\"sha256\":\"A", 1)),
        "the statement's subject is malformed",
    ),
    (
        "a subject of another name",
        || statement(|it| it.replace("shop/test", "shop/prod")),
        "stands `prod",
    ),
    (
        "an application that is another path",
        || {
            statement(|it| {
                it.replace("\"app\":\"shop\"", "\"app\":\"..\"").replace("shop/te", "../te")
            })
        },
        "the statement's app is `..`, which is not a DNS label",
    ),
    (
        "a manifest of 2^53 − 1 bytes",
        || statement(|it| replace_number(&it, "manifestSize", "9007199254740991")),
        "the release manifest has 9007199254740991 bytes, more than the 4194304 allowed",
    ),
    (
        "a manifest of 2^53 bytes",
        || statement(|it| replace_number(&it, "manifestSize", "9007199254740992")),
        "number 9007199254740992 is not an integer within",
    ),
    (
        "a negative manifest size",
        || statement(|it| replace_number(&it, "manifestSize", "-1")),
        "invalid value: integer `-1`",
    ),
    (
        "a manifest size in scientific notation",
        || statement(|it| replace_number(&it, "manifestSize", "1e3")),
        "is not an integer within",
    ),
    ("a version that is none", || predicate("version", "latest".into()), "unexpected character"),
    (
        "an input outside of what was compiled",
        || predicate("inputs", inputs(["../../home/.ssh/id", "z"])),
        "the statement's input `../../home/.ssh/id` is not a relative path",
    ),
    (
        "an input twice",
        || predicate("inputs", inputs(["envs/a.toml", "envs/a.toml"])),
        "the statement's input `envs/a.toml` is out of order",
    ),
    (
        "inputs out of order",
        || predicate("inputs", inputs(["envs/b.toml", "envs/a.toml"])),
        "the statement's input `envs/a.toml` is out of order",
    ),
];
