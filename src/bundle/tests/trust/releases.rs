//! What a trust file says against a release.

use a4co_bundle::{Digest, Statement, TrustFile};

use crate::{World, check, file, kit};

/// The statement of the kit's release with another least trust version.
fn wants_trust(version: u64) -> Statement {
    Statement::new(&kit::release(), Vec::new(), version)
}

#[test]
fn revoked_and_outdated_releases_are_refused_whoever_signed() {
    let with = |change: &dyn Fn(&mut TrustFile)| {
        let mut anchor = file(3, 1, &[1]);
        change(&mut anchor);
        World::new(&anchor, &[1])
    };
    let floor = |target: &'static str, version: &'static str| {
        with(&|file| {
            file.floors.insert(target.to_owned(), version.parse().unwrap());
        })
    };
    check(vec![
        (
            "a revoked release",
            with(&|file| file.revoked_releases = [kit::release().id()].into()),
            Err("is revoked"),
        ),
        (
            "another release is revoked",
            with(&|file| file.revoked_releases = [Digest::of(b"").into()].into()),
            Ok(3),
        ),
        ("at the floor", floor("shop/test", "1.2.3"), Ok(3)),
        (
            "below the floor",
            floor("shop/test", "1.2.4"),
            Err("version 1.2.3 is below 1.2.4, the lowest accepted for shop/test"),
        ),
        (
            "below a floor's pre-release",
            floor("shop/test", "2.0.0-rc.1"),
            Err("is below 2.0.0-rc.1"),
        ),
        ("above a floor's pre-release", floor("shop/test", "1.2.3-rc.1"), Ok(3)),
        ("build metadata does not count", floor("shop/test", "1.2.3+build.9"), Ok(3)),
        ("the floor of another environment", floor("shop/production", "9.0.0"), Ok(3)),
        ("the wanted trust version", with(&|_| ()).statement(&wants_trust(3), 1), Ok(3)),
        (
            "a later trust version",
            with(&|_| ()).statement(&wants_trust(4), 1),
            Err("the release wants trust version 4, but only 3 is known here"),
        ),
    ]);
}
