//! Whether nodes have the images of a release, and can run them, is asked before anything is written.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::collections::BTreeMap;

use a4co_bundle::{Image, Release, ReleaseConfig};
use a4co_testenv::{Access, ControlPlane, Descriptor, ImageLayout, LayerFile, Registry, Transport};
use kit::{
    GOOD_IMAGE, Site, path,
    proxy::{Fault, Proxy, Request},
};
use serde_json::{Value, json};

/// A release of one Deployment, whose image is for `platform`.
fn release(site: &Site, platform: &str) -> Release {
    let (name, digest) = GOOD_IMAGE.split_once('@').unwrap();
    let image = Image {
        name: name.to_owned(),
        tag: "1".to_owned(),
        digest: digest.parse().unwrap(),
        size: None,
        platforms: BTreeMap::from([(platform.to_owned(), digest.parse().unwrap())]),
    };
    let config = ReleaseConfig { images: vec![image], ..site.config() };
    site.release_of(config, vec![site.deployment("web", GOOD_IMAGE, Some(1))])
}

/// What `doctor` finds about images.
fn images_found(site: &Site, kubeconfig: &std::path::Path, args: &[&str]) -> Value {
    let ran = site.run_with(kubeconfig, &[&["doctor", "-o", "json"], args].concat());
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let findings = found["findings"].as_array().unwrap();
    findings.iter().find(|finding| finding["check"] == "images").unwrap().clone()
}

#[test]
fn images_are_looked_for_on_the_nodes_before_anything_is_written() {
    // The nodes of this one are changed.
    let cluster = Box::leak(Box::new(ControlPlane::start().unwrap()));
    let kubeconfig = cluster.kubeconfig();
    let site = Site::on(cluster, "nodes");
    let bundle = site.bundle(&release(&site, "linux/amd64"));
    let list = cluster.kubectl(&["get", "nodes", "-o", "name"]).expect_success();
    let nodes: Vec<&str> = list.lines().collect();
    assert!(nodes.len() > 1, "{list}");
    let give = |node: &str, image: &str| {
        let patch = json!({ "status": { "images": [{ "names": [image], "sizeBytes": 1 }] } });
        let args =
            ["patch", node, "--subresource=status", "--type=merge", "-p", &patch.to_string()];
        cluster.kubectl(&args).expect_success();
    };

    let other = site.bundle(&release(&site, "linux/riscv64"));
    let ran = site.run(&["apply", path(&other)]).expect(1);
    ran.expect_told(&["all nodes are linux/amd64", GOOD_IMAGE, "not touched"]);
    let ran = site.run(&["apply", path(&bundle), "--images", "nodes"]).expect(1);
    let first = nodes[0].trim_start_matches("node/");
    ran.expect_told(&[&format!("{GOOD_IMAGE} is not on "), first, "not touched"]);
    let args = ["get", "namespace", &site.namespace, "--ignore-not-found"];
    assert_eq!(cluster.kubectl(&args).expect_success(), "", "nothing was written");
    let ran = site.run(&["plan", path(&bundle)]).expect(0);
    ran.expect_told(&["no node has these images yet", GOOD_IMAGE]);
    let found = images_found(&site, kubeconfig, &[path(&bundle), "--images", "nodes"]);
    assert_eq!(found["level"], "error", "{found}");

    // One node does not have it under the name that pods are to have.
    let at_site = GOOD_IMAGE.replace("registry.example", "a.site:5000");
    for node in &nodes {
        give(node, GOOD_IMAGE);
    }
    give(nodes[0], &at_site);
    let ran = site.run(&["apply", path(&bundle), "--images", "nodes"]).expect(1);
    ran.expect_told(&[&format!("{GOOD_IMAGE} is not on {first}\n")]);
    for node in &nodes {
        give(node, &at_site);
    }
    let strict = ["--images", "nodes", "--registry", "a.site:5000"];
    let found = images_found(&site, kubeconfig, &[&[path(&bundle)], &strict[..]].concat());
    assert_eq!(found["level"], "ok", "{found}");
    site.run(&[&["apply", path(&bundle), "--timeout", "30s"], &strict[..]].concat()).expect(0);
    assert_eq!(site.image("web"), at_site);
    // What the cluster has already is not told again.
    let ran = site.run(&["apply", path(&bundle)]).expect(0);
    assert!(!ran.stderr.contains("these images"), "{}", ran.stderr);
}

#[test]
fn who_may_not_list_nodes_can_apply_all_the_same() {
    let site = Site::new("nodes-hidden");
    let proxy = Proxy::start(&site, |request: &Request| {
        request.path.starts_with("/api/v1/nodes").then_some(Fault::Forbidden)
    });
    let bundle = site.bundle(&release(&site, "linux/amd64"));
    let ran = site.run_with(&proxy.kubeconfig, &["apply", path(&bundle), "--images", "nodes"]);
    ran.expect(1).expect_told(&["cannot tell which images the nodes have: you may not list nodes"]);
    let ran = site.run_with(&proxy.kubeconfig, &["apply", path(&bundle), "--timeout", "30s"]);
    ran.expect(0).expect_told(&["you may not list nodes"]);
    let found = images_found(&site, &proxy.kubeconfig, &[path(&bundle)]);
    assert_eq!(found["level"], "ok", "{found}");
    assert!(found["text"].as_str().unwrap().contains("optional"), "{found}");
    let ran = site.run_with(&proxy.kubeconfig, &["apply", path(&bundle), "--images", "none"]);
    assert!(!ran.expect(0).stderr.contains("list nodes"));
}

#[test]
fn images_are_looked_for_in_the_registry_that_nodes_pull_from() {
    let folder = tempfile::tempdir().unwrap();
    let layout = ImageLayout::create(folder.path()).unwrap();
    let layer = layout.layer(&[LayerFile::text("etc/motd", "hello")]).unwrap();
    let manifest = layout.manifest("linux/amd64", &[layer], &["/web"]).unwrap();
    let index = layout.index(&[("linux/amd64", manifest.clone())]).unwrap();
    layout.tag("1", &index).unwrap();
    let registry = Registry::start(Transport::Http, Access::Open).unwrap();
    registry.push(&layout, "1", "shop/web").unwrap();
    let host = registry.host();

    let site = Site::new("nodes-registry");
    let plan = |name: &str, of: &Descriptor, args: &[&str]| {
        let image = Image {
            name: name.to_owned(),
            tag: "1".to_owned(),
            digest: of.digest.parse().unwrap(),
            size: None,
            platforms: [("linux/amd64".to_owned(), manifest.digest.parse().unwrap())].into(),
        };
        let deployment = site.deployment("web", &image.reference(), Some(1));
        let config = ReleaseConfig { images: vec![image], ..site.config() };
        let bundle = site.bundle(&site.release_of(config, vec![deployment]));
        site.run(&[&["plan", path(&bundle), "--images", "registry"], args].concat())
    };
    let there = format!("{host}/shop/web");
    let mirror = format!("docker.io=http://{host}");
    let other =
        Descriptor { digest: GOOD_IMAGE.split_once('@').unwrap().1.into(), ..index.clone() };
    for (case, name, of, args, code, told) in [
        ("it is there", there.as_str(), &index, vec!["--insecure", &host], 0, ""),
        (
            "another digest",
            &there,
            &other,
            vec!["--insecure", &host],
            1,
            "the registry lacks its index",
        ),
        ("a mirror has it", "docker.io/shop/web", &index, vec!["--mirror", &mirror], 0, ""),
        (
            "a mirror lacks it",
            "docker.io/shop/db",
            &index,
            vec!["--mirror", &mirror],
            1,
            "lacks its index",
        ),
        (
            "an overlay names it",
            "docker.io/shop/web",
            &index,
            vec!["--registry", &host, "--insecure", &host],
            0,
            "",
        ),
        (
            "nobody answers",
            "127.0.0.1:1/shop/web",
            &index,
            vec!["--insecure", "127.0.0.1:1"],
            1,
            "cannot reach the registry",
        ),
        (
            "no encryption",
            "docker.io/shop/web",
            &index,
            vec!["--mirror", "docker.io=http://a.lan"],
            1,
            "http://a.lan",
        ),
    ] {
        let ran = plan(name, of, &args);
        assert!(ran.stderr.contains(told), "{case}: {}", ran.stderr);
        ran.expect(code);
    }
}
