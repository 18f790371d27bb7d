//! Signatures and keys: only one algorithm, one hash, one namespace each, one encoding.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use a4co_bundle::{ParseKeyError, ParseSignatureError, Purpose, Signature, VerifyingKey};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::Verifier as _;
use kit::Key;

const MESSAGE: &[u8] = b"message";

fn string(bytes: &[u8]) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap();
    [&length.to_be_bytes(), bytes].concat()
}

/// The parts of an SSHSIG blob, each to be replaced.
struct Blob {
    magic: Vec<u8>,
    version: u32,
    key_type: &'static str,
    key: Vec<u8>,
    namespace: &'static str,
    reserved: &'static str,
    hash: &'static str,
    signature_type: &'static str,
    signature: Vec<u8>,
    rest: Vec<u8>,
}

fn blob() -> Blob {
    let key = Key::number(1);
    let text = key.sign(Purpose::Release, MESSAGE).to_armored();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = STANDARD.decode(body).unwrap();
    Blob {
        magic: b"SSHSIG".to_vec(),
        version: 1,
        key_type: "ssh-ed25519",
        key: key.public().to_bytes().to_vec(),
        namespace: "a4co-release@v1",
        reserved: "",
        hash: "sha512",
        signature_type: "ssh-ed25519",
        signature: bytes[bytes.len() - 64..].to_vec(),
        rest: Vec::new(),
    }
}

fn armored(change: impl FnOnce(&mut Blob)) -> String {
    let mut it = blob();
    change(&mut it);
    let key = [string(it.key_type.as_bytes()), string(&it.key)].concat();
    let signature = [string(it.signature_type.as_bytes()), string(&it.signature)].concat();
    let blob = [
        it.magic,
        it.version.to_be_bytes().to_vec(),
        string(&key),
        string(it.namespace.as_bytes()),
        string(it.reserved.as_bytes()),
        string(it.hash.as_bytes()),
        string(&signature),
        it.rest,
    ];
    let base64 = STANDARD.encode(blob.concat());
    let lines: Vec<_> = base64.as_bytes().chunks(70).collect();
    let lines = String::from_utf8(lines.join(&b'\n')).unwrap();
    format!("-----BEGIN SSH SIGNATURE-----\n{lines}\n-----END SSH SIGNATURE-----\n")
}

#[test]
fn only_one_form_of_signature_is_read() {
    let form = ParseSignatureError::Form { namespace: "a4co-release@v1" };
    let parse = |text: &str| Signature::from_armored(Purpose::Release, text.as_bytes());
    assert!(parse(&armored(|_| ())).unwrap().verify(MESSAGE).is_some());
    for (case, text) in [
        ("another magic", armored(|it| it.magic = b"SSHSIH".to_vec())),
        ("version 2", armored(|it| it.version = 2)),
        ("an RSA key", armored(|it| it.key_type = "ssh-rsa")),
        ("a hardware key", armored(|it| it.key_type = "sk-ssh-ed25519@openssh.com")),
        ("a certificate", armored(|it| it.key_type = "ssh-ed25519-cert-v01@openssh.com")),
        ("a key of 31 bytes", armored(|it| it.key.truncate(31))),
        ("a key of 33 bytes", armored(|it| it.key.push(0))),
        ("the other namespace", armored(|it| it.namespace = "a4co-trust@v1")),
        ("the namespace of files", armored(|it| it.namespace = "file")),
        ("no namespace", armored(|it| it.namespace = "")),
        ("a longer namespace", armored(|it| it.namespace = "a4co-release@v10")),
        ("something in the reserved field", armored(|it| it.reserved = "x")),
        ("SHA-256", armored(|it| it.hash = "sha256")),
        ("SHA-1", armored(|it| it.hash = "sha1")),
        ("an RSA signature", armored(|it| it.signature_type = "rsa-sha2-512")),
        ("a signature of 63 bytes", armored(|it| it.signature.truncate(63))),
        ("a signature of 65 bytes", armored(|it| it.signature.push(0))),
        ("bytes after the signature", armored(|it| it.rest.push(0))),
    ] {
        assert_eq!(parse(&text), Err(form), "{case}");
    }
}

#[test]
fn a_signature_cannot_be_changed_into_another_good_one() {
    // Ed25519's group order. Without the check of RFC 8032 §5.1.7, S + L is as good as S.
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let text = armored(|it| {
        let mut carry = 0;
        for (byte, order) in it.signature[32..].iter_mut().zip(ORDER) {
            carry += u16::from(*byte) + u16::from(order);
            *byte = carry.to_le_bytes()[0];
            carry >>= 8;
        }
        assert_eq!(carry, 0);
    });
    let signature = Signature::from_armored(Purpose::Release, text.as_bytes()).unwrap();
    assert_eq!(signature.verify(MESSAGE), None);
    for at in 0..64 {
        let text = armored(|it| it.signature[at] ^= 1);
        let signature = Signature::from_armored(Purpose::Release, text.as_bytes()).unwrap();
        assert_eq!(signature.verify(MESSAGE), None, "byte {at}");
    }
}

#[test]
fn a_signature_that_lenient_verifiers_accept_for_more_is_refused() {
    // R is the neutral point and S = k · a, so that [S]B = R + [k]A holds. Whoever has the key can
    // choose such an R, and then one signature may hold for several messages.
    let neutral = [&[1][..], &[0; 31]].concat();
    let product = hex("b00af7fb66dab77c4fc35edc0bf018606077ed535a6102429338cea0fe57bb0d");
    let bytes: [u8; 64] = [neutral.as_slice(), &product].concat().try_into().unwrap();
    let key = Key::number(1).public();
    let signature = Signature::new(Purpose::Release, key, bytes);
    let lenient = ed25519_dalek::VerifyingKey::from_bytes(&key.to_bytes()).unwrap();
    let message = Signature::signed_data(Purpose::Release, MESSAGE);
    lenient.verify(&message, &bytes.into()).expect("the equation holds");
    assert_eq!(signature.verify(MESSAGE), None);
}

#[test]
fn a_signature_for_one_purpose_is_none_for_the_other() {
    let key = Key::number(1);
    let text = key.sign(Purpose::Trust, MESSAGE).to_armored();
    assert!(Signature::from_armored(Purpose::Release, text.as_bytes()).is_err());
    // The same 64 bytes under the other namespace.
    let bytes = armored(|_| ());
    let bytes: String = bytes.lines().filter(|line| !line.starts_with('-')).collect();
    let bytes = *STANDARD.decode(bytes).unwrap().last_chunk().unwrap();
    let relabelled = Signature::new(Purpose::Trust, key.public(), bytes);
    assert_eq!(relabelled.verify(MESSAGE), None);
}

fn hex(text: &str) -> [u8; 32] {
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    std::array::from_fn(|index| byte(2 * index))
}

#[test]
fn keys_that_prove_nothing_or_have_two_spellings_are_refused() {
    let zeros = "0".repeat(62);
    let ones = "f".repeat(60);
    for (case, key, error) in [
        ("the neutral point", format!("01{zeros}"), ParseKeyError::Weak),
        ("the point of order 2", format!("ec{ones}7f"), ParseKeyError::Weak),
        ("a point of order 4", format!("00{zeros}"), ParseKeyError::Weak),
        (
            "a point of order 8",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05".into(),
            ParseKeyError::Weak,
        ),
        ("a weak point in its second spelling", format!("ee{ones}7f"), ParseKeyError::Weak),
        ("no point", format!("02{zeros}"), ParseKeyError::NotAPoint),
        // 3 is the y of a point, so p + 3 spells the same one.
        ("a point in its second spelling", format!("f0{ones}7f"), ParseKeyError::NotAPoint),
    ] {
        assert_eq!(VerifyingKey::from_bytes(&hex(&key)), Err(error), "{case}");
    }
    VerifyingKey::from_bytes(&hex(&format!("03{zeros}"))).expect("3 is the y of a point");
}

#[test]
fn a_public_key_line_is_read_as_openssh_writes_it() {
    let key = Key::number(1).public();
    let line = key.to_string();
    assert_eq!(line.parse(), Ok(key));
    assert_eq!(format!("{line} somebody@somewhere\n").parse(), Ok(key));
    for (case, line, error) in [
        ("nothing", String::new(), ParseKeyError::KeyType),
        ("an RSA key", line.replacen("ed25519", "rsa", 1), ParseKeyError::KeyType),
        ("no key", "ssh-ed25519".to_owned(), ParseKeyError::Encoding),
        ("a key cut short", line[..70].to_owned(), ParseKeyError::Encoding),
        ("no base64", line.replacen("AAAA", "A-AA", 1), ParseKeyError::Encoding),
        (
            "an RSA key that says it is one of Ed25519",
            format!("ssh-ed25519 {}", STANDARD.encode(string(b"ssh-rsa"))),
            ParseKeyError::Encoding,
        ),
    ] {
        assert_eq!(line.parse::<VerifyingKey>(), Err(error), "{case}");
    }
}
