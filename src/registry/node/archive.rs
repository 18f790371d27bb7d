//! An archive of a bundle's images for nodes that reach no registry: `ctr images import` and the
//! image folders of k3s and RKE2 read it.
//!
//! It is an OCI image layout in a tar, not compressed:
//!
//! ```text
//! oci-layout
//! index.json             names each image's root and, by an annotation, what it is called
//! blobs/sha256/DIGEST …  every blob of the platforms that are here, once, in the order of the bundle
//! ```
//!
//! What an image is called decides whether a pod finds it. Pods name it by digest, and containerd
//! looks for exactly that name: an image that was imported as `NAME:TAG` is not found. An index is
//! there byte for byte, also when manifests that it lists are not, so its digest is the pinned one.
//!
//! Equal bundles give equal archives. Nothing is held in memory but the index.

use std::{
    collections::BTreeSet,
    io::{self, ErrorKind, Read, Seek, Write},
};

use a4co_bundle::{
    BlobReader, CanonicalError, Digest, Image, StoredBlob, StoredImages, tar_header, to_canonical,
};
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    delta::{DeltaError, refuse_delta},
    name::{ParseNameError, Repository},
    node::mirror::NodeKind,
};

const OCI_LAYOUT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;
const MEDIA_TYPE: &str = "application/vnd.oci.image.index.v1+json";
/// The annotation by which containerd names an image that it imports.
const NAME_ANNOTATION: &str = "io.containerd.image.name";

/// A tar is made of records of this size.
const RECORD: usize = 512;
/// Bytes of a blob that are held at once.
const PIECE: usize = 128 << 10;

/// An archive of images that was not written yet.
#[derive(Clone, Debug)]
pub struct NodeArchive {
    index: Vec<u8>,
    blobs: Vec<StoredBlob>,
}

impl NodeArchive {
    /// Plans the archive for nodes of a kind: the `images` of a release as far as its bundle holds
    /// them, which is `stored`.
    ///
    /// # Errors
    /// Fails when the bundle is a delta; for Talos, whose nodes import no archives; and when an image
    /// has a name that no registry could have.
    pub fn new(
        kind: NodeKind,
        images: &[Image],
        stored: &StoredImages,
    ) -> Result<Self, NodeArchiveError> {
        refuse_delta(stored)?;
        let mut entries = BTreeSet::new();
        for image in images {
            entries.insert((name(kind, image)?, image.digest));
        }
        let entries = entries.into_iter().map(|(name, digest)| entry(&name, digest, stored));
        let entries = entries.collect::<Result<Vec<_>, _>>()?;
        let index = json!({ "manifests": entries, "mediaType": MEDIA_TYPE, "schemaVersion": 2 });
        let index = to_canonical(&index).map_err(NodeArchiveError::Index)?;
        // A manifest without its config and layers would be half an image to a node.
        let set = stored.set();
        let whole = images.iter().flat_map(|it| set.leaves_first(it.digest));
        let whole: BTreeSet<_> = whole.map(|blob| blob.digest).collect();
        let whole = set.blobs().iter().filter(|blob| whole.contains(&blob.digest));
        let blobs = whole.map(|blob| find(blob.digest, stored));
        Ok(Self { index, blobs: blobs.collect::<Result<_, _>>()? })
    }

    /// Returns how many bytes the archive has.
    #[must_use]
    pub fn size(&self) -> u64 {
        let entry = |size: u64| RECORD as u64 + size.next_multiple_of(RECORD as u64);
        let blobs: u64 = self.blobs.iter().map(|blob| entry(blob.size)).sum();
        entry(OCI_LAYOUT.len() as u64) + entry(self.index.len() as u64) + blobs + 2 * RECORD as u64
    }

    /// Writes the archive to `out`; the blobs come from `file`, the bundle that was verified.
    /// Digests are checked once more while they pass.
    ///
    /// # Errors
    /// Fails when a blob cannot be read or is damaged, or when `out` cannot be written to. What was
    /// written until then is no archive.
    pub fn write<R: Read + Seek, W: Write>(
        &self,
        mut file: R,
        mut out: W,
    ) -> Result<W, NodeArchiveError> {
        write_entry(&mut out, "oci-layout", OCI_LAYOUT)?;
        write_entry(&mut out, "index.json", &self.index)?;
        for blob in &self.blobs {
            let unread = |source| NodeArchiveError::Blob { digest: blob.digest, source };
            let reader = BlobReader::whole(&mut file, blob).map_err(unread)?;
            begin_entry(&mut out, &format!("blobs/sha256/{}", blob.digest.to_hex()), blob.size)?;
            copy(reader, &mut out, blob)?;
        }
        out.write_all(&[0; 2 * RECORD]).map_err(NodeArchiveError::Write)?;
        out.flush().map_err(NodeArchiveError::Write)?;
        Ok(out)
    }
}

/// Returns what an image has to be called on import, so that the pods of the release find it.
///
/// k3s and RKE2 give what they import the name by digest themselves, if its name has a tag (k3s pull
/// request 13221), and report an error if not; so theirs has both.
fn name(kind: NodeKind, image: &Image) -> Result<String, NodeArchiveError> {
    let repository: Repository = image.name.parse()?;
    let digest = image.digest;
    match kind {
        NodeKind::K3s | NodeKind::Rke2 if !image.tag.is_empty() => {
            Ok(format!("{repository}:{}@{digest}", image.tag))
        }
        NodeKind::Containerd | NodeKind::K3s | NodeKind::Rke2 => {
            Ok(format!("{repository}@{digest}"))
        }
        NodeKind::Talos => Err(NodeArchiveError::Talos),
    }
}

fn entry(name: &str, root: Digest, stored: &StoredImages) -> Result<Value, NodeArchiveError> {
    let StoredBlob { digest, size, media_type, .. } = find(root, stored)?;
    let annotations = json!({ NAME_ANNOTATION: name });
    Ok(json!({
        "annotations": annotations, "digest": digest, "mediaType": media_type, "size": size,
    }))
}

fn find(digest: Digest, stored: &StoredImages) -> Result<StoredBlob, NodeArchiveError> {
    stored.stored(digest).ok_or(NodeArchiveError::Absent { digest })
}

fn copy<R: Read, W: Write>(
    mut reader: R,
    out: &mut W,
    blob: &StoredBlob,
) -> Result<(), NodeArchiveError> {
    let mut buffer = vec![0; PIECE];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => out.write_all(&buffer[..count]).map_err(NodeArchiveError::Write)?,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(source) => return Err(NodeArchiveError::Blob { digest: blob.digest, source }),
        }
    }
    end_entry(out, blob.size)
}

fn write_entry<W: Write>(out: &mut W, name: &str, bytes: &[u8]) -> Result<(), NodeArchiveError> {
    let size = bytes.len() as u64;
    begin_entry(out, name, size)?;
    out.write_all(bytes).map_err(NodeArchiveError::Write)?;
    end_entry(out, size)
}

fn begin_entry<W: Write>(out: &mut W, name: &str, size: u64) -> Result<(), NodeArchiveError> {
    let too_large = || NodeArchiveError::TooLarge { name: name.to_owned(), size };
    let header = tar_header(name.as_bytes(), size).ok_or_else(too_large)?;
    out.write_all(&header).map_err(NodeArchiveError::Write)
}

fn end_entry<W: Write>(out: &mut W, size: u64) -> Result<(), NodeArchiveError> {
    // At most 511.
    let missing = usize::try_from(size.next_multiple_of(RECORD as u64) - size).unwrap_or(0);
    out.write_all(&[0; RECORD][..missing]).map_err(NodeArchiveError::Write)
}

/// Why there is no archive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeArchiveError {
    /// A part of the images is in another bundle.
    #[error(transparent)]
    Delta(#[from] DeltaError),
    /// The nodes do not import archives.
    #[error(
        "Talos imports no archives; push the images to a registry of the site and export the \
         configuration for it, with `--talos --registry URL`"
    )]
    Talos,
    /// A name that no registry has.
    #[error(transparent)]
    Name(#[from] ParseNameError),
    /// A blob that should be in the bundle is not.
    #[error("the bundle does not hold blob {digest}, which is part of an image of its release")]
    Absent {
        /// The blob.
        digest: Digest,
    },
    /// The index has no canonical form.
    #[error("the index of the archive cannot be written")]
    Index(#[source] CanonicalError),
    /// More than a tar header can say.
    #[error("`{name}` has {size} bytes, and a tar entry at most 8 GiB")]
    TooLarge {
        /// The entry.
        name: String,
        /// Its size.
        size: u64,
    },
    /// A blob could not be read out of the bundle, or is another one now.
    #[error("blob {digest} cannot be read from the bundle; the archive is not complete")]
    Blob {
        /// The blob.
        digest: Digest,
        /// Why.
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("the archive cannot be written and is not complete")]
    Write(#[source] io::Error),
}
