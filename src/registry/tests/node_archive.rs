//! The archive for nodes, byte by byte. That a real containerd starts pods from it is in `node.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod node_kit;

use std::{
    collections::BTreeSet,
    io::{self, Cursor, Read as _, Write},
};

use a4co_bundle::{Contents, Digest};
use a4co_registry::{Host, NodeArchive, NodeArchiveError, NodeKind, registries_of};
use a4co_testenv::{Descriptor, ImageLayout, LayerFile};
use node_kit::{ThickBundle, full, image};
use serde_json::{Value, json};

/// Two images of two platforms that share a layer.
struct Images {
    layout: ImageLayout,
    web: Descriptor,
    db: Descriptor,
    /// Only what is for arm64.
    arm: Vec<String>,
    _dir: tempfile::TempDir,
}

impl Images {
    fn create() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let layout = ImageLayout::create(dir.path()).unwrap();
        let layer = |name: &str| layout.layer(&[LayerFile::text(name, name)]).unwrap();
        let (shared, arm_layer) = (layer("shared"), layer("arm"));
        let manifest = |platform: &str, own: &str, base: &Descriptor| {
            layout.manifest(platform, &[base.clone(), layer(own)], &["/x"]).unwrap()
        };
        let arm = manifest("linux/arm64", "web-arm", &arm_layer);
        let index = |amd: Descriptor| {
            layout.index(&[("linux/amd64", amd), ("linux/arm64", arm.clone())]).unwrap()
        };
        let web = index(manifest("linux/amd64", "web", &shared));
        let db = index(manifest("linux/amd64", "db", &shared));
        let arm = vec![arm.digest.clone(), arm_layer.digest];
        Self { layout, web, db, arm, _dir: dir }
    }

    fn bundle(&self, contents: &Contents) -> ThickBundle {
        let images = vec![
            image("docker.io/library/db", "15", &self.db),
            image("docker.io/library/web", "1.0", &self.web),
            image("ghcr.io/shop/web", "", &self.web),
        ];
        ThickBundle::pack(&self.layout, images, contents)
    }
}

/// Returns the entries of a tar.
fn entries(archive: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = tar::Archive::new(archive);
    let entries = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    });
    entries.collect()
}

#[test]
fn the_archive_is_an_image_layout_with_every_blob_of_the_bundle_once() {
    let images = Images::create();
    let bundle = images.bundle(&full(&["linux/amd64"]));
    let archive = bundle.export(NodeKind::Containerd);
    let entries = entries(&archive);
    assert_eq!(
        entries[0],
        ("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec())
    );
    assert_eq!(entries[1].0, "index.json");
    for (name, bytes) in &entries[2..] {
        assert_eq!(*name, format!("blobs/sha256/{}", Digest::of(bytes).to_hex()));
    }
    let names: BTreeSet<_> = entries.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names.len(), entries.len(), "none comes twice");
    let has = |digest: &str| names.contains(&format!("blobs/{}", digest.replace(':', "/")));
    assert!(has(&images.web.digest) && has(&images.db.digest));
    assert!(!images.arm.iter().any(|digest| has(digest)), "what is for arm64 is not in the bundle");
    // 2 indexes, 2 manifests, 2 configs, a layer of each and one that they share.
    assert_eq!(entries.len(), 2 + 9);
    assert_eq!(archive.len() as u64, bundle.plan(NodeKind::Containerd).unwrap().size());
    assert_eq!(archive.len() % 512, 0);
    assert_eq!(archive, bundle.export(NodeKind::Containerd), "the same each time");
}

#[test]
fn the_index_names_each_image_as_the_nodes_need_it() {
    let images = Images::create();
    let bundle = images.bundle(&full(&["linux/amd64"]));
    let (web, db) = (&images.web, &images.db);
    let entry = |name: &str, root: &Descriptor| {
        json!({
            "annotations": { "io.containerd.image.name": name },
            "digest": root.digest,
            "mediaType": root.media_type,
            "size": root.size,
        })
    };
    let by_digest = [
        entry(&format!("docker.io/library/db@{}", db.digest), db),
        entry(&format!("docker.io/library/web@{}", web.digest), web),
        entry(&format!("ghcr.io/shop/web@{}", web.digest), web),
    ];
    let with_tag = [
        entry(&format!("docker.io/library/db:15@{}", db.digest), db),
        entry(&format!("docker.io/library/web:1.0@{}", web.digest), web),
        entry(&format!("ghcr.io/shop/web@{}", web.digest), web),
    ];
    for (kind, expected) in [
        (NodeKind::Containerd, &by_digest),
        (NodeKind::K3s, &with_tag),
        (NodeKind::Rke2, &with_tag),
    ] {
        let index: Value = serde_json::from_slice(&entries(&bundle.export(kind))[1].1).unwrap();
        assert_eq!(index["manifests"], json!(expected), "{kind:?}");
        assert_eq!(index["schemaVersion"], 2);
    }
}

#[test]
fn the_registries_of_a_release_are_those_of_its_images_and_odd_names_are_refused() {
    let images = Images::create();
    let named = |name: &str| image(name, "1", &images.web);
    let good = ["docker.io/library/db", "nats", "ghcr.io/shop/web", "localhost:5000/x"].map(named);
    let registries = registries_of(&good).unwrap();
    let registries: Vec<_> = registries.iter().map(Host::as_str).collect();
    assert_eq!(registries, ["docker.io", "ghcr.io", "localhost:5000"]);
    let bundle = images.bundle(&full(&[])).bundle;
    for name in ["ghcr.io//x", "ghcr.io/../x", "-/x.y"] {
        let odd = [named(name)];
        assert!(registries_of(&odd).is_err(), "{name}");
        let held = bundle.images.as_ref().unwrap();
        let error = NodeArchive::new(NodeKind::Containerd, &odd, held).unwrap_err();
        assert!(matches!(error, NodeArchiveError::Name(_)), "{name}: {error}");
    }
}

#[test]
fn all_platforms_are_in_the_archive_if_they_are_in_the_bundle() {
    let images = Images::create();
    let archive = images.bundle(&full(&[])).export(NodeKind::Containerd);
    let names: BTreeSet<_> = entries(&archive).into_iter().map(|(name, _)| name).collect();
    for digest in &images.arm {
        assert!(names.contains(&format!("blobs/{}", digest.replace(':', "/"))));
    }
}

#[test]
fn a_delta_and_talos_have_no_archive() {
    let images = Images::create();
    let whole = images.bundle(&full(&["linux/amd64"]));
    let base = whole.bundle.release.id();
    let layer = |it: &&a4co_bundle::ImageBlob| !it.kind.is_document();
    let stored = whole.bundle.images.as_ref().unwrap();
    let absent = stored.set().blobs().iter().find(layer).unwrap().digest;
    let contents =
        Contents { absent: BTreeSet::from([absent]), base: Some(base), ..full(&["linux/amd64"]) };
    let error = images.bundle(&contents).plan(NodeKind::K3s).unwrap_err().to_string();
    assert!(error.contains("images join") && error.contains(&base.to_string()), "{error}");
    let error = whole.plan(NodeKind::Talos).unwrap_err().to_string();
    assert!(error.contains("--registry"), "{error}");
}

#[test]
fn a_blob_that_is_damaged_since_it_was_verified_ends_the_archive() {
    let images = Images::create();
    let bundle = images.bundle(&full(&["linux/amd64"]));
    let plan = bundle.plan(NodeKind::Containerd).unwrap();
    let whole = plan.write(Cursor::new(&bundle.bytes), Vec::new()).unwrap();
    let mut refused = 0;
    for at in (0..bundle.bytes.len()).step_by(97) {
        let mut damaged = bundle.bytes.clone();
        damaged[at] ^= 1;
        match plan.write(Cursor::new(&damaged), Vec::new()) {
            Ok(archive) => assert_eq!(archive, whole, "{at}: no part of a blob"),
            Err(NodeArchiveError::Blob { source, .. }) => {
                assert_eq!(source.kind(), io::ErrorKind::InvalidData, "{at}");
                refused += 1;
            }
            Err(error) => panic!("{at}: {error}"),
        }
    }
    assert!(refused > 50, "{refused}");
    let cut = &bundle.bytes[..bundle.bytes.len() / 2];
    let error = plan.write(Cursor::new(cut), Vec::new()).unwrap_err();
    assert!(matches!(error, NodeArchiveError::Blob { .. }), "{error}");
}

/// A disk that is full after some bytes.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let count = bytes.len().min(self.0);
        self.0 -= count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_ends_the_archive_wherever_it_is_full() {
    let images = Images::create();
    let bundle = images.bundle(&full(&["linux/amd64"]));
    let plan = bundle.plan(NodeKind::Containerd).unwrap();
    let size = usize::try_from(plan.size()).unwrap();
    for space in (0..size).step_by(331) {
        let error = plan.write(Cursor::new(&bundle.bytes), Disk(space)).err().unwrap();
        assert!(matches!(error, NodeArchiveError::Write(_)), "{space}: {error}");
    }
    assert!(plan.write(Cursor::new(&bundle.bytes), Disk(size)).is_ok());
}
