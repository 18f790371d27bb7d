//! A real containerd that reaches no registry on the internet starts the pods of a release, which
//! name their images by digest.
//!
//! Containers need root; without it these tests say that they are skipped.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod node_kit;

use std::{collections::BTreeSet, path::Path, slice};

use a4co_registry::{Address, Certificates, Host, NodeKind, mirror_config};
use a4co_testenv::{
    Access, Containerd, Descriptor, ImageLayout, LayerFile, Network, Registry, Transport,
};
use node_kit::{ThickBundle, full, image};

const PLATFORM: &str = if cfg!(target_arch = "aarch64") { "linux/arm64" } else { "linux/amd64" };
const OTHER: &str = if cfg!(target_arch = "aarch64") { "linux/amd64" } else { "linux/arm64" };

/// What real images are like: an index of two platforms and an attestation; and one without index.
fn images(layout: &ImageLayout, node: &Containerd) -> (Descriptor, Descriptor) {
    let program = layout.layer(&[LayerFile::program("hello", node.hello().unwrap())]).unwrap();
    let here = layout.manifest(PLATFORM, slice::from_ref(&program), &["/hello", "web"]).unwrap();
    let text = layout.layer(&[LayerFile::text("x", "not for this machine")]).unwrap();
    let other = layout.manifest(OTHER, slice::from_ref(&text), &["/hello"]).unwrap();
    let attestation = layout.manifest("unknown/unknown", &[text], &[]).unwrap();
    let index = layout
        .index(&[(OTHER, other), (PLATFORM, here), ("unknown/unknown", attestation)])
        .unwrap();
    let single = layout.manifest(PLATFORM, &[program], &["/hello", "single"]).unwrap();
    (index, single)
}

/// Imports the archive of a thick bundle with `import`, then runs a pod of each of its images.
fn pods_start_from_an_archive(kind: NodeKind, import: impl Fn(&Containerd, &Path)) {
    let Some(node) = Containerd::start(Network::Isolated).unwrap() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let layout = ImageLayout::create(&dir.path().join("layout")).unwrap();
    let (index, single) = images(&layout, &node);
    let images = vec![
        image("docker.io/library/web", "1.0", &index),
        image("ghcr.io/a/single", "2", &single),
    ];
    let references: Vec<_> = images.iter().map(a4co_bundle::Image::reference).collect();
    let bundle = ThickBundle::pack(&layout, images, &full(&[PLATFORM]));
    let archive = dir.path().join("images.tar");
    fs_err::write(&archive, bundle.export(kind)).unwrap();
    import(&node, &archive);
    for (reference, printed) in references.iter().zip(["web says hello\n", "single says hello\n"]) {
        let status = node.image(reference).unwrap();
        let digests = status["repoDigests"].as_array().unwrap();
        assert!(digests.iter().any(|name| name == reference), "{status}");
        assert_eq!(status["pinned"], true, "the kubelet must not collect it: {status}");
        assert_eq!(node.run_pod(reference, &["says", "hello"]).unwrap(), printed);
    }
}

#[test]
fn pods_start_from_an_archive_that_ctr_imported() {
    pods_start_from_an_archive(NodeKind::Containerd, |node, archive| {
        // As docs/air-gap.md says it.
        let label = "--label=io.cri-containerd.pinned=pinned";
        node.ctr(&["images", "import", label, archive.to_str().unwrap()]).unwrap();
    });
}

#[test]
fn pods_start_from_an_archive_that_was_imported_as_k3s_and_rke2_do_it() {
    pods_start_from_an_archive(NodeKind::K3s, |node, archive| node.import_as_k3s(archive).unwrap());
}

#[test]
fn pods_start_in_k3s_from_the_archive_for_containerd_too_though_it_complains() {
    pods_start_from_an_archive(NodeKind::Containerd, |node, archive| {
        let error = node.import_as_k3s(archive).unwrap_err().to_string();
        assert!(error.contains("has no tag"), "{error}");
    });
}

#[test]
fn pods_start_from_the_registry_of_the_site_under_the_names_that_they_have() {
    let Some(node) = Containerd::start(Network::Machine).unwrap() else {
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let layout = ImageLayout::create(&dir.path().join("layout")).unwrap();
    let (index, _) = images(&layout, &node);
    layout.tag("web", &index).unwrap();
    let site = Registry::start(Transport::Https, Access::Open).unwrap();
    let ca: Certificates = fs_err::read_to_string(site.ca().unwrap()).unwrap().parse().unwrap();
    for (case, name, repository, prefix) in [
        ("the same path", "docker.io/library/web", "library/web", ""),
        ("a path below a prefix", "quay.example/team/web", "mirror/of/team/web", "/mirror/of"),
    ] {
        site.push(&layout, "web", repository).unwrap();
        let reference = format!("{name}@{}", index.digest);
        let host: Host = name.split('/').next().unwrap().parse().unwrap();
        let address = Address::parse(&format!("{}{prefix}", site.url())).unwrap();
        let registries = BTreeSet::from([host]);
        for file in mirror_config(NodeKind::Containerd, &registries, &address, Some(&ca)) {
            let path = file.path.strip_prefix("certs.d/").unwrap();
            let path = node.registry_config().join(path);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(path, file.text).unwrap();
        }
        node.crictl(&["pull", &reference]).unwrap();
        assert_eq!(node.run_pod(&reference, &[case]).unwrap(), format!("web {case}\n"));
        // What the site does not have is looked for nowhere else.
        let absent = format!("{name}-absent@{}", index.digest);
        let error = node.crictl(&["pull", &absent]).unwrap_err().to_string();
        assert!(error.contains("not found") && !error.contains("dial"), "{case}: {error}");
    }
}
