//! The site overlay: under which names a site reaches the registries of a release.
//!
//! It changes the registry host of pinned references in the objects that are applied, and nothing
//! else: no digest, no other text, not the release and its id. Equal overlays have equal bytes, and
//! so one digest, by which a place records what it was applied with.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, Visitor},
};
use serde_json::Value;
use thiserror::Error;

use crate::{
    canonical,
    config::ReleaseConfig,
    digest::Digest,
    error::ReleaseError,
    image::Image,
    image_name::{is_registry, is_registry_path},
    object::{Object, ObjectRef},
    release::Release,
    text::printable,
};

/// Version of the overlay's schema that this code reads and writes.
pub const OVERLAY_SCHEMA: u32 = 1;

/// Largest overlay, in bytes.
pub const MAX_OVERLAY_BYTES: u64 = 64 << 10;

/// Hexadecimal digits of a SHA-256.
const HEX_DIGITS: usize = 64;

/// Which registry host stands for which, by the host that the release names.
///
/// The host that takes its place may have a path, such as `registry.site:5000/mirror`. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlay(BTreeMap<String, String>);

/// Why there is no such overlay, or why it does not fit a release.
#[derive(Debug, Error)]
pub enum OverlayError {
    /// Too many bytes.
    #[error("it is larger than {MAX_OVERLAY_BYTES} bytes")]
    TooLarge,
    /// Not JSON, or not of the fields of an overlay. The parser may quote what it read, hence the
    /// escapes.
    #[error("{}", printable(&.0.to_string()))]
    Json(serde_json::Error),
    /// Another schema.
    #[error("it has schema {found}, but only {OVERLAY_SCHEMA} is supported")]
    Schema {
        /// Schema found.
        found: u32,
    },
    /// It changes nothing.
    #[error("it names no registry")]
    Empty,
    /// Not the host of a registry.
    #[error(
        "`{}` is not the host of a registry, such as `docker.io` or `localhost:5000`",
        printable(host)
    )]
    Host {
        /// What was given.
        host: String,
    },
    /// Not a host of a registry with or without a path.
    #[error(
        "`{}` is not a registry, such as `registry.site:5000` or `registry.site:5000/mirror`",
        printable(registry)
    )]
    Registry {
        /// What was given.
        registry: String,
    },
    /// One host is said to be two registries.
    #[error("`{host}` is given twice, as `{one}` and as `{other}`")]
    Twice {
        /// The host.
        host: String,
        /// One registry.
        one: String,
        /// The other.
        other: String,
    },
    /// A pinned reference that would stay as it is, since it cannot be told from a part of something
    /// longer.
    #[error(
        "`{object}` has `{}`, in which the image would stay where the release has it; put a space \
         before and after the image, or give the nodes a mirror instead",
        printable(text)
    )]
    Left {
        /// The object.
        object: ObjectRef,
        /// The reference with what stands before it.
        text: String,
    },
    /// The release has no image at a host.
    #[error(
        "no image of the release is at `{host}`; its images are at {}",
        if used.is_empty() { "no registry at all".to_owned() } else { used.join(", ") }
    )]
    Unused {
        /// The host.
        host: String,
        /// Hosts of the images of the release.
        used: Vec<String>,
    },
}

/// The document, as people write it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: u32,
    registries: Pairs,
}

/// The document, as it is stored.
#[derive(Serialize)]
struct Canonical<'a> {
    schema: u32,
    registries: &'a BTreeMap<String, String>,
}

/// Members of a JSON object, those that are there twice included.
struct Pairs(Vec<(String, String)>);

impl Overlay {
    /// Makes an overlay of pairs of a host and the registry that takes its place.
    ///
    /// # Errors
    /// Fails when there is none, when one is malformed, and when one host is given two registries.
    pub fn new(
        registries: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, OverlayError> {
        let mut map = BTreeMap::new();
        for (host, registry) in registries {
            if !is_registry(&host) {
                return Err(OverlayError::Host { host });
            }
            if !is_registry_path(&registry) {
                return Err(OverlayError::Registry { registry });
            }
            match map.insert(host.clone(), registry.clone()) {
                Some(one) if one != registry => {
                    return Err(OverlayError::Twice { host, one, other: registry });
                }
                _ => {}
            }
        }
        if map.is_empty() { Err(OverlayError::Empty) } else { Ok(Self(map)) }
    }

    /// Makes an overlay by which all images of the release with this config are at `registry`.
    ///
    /// # Errors
    /// Fails when `registry` is malformed, and when the release has no image.
    pub fn for_all(registry: &str, config: &ReleaseConfig) -> Result<Self, OverlayError> {
        let hosts = registry_hosts(config);
        Self::new(hosts.into_iter().map(|host| (host.to_owned(), registry.to_owned())))
    }

    /// Reads an overlay as a person wrote it.
    ///
    /// # Errors
    /// Fails when it is too large, not JSON, of another schema or malformed.
    pub fn from_json(bytes: &[u8]) -> Result<Self, OverlayError> {
        if bytes.len() as u64 > MAX_OVERLAY_BYTES {
            return Err(OverlayError::TooLarge);
        }
        let document: Document = serde_json::from_slice(bytes).map_err(OverlayError::Json)?;
        match document {
            Document { schema: OVERLAY_SCHEMA, registries } => Self::new(registries.0),
            Document { schema, .. } => Err(OverlayError::Schema { found: schema }),
        }
    }

    /// Returns the overlay as canonical JSON.
    ///
    /// # Panics
    /// Never: a map of strings has a canonical form.
    #[must_use]
    #[expect(clippy::expect_used, reason = "a number and a map of strings are canonical")]
    pub fn to_bytes(&self) -> Vec<u8> {
        let document = Canonical { schema: OVERLAY_SCHEMA, registries: &self.0 };
        canonical::to_bytes(&document).expect("a map of strings")
    }

    /// Returns the digest of the canonical bytes, by which the overlay is known.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.to_bytes())
    }

    /// Returns which registry takes the place of which host.
    #[must_use]
    pub fn registries(&self) -> &BTreeMap<String, String> {
        &self.0
    }

    /// Checks that the release with this config has images at every host that is named here. What
    /// is not used is most likely misspelt.
    ///
    /// # Errors
    /// Fails with the hosts that the release has images at.
    pub fn check_used(&self, config: &ReleaseConfig) -> Result<(), OverlayError> {
        let used = registry_hosts(config);
        match self.0.keys().find(|host| !used.contains(host.as_str())) {
            Some(host) => {
                let (host, used) = (host.clone(), used.into_iter().map(str::to_owned).collect());
                Err(OverlayError::Unused { host, used })
            }
            None => Ok(()),
        }
    }

    /// Checks that the overlay fits `release`: that all hosts are used, and that no pinned reference to
    /// an image at one of them stays as it is.
    ///
    /// [`Self::rewrite`] leaves alone what it cannot tell from a part of something longer, such as the
    /// image in `https://NAME@sha256:…` or `image:NAME@sha256:…`. A pod would ask the registry that the
    /// site does not have, and nobody would know before.
    ///
    /// # Errors
    /// Fails with a host that is not used, or with the first reference that stays.
    pub fn check_fits(&self, release: &Release) -> Result<(), OverlayError> {
        self.check_used(release.config())?;
        let pins = self.pins(release);
        for object in release.objects() {
            if let Some(text) = left_in_value(&object.manifest(), &pins) {
                return Err(OverlayError::Left { object: object.reference().clone(), text });
            }
        }
        Ok(())
    }

    /// Returns the name of an image, without tag and digest, as pods at the site have it; `None`
    /// when it stays as it is.
    #[must_use]
    pub fn rename(&self, name: &str) -> Option<String> {
        let (host, path) = name.split_once('/')?;
        self.0.get(host).map(|registry| format!("{registry}/{path}"))
    }

    /// Returns the objects of `release` with its pinned references at the registries of the site.
    ///
    /// A reference is `NAME@sha256:…` or `NAME:TAG@sha256:…` with name and digest of an image of the
    /// release config. Where one stands in a text of any field, between characters that can be no
    /// part of a reference or behind `oci://` or `docker://`, its host is replaced. A Job keeps the
    /// digest that the release lists: the same work, from another registry, is not done again.
    ///
    /// # Errors
    /// Fails when an object becomes larger than an object may be.
    pub fn rewrite(&self, release: &Release) -> Result<Vec<Object>, ReleaseError> {
        let pins = self.pins(release);
        let rewrite = |object: &Object| {
            let mut manifest = object.manifest();
            if rewrite_value(&mut manifest, &pins) {
                object.rewritten(&manifest)
            } else {
                Ok(object.clone())
            }
        };
        release.objects().iter().map(rewrite).collect()
    }

    /// Returns the images of `release` that the overlay renames.
    fn pins<'a>(&self, release: &'a Release) -> Pins<'a> {
        let pins = release.config().images.iter().filter_map(|Image { name, digest, .. }| {
            Some(((name.as_str(), digest.to_hex()), self.rename(name)?))
        });
        pins.filter(|((name, _), renamed)| renamed != name).collect()
    }
}

/// Returns the hosts of the registries at which the release with this config has its images.
#[must_use]
pub fn registry_hosts(config: &ReleaseConfig) -> BTreeSet<&str> {
    let hosts = config.images.iter().filter_map(|image| image.name.split_once('/'));
    hosts.map(|(host, _)| host).collect()
}

/// Pinned references by name and digest, with the name that takes the place of theirs.
type Pins<'a> = BTreeMap<(&'a str, String), String>;

/// Rewrites every text in `value`, and returns whether one has changed.
fn rewrite_value(value: &mut Value, pins: &Pins<'_>) -> bool {
    // Every one is looked at, so no short cut.
    let any = |changed: bool, value: &mut Value| rewrite_value(value, pins) | changed;
    match value {
        Value::String(text) => match rewrite_text(text, pins) {
            Some(new) => {
                *text = new;
                true
            }
            None => false,
        },
        Value::Array(items) => items.iter_mut().fold(false, any),
        Value::Object(fields) => fields.values_mut().fold(false, any),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What stands around `@sha256:` in a text, if 64 characters that could be a digest follow it.
struct Found<'a> {
    /// Everything before the reference.
    before: &'a str,
    /// What may be a name; with what stands before it, if no character tells them apart.
    name: &'a str,
    /// A tag with its colon, or nothing.
    tag: &'a str,
    digest: &'a str,
    /// Everything after the digest.
    after: &'a str,
}

const ALGORITHM: &str = "@sha256:";

/// What tools that take images for files write before them; the compiler pins images behind these.
const TRANSPORTS: [&str; 2] = ["oci://", "docker://"];

impl<'a> Found<'a> {
    fn at(text: &'a str, at: usize) -> Option<Self> {
        let head = &text[..at];
        let outside = head.char_indices().rfind(|(_, c)| !is_part(*c));
        let mut start = outside.map_or(0, |(last, c)| last + c.len_utf8());
        let transport = TRANSPORTS.iter().find(|it| head[start..].starts_with(**it));
        start += transport.map_or(0, |it| it.len());
        let digest_at = at + ALGORITHM.len();
        let digest = text.get(digest_at..digest_at + HEX_DIGITS)?;
        let (before, token) = head.split_at(start);
        let (name, tag) = match token.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => (name, &token[name.len()..]),
            _ => (token, ""),
        };
        Some(Self { before, name, tag, digest, after: &text[digest_at + HEX_DIGITS..] })
    }

    /// Returns the name that takes the place of the one that stands here.
    fn renamed<'p>(&'p self, pins: &'p Pins<'p>) -> Option<&'p str> {
        let is_longer = self.after.starts_with(|c| is_part(c) || c == '@');
        if is_longer || self.before.ends_with('@') {
            return None;
        }
        pins.get(&(self.name, self.digest.to_owned())).map(String::as_str)
    }

    /// Returns whether a pinned reference stands here that is not rewritten: not the end of a longer
    /// name, nor with a longer digest.
    fn is_left(&self, pins: &Pins<'_>) -> bool {
        let is_end_of_a_name = |left: &str| {
            let is_in = |c: char| is_part(c) && !"/:".contains(c);
            left.ends_with(is_in) || (left.ends_with('/') && !left.ends_with("//"))
        };
        let stands = |(pin, digest): &(&str, String)| {
            let left = self.name.strip_suffix(pin);
            *digest == self.digest && left.is_some_and(|left| !is_end_of_a_name(left))
        };
        !self.after.starts_with(|c: char| c.is_ascii_hexdigit())
            && self.renamed(pins).is_none()
            && pins.keys().any(stands)
    }
}

/// Returns `text` with its pinned references rewritten; `None` when it has none.
fn rewrite_text(text: &str, pins: &Pins<'_>) -> Option<String> {
    let mut new = String::new();
    let mut copied = 0;
    for (at, _) in text.match_indices(ALGORITHM) {
        let Some(found) = Found::at(text, at) else { continue };
        let Some(renamed) = found.renamed(pins) else { continue };
        new.push_str(&text[copied..found.before.len()]);
        new.push_str(renamed);
        new.push_str(found.tag);
        copied = at;
    }
    (copied > 0).then(|| new + &text[copied..])
}

/// Returns the first pinned reference that [`rewrite_value`] leaves as it is.
fn left_in_value(value: &Value, pins: &Pins<'_>) -> Option<String> {
    match value {
        Value::String(text) => {
            let mut places = text.match_indices(ALGORITHM);
            let found = places
                .find_map(|(at, _)| Found::at(text, at).filter(|found| found.is_left(pins)))?;
            let Found { name, tag, digest, .. } = found;
            Some(format!("{name}{tag}{ALGORITHM}{digest}"))
        }
        Value::Array(items) => items.iter().find_map(|it| left_in_value(it, pins)),
        Value::Object(fields) => fields.values().find_map(|it| left_in_value(it, pins)),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Whether a character can be a part of a reference, but for the `@` before its digest.
fn is_part(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-/:".contains(c)
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of registries by host")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{CONFIG_SCHEMA, PART_OF_LABEL, Requirements, applyset_id};

    fn digest(of: &str) -> Digest {
        Digest::of(of.as_bytes())
    }

    fn pin(name: &str, of: &str) -> Image {
        let (name, tag) = (name.to_owned(), "1".to_owned());
        Image { name, tag, digest: digest(of), size: None, platforms: BTreeMap::new() }
    }

    fn release(images: Vec<Image>, mut objects: Vec<Value>) -> Release {
        let config = ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: "shop".to_owned(),
            environment: "test".to_owned(),
            version: "1.0.0".parse().unwrap(),
            namespace: "shop".to_owned(),
            images,
            requirements: Requirements::default(),
            readiness: Vec::new(),
            keep: Vec::new(),
            notes: Vec::new(),
        };
        for object in &mut objects {
            object["metadata"]["labels"] = json!({ PART_OF_LABEL: applyset_id("shop", "shop") });
        }
        Release::new(config, objects.into_iter().map(|object| (1, object)).collect()).unwrap()
    }

    fn nats_release(objects: Vec<Value>) -> Release {
        release(vec![pin("docker.io/library/nats", "nats"), pin("ghcr.io/x/tool", "tool")], objects)
    }

    fn overlay(pairs: &[(&str, &str)]) -> Result<Overlay, OverlayError> {
        Overlay::new(pairs.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())))
    }

    #[test]
    fn whole_references_are_rewritten_and_nothing_else() {
        let nats = format!("docker.io/library/nats@{}", digest("nats"));
        let tagged = format!("docker.io/library/nats:2.11@{}", digest("nats"));
        let tool = format!("ghcr.io/x/tool@{}", digest("tool"));
        let (at_site, tagged_at_site, tool_at_site) = (
            format!("registry.site:5000/library/nats@{}", digest("nats")),
            format!("registry.site:5000/library/nats:2.11@{}", digest("nats")),
            format!("registry.site:5000/ghcr/x/tool@{}", digest("tool")),
        );
        let pins = nats_release(Vec::new());
        let overlay =
            overlay(&[("docker.io", "registry.site:5000"), ("ghcr.io", "registry.site:5000/ghcr")])
                .unwrap();
        for (case, text, expected) in [
            ("a reference alone", nats.clone(), Some(at_site.clone())),
            ("with a tag", tagged, Some(tagged_at_site)),
            ("an argument", format!("--image={nats}"), Some(format!("--image={at_site}"))),
            (
                "several in a text, with others",
                format!("a: \"{nats}\"\nb: [{tool},{nats}] ü"),
                Some(format!("a: \"{at_site}\"\nb: [{tool_at_site},{at_site}] ü")),
            ),
            ("behind a letter of two bytes", format!("ü{nats}"), Some(format!("ü{at_site}"))),
            ("the end of a longer name", format!("mirror/{nats}"), None),
            ("behind a transport", format!("docker://{nats}"), Some(format!("docker://{at_site}"))),
            ("the end of a URL", format!("https://{nats}"), None),
            ("behind what only ends like a transport", format!("x-docker://{nats}"), None),
            ("a longer digest", format!("{nats}0"), None),
            ("the path of something", format!("{nats}/layer"), None),
            ("behind another digest", format!("x@{nats}"), None),
            ("a name without digest", "docker.io/library/nats".to_owned(), None),
            ("a name with a tag only", "docker.io/library/nats:2.11".to_owned(), None),
            (
                "a digest that the release does not pin",
                format!("docker.io/library/nats@{}", digest("other")),
                None,
            ),
            (
                "an image that the release does not have",
                format!("docker.io/library/redis@{}", digest("nats")),
                None,
            ),
            ("a digest that is cut", nats[..nats.len() - 1].to_owned(), None),
            ("a digest cut within a letter", format!("{}ü", &nats[..nats.len() - 1]), None),
            ("a digest alone", format!("@{}", digest("nats")), None),
            ("nothing", String::new(), None),
        ] {
            let object = json!({ "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": "x" }, "data": { "text": text, "list": "no" } });
            let release = release(pins.config().images.clone(), vec![object]);
            let [object] = overlay.rewrite(&release).unwrap().try_into().unwrap();
            let found = object.manifest()["data"]["text"].as_str().unwrap().to_owned();
            assert_eq!(found, expected.clone().unwrap_or(text), "{case}");
            let is_same = object == release.objects()[0];
            assert_eq!(is_same, expected.is_none(), "{case}");
            assert_eq!(object.digest(), Digest::of(object.bytes()), "{case}");
        }
    }

    #[test]
    fn a_reference_that_would_stay_at_a_registry_that_is_not_there_is_refused() {
        let nats = format!("docker.io/library/nats@{}", digest("nats"));
        let tagged = format!("docker.io/library/nats:2.11@{}", digest("nats"));
        let overlay = overlay(&[("docker.io", "registry.site")]).unwrap();
        let images = nats_release(Vec::new()).config().images.clone();
        for (case, text, stays) in [
            ("a reference alone", nats.clone(), false),
            ("an argument", format!("--image={nats}"), false),
            ("behind a transport", format!("oci://{tagged}"), false),
            ("behind another scheme", format!("https://{nats}"), true),
            ("with a tag behind another scheme", format!("https://{tagged}"), true),
            ("behind a colon", format!("image:{nats}"), true),
            ("after one that is rewritten", format!("{nats} image:{nats}"), true),
            ("behind another digest", format!("x@{nats}"), true),
            ("with a path behind it", format!("{nats}/layer"), true),
            ("the end of a longer name", format!("mirror/{nats}"), false),
            ("the end of a longer host", format!("my.{nats}"), false),
            ("with a longer digest", format!("image:{nats}0"), false),
            ("with another digest", format!("image:docker.io/library/nats@{}", digest("x")), false),
            ("of an image at another host", format!("a:ghcr.io/x/tool@{}", digest("tool")), false),
        ] {
            let object = json!({ "apiVersion": "v1", "kind": "ConfigMap",
                "metadata": { "name": "x" }, "data": { "list": ["no", text] } });
            let release = release(images.clone(), vec![object]);
            let checked = overlay.check_fits(&release);
            assert_eq!(checked.is_err(), stays, "{case}");
            if let Err(error) = checked {
                let error = error.to_string();
                assert!(
                    error.starts_with("`ConfigMap/x` has `") && error.contains("nats"),
                    "{error}"
                );
            }
        }
        let same = super::tests::overlay(&[("docker.io", "docker.io")]).unwrap();
        let object = json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "x" }, "data": { "text": format!("a:{nats}") } });
        same.check_fits(&release(images, vec![object])).unwrap();
    }

    #[test]
    fn a_job_is_the_same_work_from_another_registry() {
        let nats = format!("docker.io/library/nats@{}", digest("nats"));
        let pod = json!({ "containers": [{ "name": "x", "image": nats }] });
        let object = |kind: &str, version: &str| {
            json!({ "apiVersion": version, "kind": kind, "metadata": { "name": "x" },
                "spec": { "template": { "spec": pod } } })
        };
        let release =
            nats_release(vec![object("Deployment", "apps/v1"), object("Job", "batch/v1")]);
        let overlay = overlay(&[("docker.io", "registry.site")]).unwrap();
        let rewritten = overlay.rewrite(&release).unwrap();
        for (before, after) in release.objects().iter().zip(&rewritten) {
            let image = &after.manifest()["spec"]["template"]["spec"]["containers"][0]["image"];
            assert_eq!(*image, format!("registry.site/library/nats@{}", digest("nats")));
            let is_job = before.reference().kind == "Job";
            assert_eq!(before.digest() == after.digest(), is_job, "{}", before.reference());
            assert_eq!((before.reference(), before.wave()), (after.reference(), after.wave()));
        }
    }

    #[test]
    fn what_is_written_in_several_ways_is_one_overlay() {
        let written = br#"{ "schema": 1, "registries":
            { "ghcr.io": "registry.site:5000", "docker.io": "registry.site:5000" } }"#;
        let read = Overlay::from_json(written).unwrap();
        let pairs =
            overlay(&[("docker.io", "registry.site:5000"), ("ghcr.io", "registry.site:5000")]);
        let all =
            Overlay::for_all("registry.site:5000", nats_release(Vec::new()).config()).unwrap();
        assert_eq!(read, pairs.unwrap());
        assert_eq!(read, all);
        let canonical = r#"{"registries":{"docker.io":"registry.site:5000","ghcr.io":"registry.site:5000"},"schema":1}"#;
        assert_eq!(String::from_utf8(read.to_bytes()).unwrap(), canonical);
        assert_eq!(Overlay::from_json(&read.to_bytes()).unwrap(), read);
        assert_eq!(read.digest(), Digest::of(canonical.as_bytes()));
    }

    #[test]
    fn an_overlay_that_cannot_be_meant_is_refused() {
        for (case, written, expected) in [
            ("not JSON", "registries:", "expected value"),
            ("another schema", r#"{"schema":2,"registries":{}}"#, "schema 2"),
            ("no schema", r#"{"registries":{"docker.io":"r.site"}}"#, "missing field `schema`"),
            ("a field of another name", r#"{"schema":1,"registry":{}}"#, "unknown field"),
            ("no registry", r#"{"schema":1,"registries":{}}"#, "names no registry"),
            (
                "a host that is none",
                r#"{"schema":1,"registries":{"library":"r.site"}}"#,
                "`library` is not the host",
            ),
            (
                "a host with a path",
                r#"{"schema":1,"registries":{"docker.io/library":"r.site"}}"#,
                "`docker.io/library` is not the host",
            ),
            (
                "a scheme",
                r#"{"schema":1,"registries":{"docker.io":"https://r.site"}}"#,
                "`https://r.site` is not a registry",
            ),
            (
                "a terminal's escape",
                "{\"schema\":1,\"registries\":{\"docker.io\":\"\\u001b[31m\"}}",
                "`\\u{1b}[31m` is not a registry",
            ),
            (
                "one host twice",
                r#"{"schema":1,"registries":{"docker.io":"a.site","docker.io":"b.site"}}"#,
                "given twice, as `a.site` and as `b.site`",
            ),
        ] {
            let error = Overlay::from_json(written.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{case}: {error}");
        }
        let large = vec![b' '; usize::try_from(MAX_OVERLAY_BYTES).unwrap() + 1];
        assert!(matches!(Overlay::from_json(&large), Err(OverlayError::TooLarge)));
    }

    #[test]
    fn a_host_that_the_release_does_not_use_is_refused_with_those_that_it_does() {
        let release = nats_release(Vec::new());
        overlay(&[("docker.io", "r.site")]).unwrap().check_used(release.config()).unwrap();
        let misspelt = overlay(&[("docker.oi", "r.site"), ("ghcr.io", "r.site")]).unwrap();
        assert_eq!(
            misspelt.check_used(release.config()).unwrap_err().to_string(),
            "no image of the release is at `docker.oi`; its images are at docker.io, ghcr.io"
        );
    }
}
