//! `images export`.

use std::path::Path;

use a4co_testenv::Descriptor;

use crate::kit::{Desk, full, image};

fn bundle(desk: &Desk) -> (String, Descriptor) {
    let root = desk.manifest("linux/amd64", &[desk.layer("a")]);
    let images = vec![image("docker.io/library/db", "15", &root)];
    let bundle = desk.bundle("shop.tar.gz", images, Some(&full(&[])));
    (bundle.to_str().unwrap().to_owned(), root)
}

#[test]
fn an_archive_goes_beside_the_bundle_to_a_file_or_into_a_pipe() {
    let desk = Desk::new();
    let (bundle, root) = bundle(&desk);
    let out = desk.path("out.tar");
    let out = out.to_str().unwrap();
    fs_err::write(out, "what was there before").unwrap();
    let default = desk.path("shop.images.tar");
    desk.run(&["images", "export", &bundle, "--containerd"])
        .expect(0)
        .expect_told(&["ctr --namespace k8s.io images import --label", "shop.images.tar"]);
    let ran = desk.run(&["images", "export", &bundle, "--containerd", "--out", out, "-o", "json"]);
    let result = ran.expect(0).json();
    let piped = desk.run(&["images", "export", &bundle, "--containerd", "--out", "-"]).expect(0);
    let archive = fs_err::read(&default).unwrap();
    assert!(archive.starts_with(b"oci-layout\0"));
    let name = format!("docker.io/library/db@{}", root.digest);
    assert!(archive.windows(name.len()).any(|window| window == name.as_bytes()));
    assert!(archive == fs_err::read(out).unwrap() && archive == piped.stdout);
    assert_eq!(result["files"], serde_json::json!([out]));
    assert_eq!(result["bytes"], archive.len() as u64);
    assert!(result["steps"][0].as_str().unwrap().ends_with(out), "{result}");

    desk.run(&["images", "export", &bundle, "--k3s", "--out", out])
        .expect(0)
        .expect_told(&["/var/lib/rancher/k3s/agent/images/a4co.tar"]);
    let name = format!("docker.io/library/db:15@{}", root.digest);
    let archive = fs_err::read(out).unwrap();
    assert!(archive.windows(name.len()).any(|window| window == name.as_bytes()));
    // Nothing is left of what was written under another name.
    let names = fs_err::read_dir(desk.path("")).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert!(!names.iter().any(|name| name.contains("draft")), "{names:?}");
}

#[test]
fn nodes_get_configuration_for_a_registry_of_the_site() {
    let desk = Desk::new();
    let root = desk.manifest("linux/amd64", &[desk.layer("a")]);
    // A thin bundle has the names too.
    let images = vec![image("docker.io/library/db", "15", &root)];
    let bundle = desk.bundle("thin.tar.gz", images, None);
    let bundle = bundle.to_str().unwrap();
    let ca = desk.path("ca.crt");
    let text = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";
    fs_err::write(&ca, text).unwrap();
    let ca = ca.to_str().unwrap();
    for (kind, site, files, says, told) in [
        (
            "--containerd",
            "registry.site:5000",
            &["certs.d/docker.io/ca.crt", "certs.d/docker.io/hosts.toml"][..],
            "server = \"https://registry.site:5000\"",
            "/etc/containerd/certs.d/",
        ),
        (
            "--k3s",
            "https://registry.site/hub",
            &["a4co-ca.crt", "registries.yaml"],
            "\"^(.*)$\": \"hub/$1\"",
            "/etc/rancher/k3s",
        ),
        (
            "--rke2",
            "registry.site",
            &["a4co-ca.crt", "registries.yaml"],
            "/etc/rancher/rke2/a4co-ca.crt",
            "/etc/rancher/rke2",
        ),
        (
            "--talos",
            "registry.site",
            &["registries.yaml"],
            "kind: RegistryMirrorConfig",
            "talosctl patch machineconfig",
        ),
    ] {
        let out = desk.path(kind.trim_start_matches('-'));
        let to = out.to_str().unwrap();
        let args = ["images", "export", bundle, kind, "--registry", site, "--ca", ca, "--out", to];
        // Again, over what is there.
        desk.run(&args).expect(0);
        desk.run(&args).expect(0).expect_told(&[told]);
        for file in files {
            assert!(out.join(file).is_file(), "{kind}: {file}");
        }
        let text = fs_err::read_to_string(out.join(files.last().unwrap())).unwrap();
        assert!(text.contains(says), "{kind}: {text}");
    }
}

#[test]
fn what_would_do_harm_or_make_no_sense_is_refused() {
    let desk = Desk::new();
    let (bundle, _) = bundle(&desk);
    let folder = desk.path("folder");
    fs_err::create_dir(&folder).unwrap();
    let folder = folder.to_str().unwrap();
    let key = desk.path("key.pem");
    fs_err::write(&key, "-----BEGIN PRIVATE KEY-----\nAAEC\n-----END PRIVATE KEY-----\n").unwrap();
    let key = key.to_str().unwrap();
    let before = fs_err::read(&bundle).unwrap();
    for (case, args, code, says) in [
        ("no kind of nodes", &["--out", "x"][..], 2, "--containerd"),
        ("two kinds", &["--k3s", "--rke2"], 2, "cannot be used with"),
        ("an archive for Talos", &["--talos"], 1, "Talos imports no archives"),
        ("the bundle itself", &["--k3s", "--out", &bundle], 1, "names the bundle itself"),
        ("a folder", &["--k3s", "--out", folder], 1, "is there and is no file"),
        ("a device", &["--k3s", "--out", "/dev/null"], 1, "is there and is no file"),
        ("configuration to nowhere", &["--k3s", "--registry", "r.site"], 2, "--out"),
        ("configuration into a pipe", &["--k3s", "--registry", "r.site", "--out", "-"], 2, "DIR"),
        ("an archive and JSON", &["--k3s", "--out", "-", "-o", "json"], 2, "not both"),
        ("authorities for nothing", &["--k3s", "--ca", key], 2, "--registry"),
        (
            "nodes without encryption",
            &["--k3s", "--registry", "http://r.site", "--out", "x"],
            1,
            "only this machine",
        ),
        (
            "a key for a certificate",
            &["--k3s", "--registry", "r.site", "--ca", key, "--out", "x"],
            1,
            "private key",
        ),
    ] {
        let args = [&["images", "export", &bundle], args].concat();
        let ran = desk.run(&args);
        assert_eq!(ran.code, code, "{case}: {}", ran.stderr);
        assert!(ran.stderr.contains(says), "{case}: {}", ran.stderr);
    }
    assert!(fs_err::read(&bundle).unwrap() == before);
    assert!(!Path::new("x").exists() && !desk.path("x").exists());
}
