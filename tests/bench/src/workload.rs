//! The objects that every tool applies: what a release of some dozen services looks like.
//!
//! Of 100 objects, 40 are configuration, 15 secrets, 15 services, 10 accounts, 5 roles, 5 role
//! bindings and 10 deployments. Every object carries the version of its content as a label, as
//! charts do, and changes in one more place from version to version. A workload is a pure function
//! of its size, its namespace and its content.

use std::collections::BTreeMap;

use a4co_bundle::{PART_OF_LABEL, applyset_id};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The application that the objects belong to.
pub(crate) const APP: &str = "bench";

/// Which label tells the version of an object's content.
pub(crate) const VERSION_LABEL: &str = "app.kubernetes.io/version";

/// What the objects contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Content {
    /// What is installed first.
    Old,
    /// As the old, but for one object of a hundred.
    OnePercent,
    /// All objects differ from the old.
    New,
    /// One object of a hundred differs from the generation before, another one each time; the old
    /// content is generation 0.
    Generation(usize),
}

/// A kind, by what a request needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    ConfigMap,
    Secret,
    Service,
    ServiceAccount,
    Role,
    RoleBinding,
    Deployment,
}

/// One object of a workload.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    pub(crate) name: String,
    pub(crate) manifest: Value,
}

/// The objects of one release.
#[derive(Clone, Debug)]
pub(crate) struct Workload {
    pub(crate) namespace: String,
    pub(crate) items: Vec<Item>,
}

impl Content {
    pub(crate) const ALL: [Self; 3] = [Self::Old, Self::OnePercent, Self::New];

    /// A short name, for files.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Old => "old".to_owned(),
            Self::OnePercent => "one-percent".to_owned(),
            Self::New => "new".to_owned(),
            Self::Generation(number) => format!("generation-{number}"),
        }
    }

    /// Version of the release, which rises from content to content.
    pub(crate) fn release_version(self) -> String {
        match self {
            Self::Old | Self::Generation(0) => "1.0.0".to_owned(),
            Self::OnePercent => "1.0.1".to_owned(),
            Self::New => "1.0.2".to_owned(),
            Self::Generation(number) => format!("1.1.{number}"),
        }
    }

    /// Version of the content of the object with this index.
    fn version_of(self, index: usize) -> String {
        match self {
            Self::OnePercent if !is_one_percent(index) => Self::Old.release_version(),
            // The object changes in every hundredth generation.
            Self::Generation(number) => {
                let since = (index + number) % 100;
                Self::Generation(number.saturating_sub(since)).release_version()
            }
            content => content.release_version(),
        }
    }

    /// How many of `size` objects have which version.
    pub(crate) fn versions(self, size: usize) -> BTreeMap<String, usize> {
        let mut versions = BTreeMap::new();
        for index in 0..size {
            *versions.entry(self.version_of(index)).or_default() += 1;
        }
        versions
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 7] = [
        Self::ConfigMap,
        Self::Secret,
        Self::Service,
        Self::ServiceAccount,
        Self::Role,
        Self::RoleBinding,
        Self::Deployment,
    ];

    /// The kind of the object at `place` of a hundred.
    fn at(place: usize) -> Self {
        match place {
            0..40 => Self::ConfigMap,
            40..55 => Self::Secret,
            55..70 => Self::Service,
            70..80 => Self::ServiceAccount,
            80..85 => Self::Role,
            85..90 => Self::RoleBinding,
            _ => Self::Deployment,
        }
    }

    /// Path of all objects of this kind in `namespace`.
    pub(crate) fn collection(self, namespace: &str) -> String {
        let (root, plural) = match self {
            Self::ConfigMap => ("api/v1", "configmaps"),
            Self::Secret => ("api/v1", "secrets"),
            Self::Service => ("api/v1", "services"),
            Self::ServiceAccount => ("api/v1", "serviceaccounts"),
            Self::Role => ("apis/rbac.authorization.k8s.io/v1", "roles"),
            Self::RoleBinding => ("apis/rbac.authorization.k8s.io/v1", "rolebindings"),
            Self::Deployment => ("apis/apps/v1", "deployments"),
        };
        format!("/{root}/namespaces/{namespace}/{plural}")
    }

    /// The wave in which a4co's compiler would put it.
    pub(crate) fn wave(self) -> u8 {
        match self {
            Self::ServiceAccount | Self::Role | Self::RoleBinding => 1,
            Self::ConfigMap | Self::Secret => 2,
            Self::Service => 3,
            Self::Deployment => 5,
        }
    }
}

impl Item {
    /// Path of the object.
    pub(crate) fn path(&self, namespace: &str) -> String {
        format!("{}/{}", self.kind.collection(namespace), self.name)
    }
}

impl Workload {
    /// Makes `size` objects in `namespace`.
    pub(crate) fn new(size: usize, namespace: &str, content: Content) -> Self {
        let items = (0..size).map(|index| item(size, namespace, content, index)).collect();
        Self { namespace: namespace.to_owned(), items }
    }

    /// The namespace as an object.
    pub(crate) fn namespace_manifest(&self) -> Value {
        json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": self.namespace, "labels": { PART_OF_LABEL: self.set() } },
        })
    }

    /// Bytes of all manifests as JSON.
    pub(crate) fn bytes(&self) -> usize {
        self.items.iter().map(|item| item.manifest.to_string().len()).sum()
    }

    fn set(&self) -> String {
        applyset_id(APP, &self.namespace)
    }
}

/// Whether the object is the one of its hundred that changes. From one hundred to the next it is
/// at another place, so that it is of another kind.
pub(crate) fn is_one_percent(index: usize) -> bool {
    index % 100 == (index / 100 * 37 + 5) % 100
}

fn item(size: usize, namespace: &str, content: Content, index: usize) -> Item {
    // A workload of fewer than a hundred objects has every kind too.
    let place = if size < 100 { index * 100 / size } else { index % 100 };
    let kind = Kind::at(place);
    let service = format!("service-{}", index / 100);
    let version = content.version_of(index);
    let name = format!("{service}-{place:02}");
    let metadata = json!({
        "name": name,
        "namespace": namespace,
        "labels": {
            "app.kubernetes.io/name": service,
            "app.kubernetes.io/part-of": "shop",
            VERSION_LABEL: version,
            PART_OF_LABEL: applyset_id(APP, namespace),
        },
    });
    let block = index / 100;
    let mut manifest = match kind {
        Kind::ConfigMap => config_map(index, &version),
        Kind::Secret => secret(index, &version),
        Kind::Service => json!({
            "apiVersion": "v1",
            "kind": "Service",
            "spec": {
                "type": "ClusterIP",
                "selector": { "app.kubernetes.io/name": service },
                "ports": [
                    { "name": "http", "port": 80, "targetPort": "http", "protocol": "TCP" },
                    { "name": "metrics", "port": 9000 + number(index, &version) % 1000,
                      "targetPort": "metrics", "protocol": "TCP" },
                ],
            },
        }),
        Kind::ServiceAccount => json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "automountServiceAccountToken": false,
        }),
        Kind::Role => json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "rules": [
                { "apiGroups": [""], "resources": ["configmaps", "secrets"],
                  "verbs": ["get", "list", "watch"] },
                { "apiGroups": [""], "resources": ["pods"], "verbs": ["get"],
                  "resourceNames": [random(index, &version)[..12]] },
            ],
        }),
        Kind::RoleBinding => json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role",
                         "name": format!("{service}-80") },
            "subjects": [
                { "kind": "ServiceAccount", "name": format!("service-{block}-70"),
                  "namespace": namespace },
                { "kind": "Group", "apiGroup": "rbac.authorization.k8s.io",
                  "name": format!("on-call-{}", number(index, &version) % 100) },
            ],
        }),
        Kind::Deployment => deployment(&service, index, &version),
    };
    manifest["metadata"] = metadata;
    Item { kind, name, manifest }
}

fn config_map(index: usize, version: &str) -> Value {
    let settings = (0..16).map(|line| {
        format!(
            "shop.service{index}.setting{line}.value=https://backend-{line}.shop.svc:8443/v{line}\n"
        )
    });
    let build = format!("shop.release={version}\nshop.build={}\n", random(index, version));
    let text: String = settings.chain([build]).collect();
    json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "data": { "application.properties": text, "log.level": "info" },
    })
}

fn secret(index: usize, version: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "data": {
            "username": BASE64.encode(format!("service-{index}")),
            "password": BASE64.encode(&random(index, version)[..32]),
        },
    })
}

/// A workload without pods: what pods do is not what is measured.
fn deployment(service: &str, index: usize, version: &str) -> Value {
    let labels = json!({ "app.kubernetes.io/name": service, "instance": index.to_string() });
    let image = format!("registry.example/shop/service@sha256:{}", random(index, version));
    let probe = |path: &str| {
        json!({ "httpGet": { "path": path, "port": "http", "scheme": "HTTP" },
                "periodSeconds": 10, "timeoutSeconds": 2, "failureThreshold": 3 })
    };
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "spec": {
            "replicas": 0,
            "revisionHistoryLimit": 3,
            "selector": { "matchLabels": labels },
            "strategy": { "type": "RollingUpdate",
                          "rollingUpdate": { "maxUnavailable": 0, "maxSurge": 1 } },
            "template": {
                "metadata": { "labels": labels },
                "spec": {
                    "automountServiceAccountToken": false,
                    "securityContext": { "runAsNonRoot": true,
                                         "seccompProfile": { "type": "RuntimeDefault" } },
                    "containers": [{
                        "name": "service",
                        "image": image,
                        "ports": [{ "name": "http", "containerPort": 8080, "protocol": "TCP" },
                                  { "name": "metrics", "containerPort": 9000, "protocol": "TCP" }],
                        "env": [{ "name": "LOG_LEVEL", "value": "info" },
                                { "name": "REGION", "value": "eu-central-1" },
                                { "name": "JAVA_OPTS", "value": "-XX:MaxRAMPercentage=75" }],
                        "envFrom": [{ "configMapRef": { "name": format!("{service}-00") } }],
                        "resources": { "requests": { "cpu": "100m", "memory": "256Mi" },
                                       "limits": { "memory": "512Mi" } },
                        "readinessProbe": probe("/ready"),
                        "livenessProbe": probe("/live"),
                        "securityContext": { "allowPrivilegeEscalation": false,
                                             "readOnlyRootFilesystem": true,
                                             "capabilities": { "drop": ["ALL"] } },
                    }],
                },
            },
        },
    })
}

/// 64 hexadecimal digits that no compressor makes shorter than 32 bytes.
fn random(index: usize, version: &str) -> String {
    format!("{:x}", Sha256::digest(format!("{index} {version}")))
}

/// A number that differs from version to version.
fn number(index: usize, version: &str) -> usize {
    let minor = version.rsplit('.').next().and_then(|minor| minor.parse::<usize>().ok());
    index * 3 + minor.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn changed(size: usize, content: Content) -> usize {
        let old = Workload::new(size, "shop", Content::Old);
        let new = Workload::new(size, "shop", content);
        let pairs = old.items.iter().zip(&new.items);
        pairs.filter(|(old, new)| old.manifest != new.manifest).count()
    }

    #[test]
    fn one_object_of_a_hundred_changes_or_all_do() {
        for size in [100, 1_000, 4_000] {
            assert_eq!(changed(size, Content::OnePercent), size / 100);
            assert_eq!(changed(size, Content::New), size);
        }
    }

    #[test]
    fn every_object_has_a_name_of_its_own() {
        for size in [10, 100, 1_000] {
            let workload = Workload::new(size, "shop", Content::Old);
            let paths: std::collections::BTreeSet<_> =
                workload.items.iter().map(|item| item.path("shop")).collect();
            assert_eq!(paths.len(), size);
        }
    }

    #[test]
    fn the_expected_versions_are_those_of_the_manifests() {
        for content in Content::ALL {
            let workload = Workload::new(1_000, "shop", content);
            let mut found: BTreeMap<String, usize> = BTreeMap::new();
            for item in &workload.items {
                let version = &item.manifest["metadata"]["labels"][VERSION_LABEL];
                *found.entry(version.as_str().unwrap().to_owned()).or_default() += 1;
            }
            assert_eq!(found, content.versions(1_000));
        }
    }

    #[test]
    fn a_generation_differs_from_the_one_before_in_one_object_of_a_hundred() {
        for number in [1, 2, 99, 100, 101, 200] {
            let of = |number| Workload::new(1_000, "shop", Content::Generation(number));
            let (old, new) = (of(number - 1), of(number));
            let pairs = old.items.iter().zip(&new.items);
            let changed = pairs.filter(|(old, new)| old.manifest != new.manifest).count();
            assert_eq!(changed, 10, "{number}");
        }
    }

    #[test]
    fn only_the_version_label_and_one_more_place_change() {
        let old = Workload::new(100, "shop", Content::Old);
        let new = Workload::new(100, "shop", Content::New);
        for (old, new) in old.items.iter().zip(&new.items) {
            let changes = a4co_bundle::field_changes(&old.manifest, &new.manifest);
            assert!((1..=3).contains(&changes.len()), "{} has {}", old.name, changes.len());
        }
    }
}
