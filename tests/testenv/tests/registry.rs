//! The registry and the images of the tests are what the world's tools take them for.

use a4co_testenv::{Access, ImageLayout, LayerFile, Registry, Transport};

fn image(layout: &ImageLayout, tag: &str) -> a4co_testenv::Descriptor {
    let shared = layout.layer(&[LayerFile::text("etc/motd", "hello")]).expect("a layer");
    let large = layout.large_layer(3_000_001, 7).expect("a large layer");
    let amd64 = layout.manifest("linux/amd64", &[shared.clone(), large], &["/pause"]);
    let arm64 = layout.manifest("linux/arm64/v8", &[shared], &["/pause"]);
    let platforms = [
        ("linux/amd64", amd64.expect("a manifest")),
        ("linux/arm64/v8", arm64.expect("a manifest")),
    ];
    let index = layout.index(&platforms).expect("an index");
    layout.tag(tag, &index).expect("a tag");
    index
}

#[test]
fn an_image_goes_through_the_registry_and_back_unchanged() {
    for (transport, access) in [
        (Transport::Http, Access::Open),
        (Transport::Http, Access::Login),
        (Transport::Https, Access::Open),
        (Transport::Https, Access::Login),
    ] {
        let case = format!("{transport:?}, {access:?}");
        let dir = tempfile::tempdir().expect("a folder");
        let layout = ImageLayout::create(&dir.path().join("made")).expect("a layout");
        let index = image(&layout, "1.0");
        let registry = Registry::start(transport, access).expect(&case);
        registry.push(&layout, "1.0", "team/app").expect(&case);
        let reference = format!("team/app@{}", index.digest);
        let expected = fs_err::read(layout.blob(&index.digest)).expect("the index");
        assert_eq!(registry.inspect_raw(&reference).expect(&case), expected, "{case}");
        registry.restart().expect(&case);
        registry.pull(&reference, &dir.path().join("pulled")).expect(&case);
        assert!(registry.log().expect(&case).contains(&format!("manifests/{}", index.digest)));
        let state = registry.storage();
        assert!(state.exists(), "{case}");
        drop(registry);
        assert!(!state.exists(), "{case}");
    }
}

#[test]
fn equal_images_have_equal_digests() {
    let dir = tempfile::tempdir().expect("a folder");
    let digests = ["a", "b"].map(|name| {
        let layout = ImageLayout::create(&dir.path().join(name)).expect("a layout");
        image(&layout, "1.0").digest
    });
    assert_eq!(digests[0], digests[1]);
}
