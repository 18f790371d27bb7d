//! `docs/bundle-format.md` says what the code does.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::io::Cursor;

use a4co_bundle::{
    Attestation, Digest, Purpose, Release, Signature, SignedTrust, Split, Statement, TrustAnchor,
    TrustFile, UnverifiedBundle, VerifyingKey, pack,
};
use ed25519_dalek::{Signer as _, SigningKey};

const DOCUMENT: &str = include_str!("../../../docs/bundle-format.md");

/// The secret key of RFC 8032 §7.1, test 1.
const SECRET: [u8; 32] = [
    0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
    0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
];

fn sign(purpose: Purpose, message: &[u8]) -> Signature {
    let secret = SigningKey::from_bytes(&SECRET);
    let key = VerifyingKey::from_bytes(secret.verifying_key().as_bytes()).unwrap();
    let signature = secret.sign(&Signature::signed_data(purpose, message));
    Signature::new(purpose, key, signature.to_bytes())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// The parts of the example: release, attestation and file.
fn example() -> (Release, Attestation, Vec<u8>) {
    let release = Release::new(kit::config(), vec![(2, kit::config_map("motd", "hello"))]).unwrap();
    let statement = Statement::new(&release, Vec::new(), 1).to_bytes().unwrap();
    let signature = sign(Purpose::Release, &statement);
    let bytes = TrustFile::first([signature.claimed_key()]).to_bytes().unwrap();
    let anchor = TrustAnchor::Digest(Digest::of(&bytes));
    let signatures = vec![sign(Purpose::Trust, &bytes)];
    let attestation = Attestation {
        statement,
        signatures: vec![signature],
        trust: vec![SignedTrust { bytes, signatures }],
    };
    let file = pack(Vec::new(), &attestation, &release).unwrap();
    UnverifiedBundle::open(file.as_slice()).unwrap().verify(&anchor).unwrap();
    (release, attestation, file)
}

/// The example as the document must print it.
fn printed() -> String {
    let (release, attestation, file) = example();
    let entries = kit::hostile::Tar::of(&file).entries;
    let signature = &attestation.signatures[0];
    let documents = [
        ("object", text(release.objects()[0].bytes())),
        ("release config", text(release.config_bytes())),
        ("release manifest", text(release.manifest())),
        ("`a4co/release.json`", text(&attestation.statement)),
        ("`a4co/sig-0.sshsig`", text(signature.to_armored().trim_end().as_bytes())),
        ("`a4co/trust-1.json`", text(&attestation.trust[0].bytes)),
        ("`index.json`", text(&entries[entries.len() - 2].body)),
    ];
    let block = |(title, text): (&str, String)| {
        let digest = Digest::of(text.as_bytes());
        let named = if title.ends_with("sshsig`") { String::new() } else { format!(" `{digest}`") };
        format!("**{title}**{named}\n\n```text\n{text}\n```\n\n")
    };
    documents.map(block).concat()
        + &format!(
            "The release id is the digest of the manifest, short `{}`. The public key is `{}`, \
             fingerprint `{}`. The whole file, with the trust file and its one signature, has {} \
             bytes and the digest `{}`.\n",
            release.id().short(),
            signature.claimed_key(),
            signature.claimed_key().fingerprint(),
            file.len(),
            Digest::of(&file),
        )
}

#[test]
fn the_example_is_what_the_code_produces() {
    let example = printed();
    assert!(DOCUMENT.contains(&example), "the example must read:\n\n{example}");
}

#[test]
fn every_namespace_and_type_is_documented() {
    for purpose in [Purpose::Release, Purpose::Trust] {
        assert!(DOCUMENT.contains(&format!("`{}`", purpose.namespace())));
        let length = Signature::signed_data(purpose, b"").len();
        assert!(DOCUMENT.contains(&format!("({length}")), "{length} bytes are signed");
    }
    for schema in [
        a4co_bundle::CONFIG_SCHEMA,
        a4co_bundle::TRUST_SCHEMA,
        a4co_bundle::CONTENTS_SCHEMA,
        a4co_bundle::VOLUME_SCHEMA,
    ] {
        assert!(DOCUMENT.contains(&format!("| `schema` | {schema} |")));
    }
}

#[test]
fn the_list_of_images_and_the_label_of_a_volume_are_as_printed() {
    let contents = kit::images::full(&["linux/amd64"]).to_bytes().unwrap();
    assert!(DOCUMENT.contains(&text(&contents)));
    let file = vec![7; 70_000];
    let mut split = Split::new(Cursor::new(file), "shop.tar.gz", 64 << 10).unwrap();
    let volume = split.write(1, Vec::new()).unwrap();
    let end = 512 + volume[512..].iter().position(|byte| *byte == 0).unwrap();
    let label = text(&volume[512..end]);
    let digests = label.split('"').filter(|it| it.starts_with("sha256:"));
    let short = digests.fold(label.clone(), |label, digest| label.replace(digest, "sha256:…"));
    assert!(DOCUMENT.contains(&short), "{short}");
}
