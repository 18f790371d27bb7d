//! Signatures over the statement.

use a4co_bundle::{Purpose, Signature};

use crate::{World, check, file, kit::Key, revoking, roles};

#[test]
fn enough_good_signatures_by_different_trusted_keys_are_needed() {
    let mut other_bytes = World::new(&file(1, 1, &[1]), &[]);
    other_bytes.attestation.signatures = vec![Key::number(1).sign(Purpose::Release, b"other")];
    let mut borrowed = World::new(&file(1, 1, &[1]), &[]);
    let made = Key::number(2).sign(Purpose::Release, &borrowed.attestation.statement);
    let blob = Signature::new(Purpose::Release, Key::number(1).public(), bytes_of(&made));
    borrowed.attestation.signatures = vec![blob];
    check(vec![
        ("no signature", World::new(&file(1, 1, &[1]), &[]), Err("the bundle is not signed")),
        ("the one key", World::new(&file(1, 1, &[1]), &[1]), Ok(1)),
        (
            "another key",
            World::new(&file(1, 1, &[1]), &[2]),
            Err("0 of 1 needed signatures by the release keys of trust version 1\n  SHA256:"),
        ),
        (
            "another key says why",
            World::new(&file(1, 1, &[1]), &[2]),
            Err("is not trusted for this"),
        ),
        ("two of three", World::new(&file(1, 2, &[1, 2, 3]), &[1, 3]), Ok(1)),
        ("three of two", World::new(&file(1, 2, &[1, 2, 3]), &[3, 1, 2]), Ok(1)),
        ("one of two", World::new(&file(1, 2, &[1, 2, 3]), &[2]), Err("1 of 2 needed signatures")),
        (
            "one key twice counts once",
            World::new(&file(1, 2, &[1, 2]), &[1, 1]),
            Err("has counted already"),
        ),
        ("a stranger's beside a good one", World::new(&file(1, 1, &[1]), &[9, 1]), Ok(1)),
        ("over other bytes", other_bytes, Err("did not sign `a4co/release.json` as it")),
        (
            "another key's under a trusted name",
            borrowed,
            Err("did not sign `a4co/release.json` as it"),
        ),
        ("a revoked key", World::new(&revoking(file(1, 1, &[1, 2]), 1), &[1]), Err("is revoked")),
        ("beside a revoked key", World::new(&revoking(file(1, 1, &[1, 2]), 1), &[1, 2]), Ok(1)),
        (
            "a revoked key towards a threshold",
            World::new(&revoking(file(1, 2, &[1, 2, 3]), 1), &[1, 2]),
            Err("1 of 2 needed signatures"),
        ),
        (
            "a root key signs no releases",
            World::new(&roles(1, &[1], &[2]), &[1]),
            Err("is not trusted for this"),
        ),
    ]);
}

fn bytes_of(signature: &Signature) -> [u8; 64] {
    use base64::Engine as _;
    let text = signature.to_armored();
    let body: String = text.lines().filter(|line| !line.starts_with('-')).collect();
    let blob = base64::engine::general_purpose::STANDARD.decode(body).unwrap();
    *blob.last_chunk().unwrap()
}
