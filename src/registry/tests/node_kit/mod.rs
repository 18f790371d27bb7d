//! A thick bundle in memory, made of an image layout.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "shared by several tests, none of which uses all of it"
)]

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read},
    path::PathBuf,
};

use a4co_bundle::{
    Attestation, BlobSource, CONFIG_SCHEMA, Contents, Image, PART_OF_LABEL, Platform, Release,
    ReleaseConfig, Requirements, Statement, Step, UntrustedBundle, UnverifiedBundle, applyset_id,
    pack_thick,
};
use a4co_registry::{NodeArchive, NodeArchiveError, NodeKind};
use a4co_testenv::{Descriptor, ImageLayout};
use serde_json::json;

/// Blobs of a layout.
struct Files<'a>(&'a ImageLayout);

impl BlobSource for Files<'_> {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        let path: PathBuf = self.0.blob(&step.digest.to_string());
        Ok(Box::new(fs_err::File::open(path)?))
    }
}

pub fn image(name: &str, tag: &str, root: &Descriptor) -> Image {
    Image {
        name: name.to_owned(),
        tag: tag.to_owned(),
        digest: root.digest.parse().unwrap(),
        size: Some(root.size),
        platforms: BTreeMap::new(),
    }
}

/// Everything of these platforms; of all if there is none.
pub fn full(platforms: &[&str]) -> Contents {
    Contents::full(platforms.iter().map(|text| text.parse::<Platform>().unwrap()))
}

/// A bundle as it was read, beside its bytes.
pub struct ThickBundle {
    pub bytes: Vec<u8>,
    pub bundle: UntrustedBundle,
}

impl ThickBundle {
    /// Packs the bundle of a release with these images, and reads it.
    pub fn pack(layout: &ImageLayout, images: Vec<Image>, contents: &Contents) -> Self {
        let config = ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: "shop".to_owned(),
            environment: "test".to_owned(),
            version: "1.2.3".parse().unwrap(),
            namespace: "shop-test".to_owned(),
            images,
            requirements: Requirements::default(),
            readiness: Vec::new(),
            keep: Vec::new(),
            notes: Vec::new(),
        };
        let object = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": "motd",
                "namespace": "shop-test",
                "labels": { PART_OF_LABEL: applyset_id("shop", "shop-test") },
            },
        });
        let release = Release::new(config, vec![(0, object)]).unwrap();
        let statement = Statement::new(&release, Vec::new(), 0).to_bytes().unwrap();
        let attestation = Attestation { statement, signatures: Vec::new(), trust: Vec::new() };
        let mut blobs = Files(layout);
        let bytes = pack_thick(Vec::new(), &attestation, &release, contents, &mut blobs).unwrap();
        let bundle = UnverifiedBundle::open(bytes.as_slice()).unwrap().inspect().unwrap();
        Self { bytes, bundle }
    }

    pub fn plan(&self, kind: NodeKind) -> Result<NodeArchive, NodeArchiveError> {
        let images = self.bundle.images.as_ref().unwrap();
        NodeArchive::new(kind, &self.bundle.release.config().images, images)
    }

    pub fn export(&self, kind: NodeKind) -> Vec<u8> {
        self.plan(kind).unwrap().write(Cursor::new(&self.bytes), Vec::new()).unwrap()
    }
}
