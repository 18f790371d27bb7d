//! Whatever the release, it comes back; whatever the bytes, nothing panics.

#![allow(clippy::unwrap_used, reason = "a test that cannot be made has failed")]

mod kit;

use a4co_bundle::{
    Api, Digest, GroupKind, Image, PART_OF_LABEL, Readiness, ReadinessRule, Release, ReleaseConfig,
    Requirements, SecretRequirement, TrustAnchor, UnverifiedBundle, applyset_id, from_canonical,
    to_canonical,
};
use kit::{
    Key,
    hostile::{Documents, content_of, gzip},
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
        name in "[a-z0-9.]{1,9}(:[0-9]{2,4})?/[a-z0-9/._-]{1,20}",
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

/// Accepted is only what would be written again just like this.
fn open(file: &[u8]) -> bool {
    let verified = UnverifiedBundle::open(file).and_then(|bundle| bundle.verify(&anchor()));
    let inspected = UnverifiedBundle::open(file).and_then(UnverifiedBundle::inspect);
    let Ok(bundle) = verified else {
        return false;
    };
    assert!(bundle.write_thin(Vec::new()).unwrap() == file);
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
