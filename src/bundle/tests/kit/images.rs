//! Small container images to test with.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{
    Contents, Digest, Image, ImageError, ImageSet, ImageWalk, Platform, Release, StoredImages,
    UnverifiedBundle, pack_thick,
};
use serde_json::{Value, json};

use super::{Key, attestation, config, config_map};

pub const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
pub const OCI_LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";
pub const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// Images and the bytes of all their blobs.
#[derive(Clone, Debug, Default)]
pub struct Images {
    pub images: Vec<Image>,
    pub blobs: BTreeMap<Digest, Vec<u8>>,
}

impl Images {
    /// What a real release has: an index of two platforms and an attestation; an index that shares a
    /// layer with it; the first one again under another name; and an image without an index, of which
    /// the release does not know the size.
    pub fn good() -> Self {
        let mut images = Self::default();
        let shared: &[u8] = b"a layer that images share";
        let one = images.manifest(b"{\"one\":1}", &[shared, b"amd64 of one"]);
        let arm = images.manifest(b"{\"arm\":1}", &[b"arm64 of one"]);
        let said = images.manifest(b"{}", &[b"an attestation"]);
        let index = images.index(&[
            (Some("linux/amd64"), &one),
            (Some("linux/arm64/v8"), &arm),
            (Some("unknown/unknown"), &said),
        ]);
        let two = images.manifest(b"{\"two\":1}", &[shared, b"amd64 of two"]);
        let other = images.index(&[(Some("linux/amd64"), &two), (Some("linux/arm64"), &arm)]);
        let single = images.document(&json!({
            "schemaVersion": 2,
            "mediaType": DOCKER_MANIFEST,
            "config": descriptor(OCI_CONFIG, b"{\"single\":1}"),
            "layers": [descriptor(OCI_LAYER, b"a layer of the single one")],
        }));
        images.blob(b"{\"single\":1}");
        images.blob(b"a layer of the single one");
        images.image("example.com/again", &index, true);
        images.image("example.com/one", &index, true);
        images.image("example.com/single", &single, false);
        images.image("example.com/two", &other, true);
        images
    }

    pub fn blob(&mut self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        self.blobs.insert(digest, bytes.to_vec());
        digest
    }

    /// Adds a document as other people write it: with white space.
    pub fn document(&mut self, value: &Value) -> Vec<u8> {
        let bytes = serde_json::to_vec_pretty(value).unwrap();
        self.blob(&bytes);
        bytes
    }

    pub fn manifest(&mut self, config: &[u8], layers: &[&[u8]]) -> Vec<u8> {
        let list: Vec<_> = layers.iter().map(|it| descriptor(OCI_LAYER, it)).collect();
        for bytes in layers.iter().chain([&config]) {
            self.blob(bytes);
        }
        self.document(&json!({
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": descriptor(OCI_CONFIG, config),
            "layers": list,
            "annotations": { "org.opencontainers.image.title": "other people's words" },
        }))
    }

    pub fn index(&mut self, manifests: &[(Option<&str>, &[u8])]) -> Vec<u8> {
        let list = manifests.iter().map(|(platform, bytes)| {
            let mut listed = descriptor(OCI_MANIFEST, bytes);
            if let Some(platform) = platform {
                let mut parts = platform.split('/');
                let [os, architecture] = [(); 2].map(|()| parts.next().unwrap());
                listed["platform"] = json!({ "os": os, "architecture": architecture });
                if let Some(variant) = parts.next() {
                    listed["platform"]["variant"] = json!(variant);
                }
            }
            listed
        });
        let list: Vec<_> = list.collect();
        self.document(&json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": list }))
    }

    pub fn image(&mut self, name: &str, root: &[u8], knows_size: bool) {
        self.images.push(Image {
            name: name.to_owned(),
            tag: "1".to_owned(),
            digest: Digest::of(root),
            size: knows_size.then_some(root.len() as u64),
            platforms: BTreeMap::new(),
        });
    }

    pub fn release(&self) -> Release {
        let config = a4co_bundle::ReleaseConfig { images: self.images.clone(), ..config() };
        Release::new(config, vec![(0, config_map("a", "one"))]).unwrap()
    }

    /// The thick bundle, signed by key 1.
    pub fn pack(&self, contents: &Contents) -> Vec<u8> {
        let release = self.release();
        let attestation = attestation(&release, &[&Key::number(1)], Vec::new());
        let mut blobs = self.blobs.clone();
        pack_thick(Vec::new(), &attestation, &release, contents, &mut blobs).unwrap()
    }

    pub fn walk(&self, contents: &Contents) -> Result<ImageSet, ImageError> {
        let mut walk = ImageWalk::new(&self.images, contents);
        while let Some(step) = walk.advance()? {
            if step.kind.is_document() {
                walk.learn(&self.blobs[&step.digest])?;
            }
        }
        walk.finish()
    }
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(bytes), "size": bytes.len() })
}

pub fn platforms(texts: &[&str]) -> BTreeSet<Platform> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub fn full(texts: &[&str]) -> Contents {
    Contents::full(platforms(texts))
}

/// The images of a bundle that is signed by key 1.
pub fn stored(file: &[u8]) -> StoredImages {
    verified(file).images().unwrap().clone()
}

pub fn verified(file: &[u8]) -> a4co_bundle::Bundle {
    let anchor = super::anchor(&super::trust_file(1, 1, &[&Key::number(1)]));
    UnverifiedBundle::open(file).unwrap().verify(&anchor).unwrap()
}
