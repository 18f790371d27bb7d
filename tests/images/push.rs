//! `images push`, to a real registry.

use std::collections::BTreeMap;

use a4co_testenv::{Access, Descriptor, Registry, Transport};
use serde_json::json;

use crate::kit::{Desk, full, image, until};

fn registry() -> Registry {
    Registry::start(Transport::Http, Access::Open).unwrap()
}

/// Two images with many layers, some of which both have.
fn images(desk: &Desk) -> [Descriptor; 2] {
    let large = |seed| desk.layout.large_layer(3 << 20, seed).unwrap();
    let shared: Vec<_> = (1..=4).map(large).collect();
    let own = |from: u64| (from..from + 4).map(large);
    let web: Vec<_> = shared.iter().cloned().chain(own(10)).collect();
    let db: Vec<_> = shared.into_iter().chain(own(20)).collect();
    let web = desk.manifest("linux/amd64", &web);
    let other = desk.manifest("linux/arm64", &[desk.layer("arm")]);
    let index = desk.layout.index(&[("linux/amd64", web), ("linux/arm64", other)]).unwrap();
    [index, desk.manifest("linux/amd64", &db)]
}

/// How often each digest was stored as a blob, by the log of the registry.
fn stored(log: &str) -> BTreeMap<String, usize> {
    let mut stored = BTreeMap::new();
    for line in log.lines().filter(|line| line.contains("\"PUT /v2/") && line.contains("\" 201 ")) {
        if let Some((_, rest)) = line.split_once("digest=sha256%3A") {
            *stored.entry(rest[..64].to_owned()).or_default() += 1;
        }
    }
    stored
}

#[test]
fn a_push_killed_at_any_moment_goes_on_and_sends_nothing_twice_that_was_finished() {
    let desk = Desk::new();
    let [web, db] = images(&desk);
    let images =
        vec![image("docker.io/library/db", "15", &db), image("ghcr.io/shop/web", "1", &web)];
    let bundle = desk.bundle("shop.tar.gz", images, Some(&full(&[])));
    let registry = registry();
    let host = registry.host();
    let args = ["images", "push", bundle.to_str().unwrap(), &host, "--insecure", "-o", "json"];
    let lines = |of: &str| registry.log().unwrap().lines().filter(|it| it.contains(of)).count();
    let mut kills = 0;
    for (of, more) in [
        ("\"HEAD /v2/", 1),
        ("\"POST /v2/", 1),
        ("\"PATCH /v2/", 1),
        ("\"PUT /v2/", 1),
        ("\"PATCH /v2/", 3),
        ("\"PUT /v2/", 3),
        ("\"POST /v2/", 2),
        ("\"PUT /v2/", 4),
    ] {
        let before = lines(of);
        let mut running = desk.start(&args);
        until("the moment to kill", || lines(of) >= before + more || !running.is_running());
        kills += usize::from(running.is_running());
        drop(running);
    }
    assert!(kills > 4, "only {kills} were killed before they had ended");
    let finished = stored(&registry.log().unwrap()).len();
    assert!(finished > 0);

    let pushed = desk.run(&args).expect(0).json();
    // 12 large layers, a small one, and 3 configs; 4 of the layers in both repositories.
    assert_eq!(pushed["manifests"], 4);
    let blobs = &pushed["blobs"];
    let count = |of: &str| usize::try_from(blobs[of].as_u64().unwrap()).unwrap();
    assert_eq!(count("sent") + count("mounted") + count("present"), 20, "{pushed}");
    assert!(count("sent") <= 16 - finished, "{finished} were finished: {pushed}");
    let stored = stored(&registry.log().unwrap());
    assert_eq!(stored.len(), 16);
    // A kill between the registry's storing a blob and its answer costs nothing either.
    assert!(stored.values().all(|count| *count == 1), "{stored:?}");
    for (name, root) in [("library/db", &db), ("shop/web", &web)] {
        let reference = format!("{name}@{}", root.digest);
        registry.pull(&reference, &desk.path(&name.replace('/', "-"))).unwrap();
        let expected = fs_err::read(desk.layout.blob(&root.digest)).unwrap();
        assert_eq!(registry.inspect_raw(&reference).unwrap(), expected, "{name}");
    }
    let again = desk.run(&args).expect(0).json();
    assert_eq!(again["blobs"], json!({ "sent": 0, "present": 20, "mounted": 0 }));
    assert_eq!(again["bytes"], 0);
}

#[test]
fn a_person_is_told_what_was_sent_and_how_nodes_find_it() {
    let desk = Desk::new();
    let root = desk.manifest("linux/amd64", &[desk.layer("a")]);
    let images = vec![image("docker.io/library/db", "15", &root)];
    let bundle = desk.bundle("shop.tar.gz", images, Some(&full(&[])));
    let volume = desk.split(&bundle);
    let registry = registry();
    let site = format!("{}/hub", registry.host());
    for (case, bundle, says) in [
        ("a file", &bundle, "1 image: sent 2 blobs"),
        ("volumes", &volume, "1 image: sent 0 blobs, 0 B; 2 were there"),
    ] {
        let args = ["images", "push", bundle.to_str().unwrap(), &site, "--insecure", "--tags"];
        let ran = desk.run(&args).expect(0);
        let stdout = String::from_utf8(ran.stdout.clone()).unwrap();
        assert!(stdout.contains(says), "{case}: {stdout}");
        assert!(stdout.contains(&format!("{site}/library/db@{}", root.digest)), "{case}: {stdout}");
        let api = format!("[host.\"http://{}/v2/hub\"]", registry.host());
        ran.expect_told(&["/etc/containerd/certs.d/docker.io/hosts.toml", &api, "images export"]);
    }
    assert!(registry.inspect_raw("hub/library/db:15").is_ok());
}

#[test]
fn what_cannot_be_pushed_is_refused_with_the_remedy() {
    let desk = Desk::new();
    let root = desk.manifest("linux/amd64", &[desk.layer("a")]);
    let images = || vec![image("docker.io/library/db", "15", &root)];
    let thin = desk.bundle("thin.tar.gz", images(), None);
    let thick = desk.bundle("thick.tar.gz", images(), Some(&full(&[])));
    let damaged = desk.path("damaged.tar.gz");
    let mut bytes = fs_err::read(&thick).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs_err::write(&damaged, bytes).unwrap();
    let registry = registry();
    let host = registry.host();
    // Nobody listens there any more.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = silent.to_string();
    for (case, bundle, site, insecure, says) in [
        ("no images", &thin, &*host, true, "a4co build --thick"),
        ("a damaged file", &damaged, &host, true, "is refused"),
        ("another machine without encryption", &thick, "registry.site", true, "only this machine"),
        ("no registry", &thick, "registry site", false, "is not the address of a registry"),
        ("a registry without encryption", &thick, &host, false, "cannot reach the registry"),
        ("nobody there", &thick, &silent, true, "cannot reach the registry"),
    ] {
        let mut args = vec!["images", "push", bundle.to_str().unwrap(), site];
        args.extend(insecure.then_some("--insecure"));
        let ran = desk.run(&args).expect(1);
        assert!(ran.stderr.contains(says), "{case}: {}", ran.stderr);
        assert!(ran.stderr.contains("hint: "), "{case}: {}", ran.stderr);
    }
    assert!(!registry.log().unwrap().contains("library/db"), "nothing was sent");
}
