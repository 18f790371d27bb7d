//! The images of the release.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    slice,
};

use a4co_testenv::{Descriptor, ImageLayout, LayerFile, Registry};
use serde_json::Value;

/// What the site's nodes are.
pub(crate) const PLATFORM: &str = "linux/amd64";
const OTHER: &str = "linux/arm64";

const LARGE_BYTES: u64 = 1 << 30;

/// An image as the test names it: repository, and tag in the layout.
pub(crate) type Name = (&'static str, &'static str);

/// An index of two platforms, with an attestation as build tools add it.
pub(crate) const WEB: Name = ("shop/web", "web-1");
/// Its next version.
pub(crate) const WEB_NEXT: Name = ("shop/web", "web-2");
/// An index of two platforms that shares a layer with the others, and has one of a gigabyte.
pub(crate) const API: Name = ("shop/api", "api-1");
/// An image without an index.
pub(crate) const TOOL: Name = ("tools/tool", "tool-1");

/// Makes the images; on the site's platform all of them run `program`.
pub(crate) fn make(folder: &Path, program: Vec<u8>) -> ImageLayout {
    let layout = ImageLayout::create(folder).unwrap();
    let text = |text: &str| layout.layer(&[LayerFile::text("etc/text", text)]).unwrap();
    let tag = |(_, tag): Name, image: &Descriptor| layout.tag(tag, image).unwrap();
    let shared = layout.layer(&[LayerFile::program("hello", program)]).unwrap();
    let other = layout.manifest(OTHER, &[text("not for the site")], &["/hello"]).unwrap();
    for (name, entrypoint) in [(WEB, "web 1"), (WEB_NEXT, "web 2")] {
        let layers = [shared.clone(), text(entrypoint)];
        let here = layout.manifest(PLATFORM, &layers, &["/hello", entrypoint]).unwrap();
        let attestation = layout.manifest("unknown/unknown", &[text("made by")], &[]).unwrap();
        let manifests =
            [(OTHER, other.clone()), (PLATFORM, here), ("unknown/unknown", attestation)];
        tag(name, &layout.index(&manifests).unwrap());
    }
    let large = layout.large_layer(LARGE_BYTES, 6).unwrap();
    let api = layout.manifest(PLATFORM, &[shared.clone(), large], &["/hello", "api"]).unwrap();
    tag(API, &layout.index(&[(PLATFORM, api), (OTHER, other)]).unwrap());
    let tool = layout.manifest(PLATFORM, slice::from_ref(&shared), &["/hello", "tool"]).unwrap();
    tag(TOOL, &tool);
    layout
}

/// Removes what is large, so that only the registry has it.
pub(crate) fn forget_layers(layout: &ImageLayout) {
    for entry in fs_err::read_dir(layout.dir().join("blobs/sha256")).unwrap() {
        let entry = entry.unwrap();
        if entry.metadata().unwrap().len() > 1 << 20 {
            fs_err::remove_file(entry.path()).unwrap();
        }
    }
}

/// What the layout in a folder says of images.
pub(crate) struct Images(PathBuf);

impl Images {
    pub(crate) fn in_folder(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// The digest of the index, or of the manifest where there is none.
    pub(crate) fn root(&self, (_, tag): Name) -> String {
        let index = self.json("index.json");
        let of_tag = |it: &&Value| it["annotations"]["org.opencontainers.image.ref.name"] == tag;
        let entries = index["manifests"].as_array().unwrap();
        digest(entries.iter().find(of_tag).unwrap())
    }

    /// Repository and digest.
    pub(crate) fn reference(&self, name: Name) -> String {
        format!("{}@{}", name.0, self.root(name))
    }

    pub(crate) fn bytes(&self, digest: &str) -> Vec<u8> {
        fs_err::read(self.0.join(blob(digest))).unwrap()
    }

    /// Digests and sizes of what the site's platform has: manifest, config and layers.
    pub(crate) fn content(&self, name: Name) -> BTreeSet<(String, u64)> {
        let root = self.root(name);
        let document = self.json(&blob(&root));
        let (root, manifest) = match document["manifests"].as_array() {
            None => (root, document),
            Some(manifests) => {
                let here = |it: &&Value| it["platform"]["architecture"] == "amd64";
                let root = digest(manifests.iter().find(here).unwrap());
                let manifest = self.json(&blob(&root));
                (root, manifest)
            }
        };
        let size = self.bytes(&root).len() as u64;
        let layers = manifest["layers"].as_array().unwrap();
        let blobs = layers.iter().chain([&manifest["config"]]);
        let blobs = blobs.map(|it| (digest(it), it["size"].as_u64().unwrap()));
        blobs.chain([(root, size)]).collect()
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&fs_err::read(self.0.join(path)).unwrap()).unwrap()
    }
}

/// Checks that a registry has an image as it was made: its root byte for byte, and all that the
/// site's platform has; by skopeo, which checks the digests. What is pulled goes to `folder`.
#[track_caller]
pub(crate) fn expect_in(registry: &Registry, images: &Images, name: Name, folder: &Path) {
    let reference = images.reference(name);
    let root = registry.inspect_raw(&reference).unwrap();
    assert!(root == images.bytes(&images.root(name)), "{reference} is another document");
    registry.pull_platform(&reference, PLATFORM, folder).unwrap();
    let pulled = fs_err::read_dir(folder.join("blobs/sha256")).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let digest = format!("sha256:{}", entry.file_name().to_string_lossy());
        (digest, entry.metadata().unwrap().len())
    });
    assert_eq!(pulled.collect::<BTreeSet<_>>(), images.content(name), "{reference}");
    fs_err::remove_dir_all(folder).unwrap();
}

fn digest(descriptor: &Value) -> String {
    descriptor["digest"].as_str().unwrap().to_owned()
}

fn blob(digest: &str) -> String {
    format!("blobs/{}", digest.replacen(':', "/", 1))
}
