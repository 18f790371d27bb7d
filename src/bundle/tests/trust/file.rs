//! What a trust file may say.

use a4co_bundle::TrustAnchor;

use crate::{file, kit};

#[test]
fn a_trust_file_has_one_spelling_and_makes_sense() {
    let good = String::from_utf8(file(1, 1, &[1, 2]).to_bytes().unwrap()).unwrap();
    let keys = |keys: &str| good.replacen(&key_list(&[1, 2]), keys, 1);
    let one = key_list(&[1]);
    let comment = one.replace("\"]", " me\"]");
    for (case, text, reason) in [
        ("white space", good.replacen(':', ": ", 1), "not in canonical form"),
        ("two newlines at the end", format!("{good}\n\n"), "not in canonical form"),
        ("an unknown member", good.replace("\"version\"", "\"versionn\""), "unknown field"),
        ("the future", good.replace("\"schema\":1", "\"schema\":2"), "has schema 2, but only 1"),
        ("version 0", good.replace("\"version\":1", "\"version\":0"), "versions count from 1"),
        (
            "threshold 0",
            good.replacen("\"threshold\":1", "\"threshold\":0", 1),
            "wants 0 of 2 keys",
        ),
        (
            "threshold 3",
            good.replacen("\"threshold\":1", "\"threshold\":3", 1),
            "wants 3 of 2 keys",
        ),
        ("no key", keys("[]"), "wants 1 of 0 keys"),
        ("keys out of order", keys(&reversed(&key_list(&[1, 2]))), "at byte"),
        ("a key twice", keys(&format!("[{0},{0}]", &one[1..one.len() - 1])), "at byte"),
        ("a key with a comment", keys(&comment), "at byte"),
        ("an RSA key", keys("[\"ssh-rsa AAAA\"]"), "a public key is a line `ssh-ed25519 AAAA…`"),
        (
            "a floor for no environment",
            good.replace("\"floors\":{}", "\"floors\":{\"shop\":\"1.0.0\"}"),
            "a floor for `shop`, which is not `app/environment`",
        ),
        (
            "a floor that is no version",
            good.replace("\"floors\":{}", "\"floors\":{\"a/b\":\"1\"}"),
            "unexpected end of input",
        ),
    ] {
        let error = TrustAnchor::from_file(text.as_bytes()).expect_err(case);
        let message = kit::chain(&error);
        assert!(message.contains(reason), "{case}: {message}");
    }
    TrustAnchor::from_file(format!("{good}\n").as_bytes()).expect("one newline may follow");
}

fn key_list(keys: &[u8]) -> String {
    let keys = file(1, 1, keys).roles.root.keys;
    serde_json::to_string(&keys).unwrap()
}

fn reversed(list: &str) -> String {
    let mut keys: Vec<String> = serde_json::from_str(list).unwrap();
    keys.reverse();
    serde_json::to_string(&keys).unwrap()
}
