//! What a lockfile has to pin, and how one is written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::path::Path;

use a4co_bundle::{Digest, Image};
use a4co_compiler::{Pins, Source, compile, lockfile_text, locks};

use crate::kit::{
    SHOP,
    own::{ENTRY, worker},
};

const OTHER: &str = "\n[[image]]\nname = \"ghcr.io/shop/old\"\ntag = \"1\"\ndigest = \"sha256:00000000000000000000000000000000000000000000000000000000000000bb\"\n";

fn of_shop(lockfile: Option<&str>) -> Source {
    let lockfile = lockfile.map(|text| ("lockfiles/live.lock", text));
    Source::new([("envs/live.toml", SHOP)].into_iter().chain(lockfile))
}

fn image(name: &str, tag: &str, fill: u8) -> Image {
    let digest: Digest = format!("sha256:{}", hex(fill)).parse().unwrap();
    Image { name: name.into(), tag: tag.into(), digest, size: None, platforms: [].into() }
}

fn hex(fill: u8) -> String {
    format!("{fill:02x}").repeat(32)
}

#[test]
fn an_environment_says_what_has_to_be_pinned_whatever_its_lockfile_says() {
    let images = |source: &Source| {
        let [lock] = &locks(source).unwrap()[..] else { panic!("one environment") };
        assert_eq!(lock.path, "lockfiles/live.lock");
        let images: Vec<_> = lock.images.iter().map(ToString::to_string).collect();
        (images, lock.pins.len())
    };
    let (wanted, pins) = images(&of_shop(None));
    assert_eq!(pins, 0);
    assert!(wanted.contains(&"ghcr.io/shop/web:1".to_owned()), "{wanted:?}");
    let preface = "version = 1\n";
    for (case, lockfile, pins) in [
        ("an empty lockfile", preface.to_owned(), 0),
        ("a pin that nobody needs", [preface, OTHER].concat(), 1),
    ] {
        assert_eq!(images(&of_shop(Some(&lockfile))), (wanted.clone(), pins), "{case}");
    }
}

#[test]
fn a_written_lockfile_is_what_the_compiler_reads() {
    let lock = locks(&of_shop(None)).unwrap().remove(0);
    let pins: Pins = lock
        .images
        .into_iter()
        .zip(1..)
        .map(|(reference, fill)| {
            let mut pin = image(reference.name(), reference.tag(), fill);
            pin.size = Some(1234);
            pin.platforms = [("linux/amd64".to_owned(), pin.digest)].into();
            (reference, pin)
        })
        .collect();
    let text = lockfile_text(&pins);
    let source = of_shop(Some(&text));
    assert_eq!(locks(&source).unwrap()[0].pins, pins);
    let compiled = compile(&source).unwrap();
    let found = &compiled[0].release.config().images;
    let mut expected: Vec<_> = pins.into_values().collect();
    expected.sort();
    assert_eq!(*found, expected);
}

#[test]
fn a_lockfile_has_one_form() {
    let mut postgres = image("docker.io/library/postgres", "17", 0xaa);
    postgres.size = Some(9);
    let arm = image("x", "y", 0xcc).digest;
    postgres.platforms = [("linux/arm64".to_owned(), arm), ("li\"nux".to_owned(), arm)].into();
    let pins = [image("ghcr.io/shop/web", "1", 0xbb), postgres];
    let reference = |pin: &Image| format!("{}:{}", pin.name, pin.tag).try_into().unwrap();
    let text = lockfile_text(&pins.into_iter().map(|pin| (reference(&pin), pin)).collect());
    let (_, body) = text.split_once("version").unwrap();
    let (a, b, c) = (hex(0xaa), hex(0xbb), hex(0xcc));
    assert_eq!(
        body,
        format!(
            " = 1\n\n[[image]]\nname = \"docker.io/library/postgres\"\ntag = \"17\"\n\
             digest = \"sha256:{a}\"\nsize = 9\n[image.platforms]\n'li\"nux' = \"sha256:{c}\"\n\
             \"linux/arm64\" = \"sha256:{c}\"\n\n[[image]]\nname = \"ghcr.io/shop/web\"\n\
             tag = \"1\"\ndigest = \"sha256:{b}\"\n"
        )
    );
}

#[test]
fn images_of_own_objects_are_pinned_too() {
    let digest = hex(0xbb);
    let wanted = |image: &str, lockfile: &str| {
        let environment = [SHOP, ENTRY].concat();
        let yaml = worker(&[("ghcr.io/shop/web:1", image)]);
        let files = [
            ("envs/live.toml", environment.as_str()),
            ("lockfiles/live.lock", lockfile),
            ("manifests/worker.yaml", &yaml),
        ];
        let lock = locks(&Source::new(files)).unwrap().remove(0);
        lock.images.iter().any(|one| one.name() == "ghcr.io/shop/old")
    };
    let by_digest = format!("ghcr.io/shop/old:1@sha256:{digest}");
    for (case, image, lockfile, is_wanted) in [
        ("by its tag", "ghcr.io/shop/old:1", "version = 1", true),
        ("by its digest", by_digest.as_str(), "version = 1", false),
        ("by its digest, with a pin", &by_digest, &["version = 1\n", OTHER].concat(), true),
    ] {
        assert_eq!(wanted(image, lockfile), is_wanted, "{case}");
    }
}

#[test]
fn the_lockfiles_of_the_repository_are_as_the_tool_writes_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for folder in [".", "examples/web", "examples/vendored", "examples/complete"] {
        for lock in locks(&Source::read(&root.join(folder)).unwrap()).unwrap() {
            let text = fs_err::read_to_string(root.join(folder).join(&lock.path)).unwrap();
            assert!(lockfile_text(&lock.pins) == text, "{folder}/{}", lock.path);
        }
    }
}
