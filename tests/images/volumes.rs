//! Bundles in volumes, and `images join`.

use std::{fs::OpenOptions, io::Write as _};

use a4co_testenv::LayerFile;

use crate::kit::{Desk, full, image};

/// A bundle of four volumes or so; returns it and its last volume.
fn volumes(desk: &Desk) -> (std::path::PathBuf, std::path::PathBuf) {
    let layer = desk.layout.layer(&[LayerFile::text("etc/large", &"x".repeat(200_000))]).unwrap();
    let root = desk.manifest("linux/amd64", &[layer]);
    let images = vec![image("docker.io/library/db", "15", &root)];
    let bundle = desk.bundle("shop.tar.gz", images, Some(&full(&[])));
    let last = desk.split(&bundle);
    (bundle, last)
}

#[test]
fn volumes_are_read_as_the_bundle_and_say_what_is_wrong_with_them() {
    let desk = Desk::new();
    let (bundle, last) = volumes(&desk);
    let folder = last.parent().unwrap();
    let volume = |number: u32| {
        folder.join(
            last.file_name()
                .unwrap()
                .to_str()
                .unwrap()
                .replace("-4-of-", &format!("-{number}-of-")),
        )
    };
    assert!(volume(4) == last && volume(1).exists(), "{last:?}");
    let verify = |of: &std::path::Path| desk.run(&["verify", of.to_str().unwrap()]);
    verify(&volume(2)).expect(0);

    // Whatever they are called, and whatever else lies there.
    fs_err::rename(volume(3), folder.join("third one")).unwrap();
    fs_err::copy(volume(1), folder.join("copy of the first")).unwrap();
    fs_err::write(folder.join("notes.txt"), "do not forget the milk").unwrap();
    verify(&volume(4)).expect(0);
    verify(&folder.join("third one")).expect(0);
    let out = desk.path("joined");
    let join = ["images", "join", last.to_str().unwrap(), "--out", out.to_str().unwrap()];
    desk.run(&join).expect(0);
    assert!(fs_err::read(&out).unwrap() == fs_err::read(&bundle).unwrap());
    desk.run(&join).expect(1).expect_told(&["joined", "exists"]);

    fs_err::rename(folder.join("third one"), desk.path("elsewhere")).unwrap();
    verify(&last).expect(1).expect_told(&["missing: 3", "copy the missing ones"]);
    fs_err::copy(desk.path("elsewhere"), volume(3)).unwrap();
    let mut file = OpenOptions::new().append(true).open(volume(3)).unwrap();
    file.write_all(b"x").unwrap();
    drop(file);
    verify(&last).expect(1).expect_told(&["vol-3-of-4", "copy these again"]);
}

#[test]
fn only_what_came_in_pieces_is_joined() {
    let desk = Desk::new();
    let (bundle, _) = volumes(&desk);
    let out = desk.path("joined");
    let (bundle, out) = (bundle.to_str().unwrap(), out.to_str().unwrap());
    let join = ["images", "join", bundle, "--out", out];
    desk.run(&join).expect(1).expect_told(&["is whole", "nothing to join"]);
    let ran = desk.run(&[&join[..], &["--base", bundle]].concat());
    ran.expect(1).expect_told(&["leaves nothing out", "leave --base away"]);
    assert!(!desk.path("joined").exists());
}
