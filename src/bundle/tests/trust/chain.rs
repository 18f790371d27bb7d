//! The chain of trust files.

use a4co_bundle::{Digest, Purpose, SignedTrust, TrustAnchor, TrustFile};

use crate::{
    World, check, file,
    kit::{self, Key},
    revoking, roles,
};

fn signed(file: &TrustFile, signers: &[u8]) -> SignedTrust {
    let bytes = file.to_bytes().unwrap();
    let sign = |number: &u8| Key::number(*number).sign(Purpose::Trust, &bytes);
    let signatures = signers.iter().map(sign).collect();
    SignedTrust { bytes, signatures }
}

fn digest(link: &SignedTrust) -> TrustAnchor {
    TrustAnchor::Digest(Digest::of(&link.bytes))
}

#[test]
fn trust_is_handed_on_only_by_both_root_roles() {
    let first = signed(&file(1, 1, &[1]), &[1]);
    let second = |signers: &[u8]| signed(&file(2, 1, &[2]), signers);
    let third = signed(&file(3, 1, &[3]), &[2, 3]);
    let chained =
        |links: Vec<SignedTrust>, signer| World::with_chain(digest(&links[0]), &[signer], links);
    let two = |signers: &[u8], signer| chained(vec![first.clone(), second(signers)], signer);
    let revoked = signed(&revoking(file(2, 1, &[2]), 1), &[1, 2]);
    let wide = signed(&file(2, 2, &[1, 2, 3]), &[1, 2]);
    let narrow = signed(&file(2, 2, &[1, 2, 3]), &[1, 1]);
    let releaser = signed(&roles(1, &[1], &[5]), &[1]);
    let usurped = signed(&roles(2, &[1], &[5]), &[5]);
    check(vec![
        ("the first version", chained(vec![first.clone()], 1), Ok(1)),
        ("both signed", two(&[1, 2], 2), Ok(2)),
        ("the old key no longer counts", two(&[1, 2], 1), Err("is not trusted for this")),
        (
            "only the old root signed",
            two(&[1], 2),
            Err(
                "`a4co/trust-2.json` is refused: 0 of 1 needed signatures by the root keys of trust version 2",
            ),
        ),
        (
            "only the new root signed",
            two(&[2], 2),
            Err("0 of 1 needed signatures by the root keys of trust version 1"),
        ),
        ("nobody signed", two(&[], 2), Err("0 of 1 needed signatures by the root keys")),
        ("three versions", chained(vec![first.clone(), second(&[1, 2]), third.clone()], 3), Ok(3)),
        (
            "a version is missing",
            chained(vec![first.clone(), signed(&file(3, 1, &[3]), &[1, 3])], 3),
            Err("`a4co/trust-2.json` is refused: the trust file has version 3, but its name says"),
        ),
        (
            "a version twice",
            chained(vec![first.clone(), signed(&file(1, 1, &[1]), &[1])], 1),
            Err("the trust file has version 1, but its name says another"),
        ),
        ("a key revokes itself while it hands on", chained(vec![first.clone(), revoked], 2), Ok(2)),
        ("two of three new roots", chained(vec![first.clone(), wide], 3), Err("1 of 2 needed")),
        ("one new root twice", chained(vec![first.clone(), narrow], 1), Err("has counted already")),
        (
            "a release key hands trust on",
            chained(vec![releaser, usurped], 5),
            Err("is not trusted for this"),
        ),
        (
            "version 1 needs no signature below its digest",
            chained(vec![signed(&file(1, 1, &[1]), &[])], 1),
            Ok(1),
        ),
    ]);
}

#[test]
fn a_chain_is_followed_from_where_the_anchor_stands() {
    let first = signed(&file(1, 1, &[1]), &[1]);
    let second = signed(&file(2, 1, &[2]), &[1, 2]);
    let third = signed(&file(3, 1, &[3]), &[2, 3]);
    let all = vec![first.clone(), second.clone(), third.clone()];
    let known = |version, key| kit::anchor(&file(version, 1, &[key]));
    let with = World::with_chain;
    // Same root in versions 2 and 3, so that only the place tells that 2 is older.
    let old = signed(&file(2, 1, &[1]), &[1]);
    let new = signed(&file(3, 1, &[1]), &[1]);
    let shifted = vec![new.clone(), old, new];
    let foreign = vec![signed(&file(1, 1, &[8]), &[8]), signed(&file(2, 1, &[9]), &[8, 9])];
    let broken = vec![first.clone(), second.clone(), signed(&file(3, 1, &[9]), &[9])];
    check(vec![
        ("from the digest of version 1", with(digest(&first), &[3], all.clone()), Ok(3)),
        ("from the digest of version 2", with(digest(&second), &[3], all.clone()), Ok(3)),
        ("from version 2 itself", with(known(2, 2), &[3], all.clone()), Ok(3)),
        ("older links are not checked again", with(known(3, 3), &[3], all.clone()), Ok(3)),
        ("a bundle older than what is known", with(known(3, 3), &[3], vec![first.clone()]), Ok(3)),
        (
            "a key of then, known to be replaced",
            with(known(3, 3), &[1], vec![first.clone()]),
            Err("0 of 1 needed signatures by the release keys of trust version 3"),
        ),
        (
            "a digest that the bundle does not carry",
            with(digest(&third), &[1], vec![first]),
            Err("the bundle does not carry the trust file sha256:"),
        ),
        ("a chain out of place leads nowhere", with(known(3, 1), &[1], shifted), Ok(3)),
        (
            "another publisher's chain leads nowhere",
            with(known(1, 1), &[1], foreign.clone()),
            Ok(1),
        ),
        (
            "another publisher's keys are not taken over",
            with(known(1, 1), &[9], foreign),
            Err("0 of 1 needed signatures by the release keys of trust version 1"),
        ),
        (
            "a chain that breaks later is refused even if nobody needs it",
            with(known(1, 1), &[1], broken),
            Err("`a4co/trust-3.json` is refused: 0 of 1 needed signatures by the root keys"),
        ),
    ]);
}
