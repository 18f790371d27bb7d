//! Images for tests, as an OCI image layout in a folder: written here, byte by byte the same each
//! time, and read by any OCI tool.
//!
//! ```no_run
//! # fn main() -> Result<(), a4co_testenv::Error> {
//! use a4co_testenv::{ImageLayout, LayerFile};
//! let layout = ImageLayout::create("/tmp/images".as_ref())?;
//! let shared = layout.layer(&[LayerFile::text("etc/motd", "hello")])?;
//! let amd64 = layout.manifest("linux/amd64", &[shared.clone()], &["/pause"])?;
//! let arm64 = layout.manifest("linux/arm64/v8", &[shared], &["/pause"])?;
//! let index = layout.index(&[("linux/amd64", amd64), ("linux/arm64/v8", arm64)])?;
//! layout.tag("1.0", &index)?;
//! # Ok(()) }
//! ```

mod layer;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};

pub use layer::LayerFile;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// What names a blob: its media type, digest and size (OCI image specification, `descriptor.md`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Descriptor {
    /// Media type of the blob.
    pub media_type: String,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// Length in bytes.
    pub size: u64,
}

impl Descriptor {
    fn to_json(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.size })
    }
}

/// An OCI image layout in a folder.
#[derive(Clone, Debug)]
pub struct ImageLayout {
    dir: PathBuf,
}

impl ImageLayout {
    /// Makes an empty layout in `dir`.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be written to.
    pub fn create(dir: &Path) -> Result<Self, Error> {
        fs_err::create_dir_all(dir.join("blobs/sha256"))?;
        fs_err::write(dir.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
        let layout = Self { dir: dir.to_owned() };
        layout.write_index(&[])?;
        Ok(layout)
    }

    /// Returns the folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Returns the file of a blob.
    #[must_use]
    pub fn blob(&self, digest: &str) -> PathBuf {
        self.dir.join("blobs").join(digest.replacen(':', "/", 1))
    }

    /// Adds a layer of these files.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn layer(&self, files: &[LayerFile]) -> Result<Descriptor, Error> {
        self.add(LAYER, &layer::tar_of(files)?)
    }

    /// Adds a layer of one file with `size` bytes that do not compress, other bytes for each
    /// `seed`. It is never in memory as a whole.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn large_layer(&self, size: u64, seed: u64) -> Result<Descriptor, Error> {
        let draft = self.dir.join(format!("layer-{seed}-{size}"));
        let (digest, size) = layer::write_large(&draft, size, seed)?;
        fs_err::rename(&draft, self.blob(&digest))?;
        Ok(Descriptor { media_type: LAYER.to_owned(), digest, size })
    }

    /// Adds the manifest and the config of an image for one platform, such as `linux/arm/v7`,
    /// that runs `entrypoint`.
    ///
    /// # Errors
    ///
    /// Fails if they cannot be written.
    pub fn manifest(
        &self,
        platform: &str,
        layers: &[Descriptor],
        entrypoint: &[&str],
    ) -> Result<Descriptor, Error> {
        let mut config = platform_json(platform);
        // The layers are not compressed, so their digests are those of what is in them.
        config["rootfs"] = json!({
            "type": "layers",
            "diff_ids": layers.iter().map(|layer| &*layer.digest).collect::<Vec<_>>(),
        });
        config["config"] = json!({ "Entrypoint": entrypoint });
        let config = self.add(CONFIG, config.to_string().as_bytes())?;
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config.to_json(),
            "layers": layers.iter().map(Descriptor::to_json).collect::<Vec<_>>(),
        });
        self.add(MANIFEST, manifest.to_string().as_bytes())
    }

    /// Adds an index of manifests with their platforms.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn index(&self, manifests: &[(&str, Descriptor)]) -> Result<Descriptor, Error> {
        let manifests = manifests.iter().map(|(platform, descriptor)| {
            let mut entry = descriptor.to_json();
            entry["platform"] = platform_json(platform);
            entry
        });
        let manifests: Vec<_> = manifests.collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
        // Not as our own writer would do it: what is pinned is bytes, not their meaning.
        let mut bytes = serde_json::to_vec_pretty(&index).map_err(std::io::Error::from)?;
        bytes.push(b'\n');
        self.add(INDEX, &bytes)
    }

    /// Calls an index or a manifest `tag`, besides what it is called already.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn tag(&self, tag: &str, image: &Descriptor) -> Result<(), Error> {
        let text = fs_err::read_to_string(self.dir.join("index.json"))?;
        let index: Value = serde_json::from_str(&text).map_err(std::io::Error::from)?;
        let mut entries = index["manifests"].as_array().cloned().unwrap_or_default();
        let mut entry = image.to_json();
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": tag });
        entries.push(entry);
        self.write_index(&entries)
    }

    /// Adds a blob of any bytes.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written.
    pub fn add(&self, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        let digest = format!("sha256:{}", layer::to_hex(&Sha256::digest(bytes)));
        fs_err::write(self.blob(&digest), bytes)?;
        Ok(Descriptor { media_type: media_type.to_owned(), digest, size: bytes.len() as u64 })
    }

    fn write_index(&self, entries: &[Value]) -> Result<()> {
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries });
        Ok(fs_err::write(self.dir.join("index.json"), index.to_string())?)
    }
}

/// Splits `OS/ARCHITECTURE/VARIANT`.
fn platform_json(platform: &str) -> Value {
    let mut parts = platform.splitn(3, '/');
    let mut json = json!({ "os": parts.next(), "architecture": parts.next() });
    if let Some(variant) = parts.next() {
        json["variant"] = variant.into();
    }
    json
}
