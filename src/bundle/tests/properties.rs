//! Whatever the release, it comes back; whatever the bytes, nothing panics.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use std::{
    collections::BTreeSet,
    io::{Cursor, Read as _},
};

use a4co_bundle::{
    Api, BlobReader, Bundle, Contents, Digest, GroupKind, Image, ImageDocument, PART_OF_LABEL,
    PlatformManifest, Readiness, ReadinessRule, Release, ReleaseConfig, Requirements,
    SecretRequirement, StoredBlobs, TrustAnchor, UnverifiedBundle, applyset_id, from_canonical,
    join, pack_thick, to_canonical,
};
use kit::{
    Key,
    hostile::{Documents, content_of, gzip},
    images::{Images, full, platforms},
};
use proptest::{
    collection::{btree_map, btree_set, vec},
    prelude::*,
    sample::Index,
};
use serde_json::{Value, json};

fn anchor() -> TrustAnchor {
    kit::anchor(&kit::trust_file(1, 1, &[&Key::number(1)]))
}

fn name() -> impl Strategy<Value = String> {
    "[a-z][a-z0-9-]{0,12}[a-z0-9]"
}

fn kind() -> impl Strategy<Value = String> {
    "[A-Z][A-Za-z]{1,12}"
}

/// Any JSON that has a canonical form.
fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-(1_i64 << 53) + 1..1 << 53).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::from),
            btree_map(any::<String>(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

prop_compose! {
    fn image()(
        name in "[a-z0-9]{1,9}(:[1-9][0-9]{1,3}|[.][a-z0-9]{1,5})/[a-z0-9]{1,5}(([._/]|__|-{1,3})[a-z0-9]{1,5}){0,3}",
        tag in "([A-Za-z0-9_][A-Za-z0-9._-]{0,12})?",
        digest in any::<[u8; 4]>(),
        size in proptest::option::of(0_u64..1 << 53),
        platforms in btree_map("linux/(amd64|arm64|arm/v7)", any::<u8>(), 0..3),
    ) -> Image {
        let platforms = platforms.into_iter().map(|(key, byte)| (key, Digest::of(&[byte])));
        Image { name, tag, digest: Digest::of(&digest), size, platforms: platforms.collect() }
    }
}

prop_compose! {
    fn requirements()(
        apis in vec((name(), kind()), 0..4),
        ingress_classes in vec(name(), 0..3),
        storage_classes in vec(name(), 0..3),
        secrets in btree_map(name(), vec(name(), 0..3), 0..3),
    ) -> Requirements {
        let api = |(group, kind)| Api { api_version: format!("{group}.io/v1"), kind };
        let secret = |(name, keys)| SecretRequirement { name, keys };
        Requirements {
            apis: apis.into_iter().map(api).collect(),
            ingress_classes,
            storage_classes,
            secrets: secrets.into_iter().map(secret).collect(),
        }
    }
}

prop_compose! {
    fn config()(
        app in name(),
        environment in name(),
        namespace in name(),
        version in (any::<u32>(), any::<u32>(), "(-[a-z]{1,4}\\.[1-9])?(\\+[0-9a-z]{1,5})?"),
        images in vec(image(), 0..4),
        requirements in requirements(),
        readiness in btree_map((name(), kind()), proptest::option::of(kind()), 0..3),
        keep in vec((name(), kind()), 0..3),
        notes in vec("[ -~äß東]{0,30}", 0..3),
    ) -> ReleaseConfig {
        let rule = |((group, kind), condition): (_, Option<_>)| ReadinessRule {
            group,
            kind,
            ready: condition.map_or(Readiness::None, Readiness::Condition),
        };
        let (major, minor, rest) = version;
        ReleaseConfig {
            schema: 1,
            app,
            environment,
            version: format!("{major}.{minor}.0{rest}").parse().unwrap(),
            namespace,
            images,
            requirements,
            readiness: readiness.into_iter().map(rule).collect(),
            keep: keep.into_iter().map(|(group, kind)| GroupKind { group, kind }).collect(),
            notes,
        }
    }
}

prop_compose! {
    fn objects()(
        identities in btree_set((kind(), proptest::option::of(name()), name()), 1..8),
        bodies in vec((any::<u8>(), json()), 8),
    ) -> Vec<(u8, Value)> {
        let object = |((kind, namespace, name), (wave, body))| {
            let mut object = json!({
                "apiVersion": "example.com/v1",
                "kind": kind,
                "metadata": { "name": name },
                "spec": body,
            });
            if let Some(namespace) = namespace {
                object["metadata"]["namespace"] = Value::from(namespace);
            }
            (wave, object)
        };
        identities.into_iter().zip(bodies).map(object).collect()
    }
}

fn release(config: &ReleaseConfig, mut objects: Vec<(u8, Value)>) -> Release {
    for (_, object) in &mut objects {
        let applyset = applyset_id(&config.app, &config.namespace);
        object["metadata"]["labels"] = json!({ PART_OF_LABEL: applyset });
    }
    Release::new(config.clone(), objects).unwrap()
}

/// Images of few layers, so that they share some; each has at least `linux/amd64`.
fn images() -> impl Strategy<Value = Images> {
    let manifest = || (0_u8..4, vec(0_u8..6, 0..5));
    let image = (proptest::bool::weighted(0.8), any::<bool>(), vec((0_usize..4, manifest()), 1..4));
    vec(image, 0..5).prop_map(|list| {
        const PLATFORMS: [Option<&str>; 4] =
            [Some("linux/arm64/v8"), Some("linux/arm/v6"), Some("unknown/unknown"), None];
        let mut images = Images::default();
        for (number, (is_index, knows_size, manifests)) in list.into_iter().enumerate() {
            let mut listed = Vec::new();
            for (at, (platform, (config, layers))) in manifests.into_iter().enumerate() {
                let layers: Vec<_> = layers.iter().map(|it| vec![*it; usize::from(*it)]).collect();
                let layers: Vec<_> = layers.iter().map(Vec::as_slice).collect();
                let platform = if at == 0 { Some("linux/amd64") } else { PLATFORMS[platform] };
                listed.push((platform, images.manifest(&[b'{', config, b'}'], &layers)));
            }
            let borrowed: Vec<_> = listed.iter().map(|(it, bytes)| (*it, &bytes[..])).collect();
            let root = if is_index { images.index(&borrowed) } else { listed[0].1.clone() };
            images.image(&format!("example.com/{number}"), &root, knows_size);
        }
        images
    })
}

/// Whether there is anything to choose a platform from.
fn has_index(images: &Images) -> bool {
    let roots = images.images.iter().map(|it| &images.blobs[&it.digest]);
    roots.into_iter().any(|it| matches!(ImageDocument::from_bytes(it), Ok(ImageDocument::Index(_))))
}

/// What a bundle has to hold, found without a walk.
fn asked_for(images: &Images, contents: &Contents) -> BTreeSet<Digest> {
    let document = |it: &Digest| ImageDocument::from_bytes(&images.blobs[it]).unwrap();
    let mut all = BTreeSet::new();
    let mut chosen = BTreeSet::new();
    for image in &images.images {
        all.insert(image.digest);
        let ImageDocument::Index(index) = document(&image.digest) else {
            chosen.insert(image.digest);
            continue;
        };
        for PlatformManifest { descriptor, platform } in index.manifests {
            all.insert(descriptor.digest);
            let is_asked_for = platform.is_some_and(|it| contents.platforms.contains(&it));
            if is_asked_for || contents.platforms.is_empty() {
                chosen.insert(descriptor.digest);
            }
        }
    }
    for manifest in chosen {
        if let ImageDocument::Manifest(manifest) = document(&manifest) {
            all.extend(manifest.layers.iter().chain([&manifest.config]).map(|it| it.digest));
        }
    }
    all
}

fn verified(file: &[u8]) -> Bundle {
    UnverifiedBundle::open(file).unwrap().verify(&anchor()).unwrap()
}

proptest! {
    // A failure becomes a case of its own by hand, not a file of seeds that only proptest can read.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_release_comes_back_and_packs_to_the_same_bytes(
        config in config(), objects in objects(),
    ) {
        let release = release(&config, objects);
        let file = kit::bundle(&release, &[&Key::number(1)]);
        let bundle = UnverifiedBundle::open(file.as_slice()).unwrap().verify(&anchor()).unwrap();
        prop_assert_eq!(bundle.release(), &release);
        prop_assert_eq!(bundle.size(), file.len() as u64);
        prop_assert!(bundle.write_thin(Vec::new()).unwrap() == file);
        prop_assert!(gzip(&content_of(&file)) == file, "another gzip writer gives other bytes");
    }

    #[test]
    fn any_images_come_back_and_pack_to_the_same_bytes(
        images in images(), is_part in any::<bool>(),
    ) {
        let contents = full(if is_part && has_index(&images) { &["linux/amd64"] } else { &[] });
        let file = images.pack(&contents);
        let bundle = verified(&file);
        prop_assert_eq!(bundle.size(), file.len() as u64);
        prop_assert!(written_again(&bundle, &file) == file);
        let held = bundle.images().unwrap();
        prop_assert_eq!(held.set(), &images.walk(&contents).unwrap());
        let found: BTreeSet<_> = held.set().blobs().iter().map(|it| it.digest).collect();
        prop_assert_eq!(found, asked_for(&images, &contents));
        for blob in held.set().blobs() {
            let stored = held.stored(blob.digest).unwrap();
            let mut read = Vec::new();
            BlobReader::whole(Cursor::new(&file), &stored).unwrap().read_to_end(&mut read).unwrap();
            prop_assert!(read == images.blobs[&blob.digest]);
        }
    }

    #[test]
    fn any_delta_joined_with_its_base_is_the_full_bundle(
        old in images(), new in images(), is_part in any::<bool>(),
    ) {
        let is_part = is_part && has_index(&old) && has_index(&new);
        let asked: &[&str] = if is_part { &["linux/amd64"] } else { &[] };
        let base_file = old.pack(&full(asked));
        let base = verified(&base_file);
        let set = new.walk(&full(asked)).unwrap();
        let (id, held) = (base.release().id(), base.images().unwrap());
        let contents = Contents::delta(platforms(asked), &set, id, held);
        let (delta_file, expected) = (new.pack(&contents), new.pack(&full(asked)));
        let delta = verified(&delta_file);
        prop_assert!(written_again(&delta, &delta_file) == delta_file);
        let files = (Cursor::new(&base_file), Cursor::new(&delta_file));
        let joined = join((&base, files.0), (&delta, files.1), Vec::new()).unwrap();
        prop_assert!(joined == expected);
    }

    #[test]
    fn the_order_of_objects_does_not_change_the_release(
        config in config(), objects in objects(), by in any::<Index>(),
    ) {
        let mut rotated = objects.clone();
        rotated.rotate_left(by.index(objects.len()));
        prop_assert_eq!(release(&config, objects).id(), release(&config, rotated).id());
    }

    #[test]
    fn canonical_json_is_json_and_comes_back(value in json()) {
        let bytes = to_canonical(&value).unwrap();
        prop_assert_eq!(&from_canonical::<Value>(&bytes).unwrap(), &value);
        prop_assert_eq!(serde_json::from_slice::<Value>(&bytes).unwrap(), value);
    }

    #[test]
    fn any_bytes_are_refused_without_a_panic(bytes in vec(any::<u8>(), 0..2000)) {
        prop_assert!(UnverifiedBundle::open(bytes.as_slice()).is_err());
        let in_gzip = if bytes.is_empty() { Vec::new() } else { gzip(&bytes) };
        prop_assert!(UnverifiedBundle::open(in_gzip.as_slice()).is_err());
    }
}

/// A small generator (xorshift64*), the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let number = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(number).unwrap() % limit
    }

    /// Changes bytes as fuzzers do: bits, telling bytes, pieces left out, repeated and moved.
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        const TELLING: &[u8] = b"\0\x01\x7f\x80\xff0127{}[]\":,\\/. x-eLgS\n";
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len().max(1)).min(bytes.len());
            let end = (at + self.below(40)).min(bytes.len());
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 if at < bytes.len() => bytes[at] = TELLING[self.below(TELLING.len())],
                2 => bytes.insert(at, TELLING[self.below(TELLING.len())]),
                3 => drop(bytes.drain(at..end)),
                4 => {
                    let piece = bytes[at..end].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => {
                    let piece: Vec<_> = bytes.drain(at..end).collect();
                    let to = self.below(bytes.len().max(1)).min(bytes.len());
                    bytes.splice(to..to, piece);
                }
            }
        }
    }

    fn mutated(&mut self, text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        self.mutate(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

/// Writes the bundle again from what was read of it.
fn written_again(bundle: &Bundle, file: &[u8]) -> Vec<u8> {
    let Some(images) = bundle.images() else {
        return bundle.write_thin(Vec::new()).unwrap();
    };
    let mut blobs = StoredBlobs::new(images, Cursor::new(file));
    let (attestation, contents) = (bundle.attestation(), images.contents());
    pack_thick(Vec::new(), attestation, bundle.release(), contents, &mut blobs).unwrap()
}

/// Accepted is only what would be written again just like this.
fn open(file: &[u8]) -> bool {
    let verified = UnverifiedBundle::open(file).and_then(|bundle| bundle.verify(&anchor()));
    let inspected = UnverifiedBundle::open(file).and_then(UnverifiedBundle::inspect);
    let Ok(bundle) = verified else {
        return false;
    };
    assert!(written_again(&bundle, file) == file);
    assert_eq!(bundle.release(), &inspected.unwrap().release);
    let again = Release::new(
        bundle.release().config().clone(),
        bundle.release().objects().iter().map(|it| (it.wave(), it.manifest())).collect(),
    );
    assert_eq!(bundle.release(), &again.unwrap());
    true
}

#[test]
fn mutated_archives_are_refused_without_a_panic() {
    let mut random = Random(0x0a4c_0001);
    let good = kit::bundle(&kit::release(), &[&Key::number(1)]);
    let content = content_of(&good);
    for _ in 0..2000 {
        let mut file = good.clone();
        random.mutate(&mut file);
        assert_eq!(open(&file), file == good);
        let mut below = content.clone();
        random.mutate(&mut below);
        assert_eq!(open(&gzip(&below)), below == content, "with the right checksum");
    }
}

#[test]
fn mutated_thick_archives_are_refused_without_a_panic() {
    let mut random = Random(0x0a4c_0003);
    let good = Images::good().pack(&full(&[]));
    assert!(open(&good));
    let content = content_of(&good);
    for _ in 0..2000 {
        let mut below = content.clone();
        random.mutate(&mut below);
        assert_eq!(open(&gzip(&below)), below == content, "with the right checksum");
    }
}

#[test]
fn mutated_documents_of_images_are_refused_or_come_back() {
    let mut random = Random(0x0a4c_0004);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..2000 {
        // The release pins the mutated bytes; what they refer to is there.
        let mut images = Images::default();
        let mut manifest = images.manifest(b"{}", &[b"one", b"two"]);
        random.mutate(&mut manifest);
        images.blob(&manifest);
        images.image("example.com/a", &manifest, false);
        let release = images.release();
        let attestation = kit::attestation(&release, &[&Key::number(1)], Vec::new());
        let mut blobs = images.blobs.clone();
        match pack_thick(Vec::new(), &attestation, &release, &full(&[]), &mut blobs) {
            Ok(file) => {
                assert!(open(&file));
                accepted += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(accepted > 10 && refused > 10, "{accepted} accepted, {refused} refused");
}

#[test]
fn mutated_documents_below_a_good_signature_are_refused_or_come_back() {
    let mut random = Random(0x0a4c_0002);
    let mut accepted = 0;
    for round in 0..4000 {
        let mut documents = Documents::good();
        let file = match round % 4 {
            0 => documents.pack_statement(|text| random.mutated(&text)),
            1 => documents.pack_manifest(|text| random.mutated(&text)),
            2 => {
                random.mutate(&mut documents.config);
                documents.pack()
            }
            _ => {
                let mut object = documents.objects[0].clone();
                random.mutate(&mut object);
                documents.object_bytes(&object).pack()
            }
        };
        accepted += u32::from(open(&file));
    }
    assert!(accepted > 0, "no mutation was harmless, so acceptance was not tested");
}
