//! The bundles: two images of many sizes, which share a layer; and a next release, as a whole and
//! as a delta.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use a4co_bundle::{
    Attestation, BlobSource, CONFIG_SCHEMA, Contents, Image, PART_OF_LABEL, Purpose, Release,
    ReleaseConfig, Requirements, Signature, Statement, Step, TrustFile, UnverifiedBundle,
    VerifyingKey, applyset_id, pack_thick,
};
use a4co_testenv::{Descriptor, ImageLayout};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::json;

use crate::error::{Error, Result};

const APP: &str = "bench";
const PLATFORM: &str = "linux/amd64";

/// Names of the images, each without its registry.
pub(super) const REPOSITORIES: [&str; 2] = ["bench/one", "bench/two"];

/// Layers of both images in parts of 32 of the whole; the first is shared.
const SHARED: u64 = 4;
const LAYERS: [&[u64]; 2] = [&[16, 4, 1], &[4, 2]];
/// The last layer of the second image, which the next release changes.
const CHANGED: u64 = 1;

/// What was made.
pub(super) struct Bundles {
    pub(super) first: PathBuf,
    /// The second release, without what the first one has.
    pub(super) delta: PathBuf,
    pub(super) trust: PathBuf,
    /// Roots of the images of the first release, as skopeo names them.
    pub(super) references: Vec<String>,
    /// Length of the first.
    pub(super) bytes: u64,
}

/// Blobs of a layout.
struct Files<'a>(&'a ImageLayout);

impl BlobSource for Files<'_> {
    fn open(&mut self, step: &Step) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(fs_err::File::open(self.0.blob(&step.digest.to_string()))?))
    }
}

impl Bundles {
    /// Makes bundles of `bytes` in a folder.
    pub(super) fn make(folder: &Path, bytes: u64) -> Result<Self> {
        let layout = ImageLayout::create(&folder.join("layout"))?;
        let mut seed = 0;
        let mut layer = |parts: u64| {
            seed += 1;
            layout.large_layer(bytes / 32 * parts, seed)
        };
        let shared = layer(SHARED)?;
        let mut images = Vec::new();
        for parts in LAYERS {
            let own = parts.iter().map(|parts| layer(*parts)).collect::<Result<Vec<_>, _>>()?;
            images.push([vec![shared.clone()], own].concat());
        }
        let changed = [layer(CHANGED)?, layer(CHANGED)?];
        let roots = |changed: &Descriptor| -> Result<Vec<Descriptor>> {
            let two = [images[1].clone(), vec![changed.clone()]].concat();
            Ok(vec![index(&layout, &images[0])?, index(&layout, &two)?])
        };
        let (first, second) = (roots(&changed[0])?, roots(&changed[1])?);
        let key = SigningKey::from_bytes(&[7; 32]);
        let bundles = Self {
            first: folder.join("first.tar.gz"),
            delta: folder.join("delta.tar.gz"),
            trust: folder.join("trust.json"),
            references: REPOSITORIES
                .iter()
                .zip(&first)
                .map(|(name, root)| format!("{name}@{}", root.digest))
                .collect(),
            bytes: 0,
        };
        let public = VerifyingKey::from_bytes(key.verifying_key().as_bytes());
        let trust = TrustFile::first([public.map_err(Error::other)?]).to_bytes();
        fs_err::write(&bundles.trust, trust.map_err(Error::other)?)?;
        let (first, second) = (release("1.0.0", &first)?, release("1.1.0", &second)?);
        let full = Contents::full([]);
        write(&bundles.first, &layout, &first, &full, &key)?;
        // A delta is what a whole one leaves out.
        let whole = folder.join("whole.tar.gz");
        write(&whole, &layout, &second, &full, &key)?;
        let [base, next] = [&bundles.first, &whole].map(|path| inspect(path));
        let (base, next) = (base?, next?);
        let (Some(base), Some(next)) = (base.images, next.images) else {
            return Err(Error::other("a bundle was made without images"));
        };
        let delta = Contents::delta([], next.set(), first.id(), &base);
        write(&bundles.delta, &layout, &second, &delta, &key)?;
        fs_err::remove_file(whole)?;
        fs_err::remove_dir_all(layout.dir())?;
        let bytes = fs_err::metadata(&bundles.first)?.len();
        Ok(Self { bytes, ..bundles })
    }
}

fn inspect(path: &Path) -> Result<a4co_bundle::UntrustedBundle> {
    let bundle = UnverifiedBundle::open(fs_err::File::open(path)?).map_err(Error::other)?;
    bundle.inspect().map_err(Error::other)
}

fn index(layout: &ImageLayout, layers: &[Descriptor]) -> Result<Descriptor> {
    let manifest = layout.manifest(PLATFORM, layers, &["/bench"])?;
    Ok(layout.index(&[(PLATFORM, manifest)])?)
}

fn release(version: &str, roots: &[Descriptor]) -> Result<Release> {
    let mut images = Vec::new();
    for (name, root) in REPOSITORIES.iter().zip(roots) {
        images.push(Image {
            name: format!("registry.example/{name}"),
            tag: version.to_owned(),
            digest: root.digest.parse().map_err(Error::other)?,
            size: Some(root.size),
            platforms: BTreeMap::new(),
        });
    }
    let config = ReleaseConfig {
        schema: CONFIG_SCHEMA,
        app: APP.to_owned(),
        environment: "bench".to_owned(),
        version: version.parse().map_err(Error::other)?,
        namespace: APP.to_owned(),
        images,
        requirements: Requirements::default(),
        readiness: Vec::new(),
        keep: Vec::new(),
        notes: Vec::new(),
    };
    let labels = json!({ PART_OF_LABEL: applyset_id(APP, APP) });
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": { "name": "version", "namespace": APP, "labels": labels },
        "data": { "version": version },
    });
    Release::new(config, vec![(0, object)]).map_err(Error::other)
}

fn write(
    path: &Path,
    layout: &ImageLayout,
    release: &Release,
    contents: &Contents,
    key: &SigningKey,
) -> Result<()> {
    let statement = Statement::new(release, Vec::new(), 0).to_bytes().map_err(Error::other)?;
    let signature = key.sign(&Signature::signed_data(Purpose::Release, &statement));
    let public = VerifyingKey::from_bytes(key.verifying_key().as_bytes()).map_err(Error::other)?;
    let signatures = vec![Signature::new(Purpose::Release, public, signature.to_bytes())];
    let attestation = Attestation { statement, signatures, trust: Vec::new() };
    let out = io::BufWriter::with_capacity(1 << 20, fs_err::File::create(path)?);
    pack_thick(out, &attestation, release, contents, &mut Files(layout)).map_err(Error::other)?;
    Ok(())
}
