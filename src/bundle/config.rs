//! The release config: what a release is, needs and promises, beside its objects.

use std::fmt;

use semver::Version;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::{
    canonical,
    error::ReleaseError,
    grammar::{
        is_api_version, is_condition, is_dns_label, is_group, is_kind, is_name, is_platform,
    },
    image::Image,
    image_name::{is_image_name, is_tag},
    text::is_printable,
};

/// Version of the config's schema that this code reads and writes.
pub const CONFIG_SCHEMA: u32 = 1;

/// The config blob of a release manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReleaseConfig {
    /// Version of this schema, [`CONFIG_SCHEMA`].
    pub schema: u32,
    /// Application that the release is a release of; a DNS label.
    pub app: String,
    /// Environment that it was compiled for; a DNS label.
    pub environment: String,
    /// Version given by people; the release id is the identity.
    pub version: Version,
    /// Namespace that holds the release's state and most of its objects.
    pub namespace: String,
    /// Every image that the objects run, sorted, each once.
    pub images: Vec<Image>,
    /// What the cluster must offer before anything is applied.
    pub requirements: Requirements,
    /// How to tell that objects of a kind are ready, where Kubernetes has no rule of its own.
    pub readiness: Vec<ReadinessRule>,
    /// Kinds that are never pruned, in addition to `Namespace`, `PersistentVolume`,
    /// `PersistentVolumeClaim` and `CustomResourceDefinition`.
    pub keep: Vec<GroupKind>,
    /// Lines shown after the release was applied, such as its endpoints.
    pub notes: Vec<String>,
}

/// What every version of the schema has.
#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

impl ReleaseConfig {
    /// Reads a config and checks it.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, ReleaseError> {
        // Asked first: another schema has other fields, and the person should hear the reason.
        let Schema { schema } = canonical::from_bytes(bytes).map_err(ReleaseError::Config)?;
        check_schema(schema)?;
        let config: Self = canonical::from_exact_bytes(bytes).map_err(ReleaseError::Config)?;
        config.check()?;
        Ok(config)
    }

    /// Sorts every list whose order means nothing, and leaves out what is said twice.
    pub(crate) fn sort(&mut self) {
        let Requirements { apis, ingress_classes, storage_classes, secrets } =
            &mut self.requirements;
        for secret in &mut *secrets {
            sort(&mut secret.keys);
        }
        sort(secrets);
        sort(apis);
        sort(ingress_classes);
        sort(storage_classes);
        sort(&mut self.images);
        sort(&mut self.readiness);
        sort(&mut self.keep);
    }

    /// Checks every name, and that lists are sorted sets.
    pub(crate) fn check(&self) -> Result<(), ReleaseError> {
        check_schema(self.schema)?;
        for (field, text) in
            [("app", &self.app), ("environment", &self.environment), ("namespace", &self.namespace)]
        {
            if !is_dns_label(text) {
                let text = text.clone();
                return Err(ReleaseError::NotADnsLabel { field, text });
            }
        }
        self.check_order()?;
        match self.names().find(|(_, text, is_good)| !is_good(text)) {
            Some((field, text, _)) => Err(ReleaseError::Text { field, text: text.to_owned() }),
            None => Ok(()),
        }
    }

    fn check_order(&self) -> Result<(), ReleaseError> {
        let Requirements { apis, ingress_classes, storage_classes, secrets } = &self.requirements;
        let kind = |rule: &ReadinessRule| (rule.group.clone(), rule.kind.clone());
        let keys_are_sets = secrets.iter().all(|secret| is_set(&secret.keys));
        for (field, is_sorted) in [
            ("images", is_set(&self.images)),
            ("requirements.apis", is_set(apis)),
            ("requirements.ingressClasses", is_set(ingress_classes)),
            ("requirements.storageClasses", is_set(storage_classes)),
            ("requirements.secrets", keys_are_sets && secrets.is_sorted_by(|a, b| a.name < b.name)),
            ("readiness", self.readiness.is_sorted_by(|a, b| kind(a) < kind(b))),
            ("keep", is_set(&self.keep)),
        ] {
            if !is_sorted {
                return Err(ReleaseError::List { field });
            }
        }
        Ok(())
    }

    /// Every text with its field and the rule that it must follow.
    fn names(&self) -> impl Iterator<Item = (&'static str, &str, fn(&str) -> bool)> {
        type Name<'a> = (&'static str, &'a str, fn(&str) -> bool);
        let needs = &self.requirements;
        let mut names: Vec<Name<'_>> = Vec::new();
        for image in &self.images {
            names.push(("images.name", &image.name, is_image_name));
            names.push(("images.tag", &image.tag, |tag| tag.is_empty() || is_tag(tag)));
            let platforms = image.platforms.keys();
            names.extend(platforms.map(|it| ("images.platforms", it.as_str(), is_platform as _)));
        }
        for api in &needs.apis {
            names.push(("requirements.apis", &api.api_version, is_api_version));
            names.push(("requirements.apis", &api.kind, is_kind));
        }
        for class in needs.ingress_classes.iter().chain(&needs.storage_classes) {
            names.push(("requirements.…Classes", class, is_name));
        }
        for secret in &needs.secrets {
            let keys = secret.keys.iter().chain([&secret.name]);
            names.extend(keys.map(|it| ("requirements.secrets", it.as_str(), is_name as _)));
        }
        for rule in &self.readiness {
            names.push(("readiness", &rule.group, is_group));
            names.push(("readiness", &rule.kind, is_kind));
            if let Readiness::Condition(condition) = &rule.ready {
                names.push(("readiness", condition, is_condition));
            }
        }
        for kind in &self.keep {
            names.push(("keep", &kind.group, is_group));
            names.push(("keep", &kind.kind, is_kind));
        }
        let notes = self.notes.iter().map(|it| ("notes", it.as_str(), is_printable as _));
        names.into_iter().chain(notes)
    }
}

fn check_schema(found: u32) -> Result<(), ReleaseError> {
    if found == CONFIG_SCHEMA {
        return Ok(());
    }
    let supported = CONFIG_SCHEMA;
    Err(ReleaseError::Schema { found, supported })
}

fn sort<T: Ord>(items: &mut Vec<T>) {
    items.sort();
    items.dedup();
}

fn is_set<T: Ord>(items: &[T]) -> bool {
    items.is_sorted_by(|a, b| a < b)
}

/// What a cluster must offer before anything is applied.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Requirements {
    /// APIs that the cluster serves or the release itself brings, sorted.
    pub apis: Vec<Api>,
    /// Ingress classes.
    pub ingress_classes: Vec<String>,
    /// Storage classes.
    pub storage_classes: Vec<String>,
    /// Secrets that the site provides in the release's namespace.
    pub secrets: Vec<SecretRequirement>,
}

/// An API group, version and kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Api {
    /// Group and version, such as `apps/v1`.
    pub api_version: String,
    /// Kind, such as `Deployment`.
    pub kind: String,
}

/// An API group and kind, whatever the version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GroupKind {
    /// Group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
}

/// A Secret that the site provides.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecretRequirement {
    /// Name of the Secret.
    pub name: String,
    /// Keys that it must have.
    pub keys: Vec<String>,
}

/// How to tell that objects of one kind are ready.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReadinessRule {
    /// API group; empty for the core group.
    pub group: String,
    /// Kind.
    pub kind: String,
    /// The rule, written `none` or `condition=TYPE`.
    pub ready: Readiness,
}

/// A readiness rule.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Readiness {
    /// Ready as soon as it exists.
    None,
    /// Ready when `status.conditions` has this type with status `True`.
    Condition(String),
}

impl fmt::Display for Readiness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Condition(condition) => write!(f, "condition={condition}"),
        }
    }
}

impl Serialize for Readiness {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Readiness {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match (text.as_str(), text.strip_prefix("condition=")) {
            ("none", _) => Ok(Self::None),
            (_, Some(condition)) if !condition.is_empty() => Ok(Self::Condition(condition.into())),
            _ => Err(de::Error::custom(format!(
                "readiness `{text}` is neither `none` nor `condition=TYPE`"
            ))),
        }
    }
}
