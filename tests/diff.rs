//! Two releases are compared, each from a file or from the cluster.

mod kit;

use std::{collections::BTreeMap, net::TcpListener};

use a4co_bundle::{Digest, Image, Release};
use kit::{BAD_IMAGE, GOOD_IMAGE, Ran, Site, path, proxy::write_kubeconfig};
use serde_json::{Value, json};

/// A release of one changed object and one of its own, which runs `image`.
fn release(site: &Site, text: &str, own: &str, image: &str) -> Release {
    let mut config = site.config();
    config.images = vec![Image {
        name: "registry.example/web".to_owned(),
        tag: image.to_owned(),
        digest: Digest::of(image.as_bytes()),
        size: None,
        platforms: BTreeMap::new(),
    }];
    let objects = vec![
        site.config_map("changed", text),
        site.config_map(own, "1"),
        site.config_map("same", "1"),
    ];
    site.release_of(config, objects)
}

#[test]
fn releases_are_compared_from_files_and_from_the_cluster() {
    let site = Site::new("compared");
    let old = release(&site, "old", "dropped", "1.0");
    let new = release(&site, "new", "added", "1.1");
    site.apply(&old).expect(0);
    site.apply(&new).expect(0);
    let files = [&old, &new].map(|release| path(&site.bundle(release)).to_owned());
    let ids = [&old, &new].map(|release| release.id().to_string());
    let shorts = [&old, &new].map(|release| release.id().short());
    let diff = |old: &str, new: &str, more: &[&str]| -> Ran {
        site.run(&[&["diff", old, new, "-n", &site.namespace], more].concat())
    };
    for (case, old, new) in [
        ("two files", &files[0], &files[1]),
        ("two releases of the history", &shorts[0], &shorts[1]),
        ("a whole id and a file", &ids[0], &files[1]),
        ("a file and a release", &files[0], &shorts[1]),
    ] {
        let shown = diff(old, new, &["--exit-code"]).expect(5).stdout;
        for fragment in [
            "old  ",
            "shop/test 1.0.0",
            "+ ConfigMap/added\n",
            "- ConfigMap/dropped\n",
            "~ ConfigMap/changed\n    data.text: \"old\" → \"new\"\n",
            "image registry.example/web: 1.0 (sha256:",
        ] {
            assert!(shown.contains(fragment), "{case}: `{fragment}` is not in\n{shown}");
        }
        assert!(!shown.contains("same"), "{case}: {shown}");
        let document = diff(old, new, &["-o", "json"]).expect(0).stdout;
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["old"], ids[0], "{case}");
        assert_eq!(document["added"][0]["name"], "added", "{case}");
        assert_eq!(document["removed"][0]["name"], "dropped", "{case}");
        assert_eq!(document["changed"][0]["object"]["name"], "changed", "{case}");
        let field = json!({ "path": "data.text", "old": "old", "new": "new" });
        assert_eq!(document["changed"][0]["fields"], json!([field]), "{case}");
        assert_eq!(document["images"][0]["new"]["tag"], "1.1", "{case}");
    }
    let equal = diff(&files[0], &shorts[0], &["--exit-code"]).expect(0);
    assert!(equal.stdout.contains("both are release"), "{}", equal.stdout);
}

#[test]
fn a_release_that_failed_can_be_looked_into() {
    let site = Site::new("failed");
    let deployment = |image| site.release(vec![site.deployment("web", image, Some(1))]);
    let (good, bad) = (deployment(GOOD_IMAGE), deployment(BAD_IMAGE));
    site.apply(&good).expect(0);
    site.apply_within(&bad, "2s").expect(3);
    let ran = site.run(&["diff", &good.id().short(), &bad.id().short(), "-n", &site.namespace]);
    assert!(ran.expect(0).stdout.contains("containers[web].image"));
}

#[test]
fn two_files_need_no_cluster() {
    let site = Site::new("offline");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let kubeconfig = site.path("nowhere.kubeconfig");
    write_kubeconfig(&kubeconfig, listener.local_addr().unwrap().port());
    let old = site.bundle(&release(&site, "old", "dropped", "1.0"));
    let new = site.bundle(&release(&site, "new", "added", "1.1"));
    site.run_with(&kubeconfig, &["diff", path(&old), path(&new)]).expect(0);
    assert!(listener.accept().is_err(), "nobody has connected");
}

#[test]
fn what_cannot_be_compared_is_refused_with_a_remedy() {
    let site = Site::new("unknown");
    let release = site.release(vec![site.config_map("a", "one")]);
    site.apply(&release).expect(0);
    let bundle = site.bundle(&release);
    let short = release.id().short();
    let damaged = site.path("damaged.tar.gz");
    fs_err::write(&damaged, "no bundle").unwrap();
    for (case, other, fragments) in [
        ("no such file", "missing.tar.gz", &["neither a file nor a release id", "hint:"][..]),
        ("no such release", "0000000000000", &["no release in the history", &short]),
        ("not a bundle", path(&damaged), &["is refused", "hint:"]),
    ] {
        let ran = site.run(&["diff", path(&bundle), other, "-n", &site.namespace]);
        assert_eq!(ran.code, 1, "{case}: {}", ran.stderr);
        ran.expect_told(fragments);
    }
}
