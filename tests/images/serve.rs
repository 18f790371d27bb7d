//! `images serve`.

use std::io::{BufRead as _, BufReader};

use serde_json::Value;

use crate::kit::{Desk, full, image, skopeo_copy};

#[test]
fn a_bundle_is_a_registry_until_it_is_asked_to_end() {
    let desk = Desk::new();
    let large = desk.layout.large_layer(3 << 20, 1).unwrap();
    let amd64 = desk.manifest("linux/amd64", &[desk.layer("a"), large]);
    let arm64 = desk.manifest("linux/arm64", &[desk.layer("b")]);
    let root = desk.layout.index(&[("linux/amd64", amd64), ("linux/arm64", arm64)]).unwrap();
    let images = vec![image("docker.io/library/db", "15", &root)];
    let bundle = desk.bundle("shop.tar.gz", images, Some(&full(&[])));
    let volume = desk.split(&bundle);
    for (case, bundle) in [("a file", &bundle), ("volumes", &volume)] {
        let listen = ["--listen", "127.0.0.1:0", "-o", "json"];
        let args = [&["images", "serve", bundle.to_str().unwrap()], &listen[..]].concat();
        let mut server = desk.start(&args);
        let stdout = BufReader::new(server.child.stdout.take().unwrap());
        let mut text = String::new();
        for line in stdout.lines().map_while(Result::ok) {
            text += &line;
            if line == "}" {
                break;
            }
        }
        let serving: Value = serde_json::from_str(&text).expect(case);
        let url = serving["url"].as_str().unwrap().strip_prefix("http://").unwrap();
        let reference = format!("docker.io/library/db:15@{}", root.digest);
        assert!(serving["images"][0].as_str().unwrap().contains(&root.digest), "{reference}");
        let target = desk.path(&case.replace(' ', "-"));
        skopeo_copy(&format!("docker://{url}/library/db@{}", root.digest), &target);
        let copied = target.join("blobs").join(root.digest.replacen(':', "/", 1));
        let expected = fs_err::read(desk.layout.blob(&root.digest)).unwrap();
        assert_eq!(fs_err::read(copied).unwrap(), expected, "{case}");
        server.terminate();
    }
}

#[test]
fn an_address_that_is_taken_is_told() {
    let desk = Desk::new();
    let root = desk.manifest("linux/amd64", &[desk.layer("a")]);
    let images = vec![image("docker.io/library/db", "15", &root)];
    let bundle = desk.bundle("shop.tar.gz", images, Some(&full(&[])));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    desk.run(&["images", "serve", bundle.to_str().unwrap(), "--listen", &address])
        .expect(1)
        .expect_told(&["cannot listen on", "--listen IP:PORT"]);
}
