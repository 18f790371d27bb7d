//! However large a bundle is, memory is not.

use std::io::{BufRead as _, BufReader};

use a4co_testenv::{Access, Registry, Transport};

use crate::kit::{Desk, full, image, skopeo_copy};

/// In KiB.
const MOST: u64 = 32 << 10;

#[test]
fn verifying_pushing_and_serving_a_large_bundle_take_at_most_32_mib() {
    let desk = Desk::new();
    let large = |size, seed| desk.layout.large_layer(size, seed).unwrap();
    let mut layers = vec![large(192 << 20, 1)];
    layers.extend((2..6).map(|seed| large(20 << 20, seed)));
    let root = desk.manifest("linux/amd64", &layers);
    let images = vec![image("docker.io/library/db", "15", &root)];
    let path = desk.bundle("shop.tar.gz", images, Some(&full(&[])));
    assert!(fs_err::metadata(&path).unwrap().len() > 256 << 20);
    let bundle = path.to_str().unwrap();

    let peak = desk.start(&["verify", bundle]).peak_until_end();
    assert!((1..=MOST).contains(&peak), "verify: {peak} KiB");

    let registry = Registry::start(Transport::Http, Access::Open).unwrap();
    let args = ["images", "push", bundle, &registry.host(), "--insecure"];
    let peak = desk.start(&args).peak_until_end();
    assert!((1..=MOST).contains(&peak), "images push: {peak} KiB");

    let mut server = desk.start(&["images", "serve", bundle, "--listen", "127.0.0.1:0"]);
    let mut url = String::new();
    BufReader::new(server.child.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let host = url.trim().strip_prefix("http://").unwrap().to_owned();
    skopeo_copy(&format!("docker://{host}/library/db:15"), &desk.path("copied"));
    let peak = server.peak().unwrap();
    server.terminate();
    assert!((1..=MOST).contains(&peak), "images serve: {peak} KiB");
}
