//! What a place has at one moment, in forms that can be compared.

use std::collections::{BTreeMap, BTreeSet};

use a4co_bundle::{Bundle, PART_OF_LABEL, Release, field_changes};
use futures::future::try_join_all;
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, Result},
    objects,
    site::Site,
};

/// What a place has.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Snapshot {
    /// Members of the release's set by plural and short name, such as `configmaps/added`.
    pub(crate) objects: BTreeMap<String, Value>,
    /// Objects that others made, of those that the command takes over.
    pub(crate) foreign: BTreeMap<String, Value>,
    pub(crate) head: Head,
    /// Stored content.
    pub(crate) contents: Vec<Value>,
}

/// The data of a head; empty when there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Head(pub(crate) BTreeMap<String, String>);

/// Managers that act on their own, at times of their own.
const CONTROLLERS: [&str; 3] = ["kube-controller-manager", "kube-scheduler", "kwok"];

/// What is to be done about a change that the API server never lets happen.
pub(crate) const POLICY: &str = "a4co.dev/on-immutable-change";

/// Tells in which transaction an object was created.
const EPOCH: &str = "a4co.dev/epoch";

/// Written by the Deployment controller, which counts template changes forth and back alike.
const REVISION: &str = "deployment.kubernetes.io/revision";

impl Head {
    pub(crate) fn of(data: &Value) -> Self {
        let pairs = data.as_object().into_iter().flatten();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        Self(pairs.map(|(key, value)| (key.clone(), text(value))).collect())
    }

    /// Whether `after` is the same, but that somebody may have tidied up, for which the epoch rises.
    pub(crate) fn is_but_tidied(&self, after: &Self) -> bool {
        let rest = |head: &Self| {
            let mut rest = head.0.clone();
            rest.remove("epoch");
            rest
        };
        self == after || self.state() == "idle" && rest(self) == rest(after)
    }

    pub(crate) async fn read(cluster: &Cluster, site: &Site) -> Result<Self> {
        let head = cluster.get(&site.head_path()).await?.unwrap_or_default();
        Ok(Self::of(&head["data"]))
    }

    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// The state; `idle` also where there is no head.
    pub(crate) fn state(&self) -> &str {
        self.get("state").unwrap_or("idle")
    }

    pub(crate) fn number(&self, key: &str) -> u64 {
        self.get(key).and_then(|text| text.parse().ok()).unwrap_or_default()
    }

    pub(crate) fn has_committed(&self, release: Option<&Release>) -> bool {
        self.get("committed") == release.map(|release| release.id().to_string()).as_deref()
    }

    /// Whether something was done that cannot be undone.
    pub(crate) fn has_no_return(&self) -> bool {
        self.get("noReturn") == Some("true")
    }

    /// Whether the deletion of something was refused, so that it is still there.
    pub(crate) fn has_leftover(&self) -> bool {
        self.get("leftover").is_some()
    }
}

impl Snapshot {
    /// Reads all members of the set of `site` that are of a kind in `releases`.
    pub(crate) async fn take<'a>(
        cluster: &Cluster,
        site: &Site,
        releases: impl Iterator<Item = &'a Bundle>,
        foreign: &[String],
    ) -> Result<Self> {
        let manifests = releases.flat_map(|bundle| bundle.release().objects());
        let collections: BTreeSet<String> =
            manifests.map(|object| objects::collection(&object.manifest())).collect();
        let set = format!("{PART_OF_LABEL}={}", site.applyset()).replace('/', "%2F");
        let members = collections.iter().map(async |collection| {
            let plural = collection.rsplit('/').next().unwrap_or_default();
            let items = cluster.list(&format!("{collection}?labelSelector={set}")).await?;
            Ok::<_, crate::cluster::Error>(items.into_iter().map(move |item| {
                let name = item["metadata"]["name"].as_str().unwrap_or_default();
                (format!("{plural}/{}", site.short_name(name)), item)
            }))
        });
        let (namespace, app) = (&site.namespace, &site.app);
        let contents =
            format!("/api/v1/namespaces/{namespace}/secrets?labelSelector=a4co.dev%2Fapp={app}");
        let foreign = foreign.iter().map(async |path| {
            let object = cluster.get(path).await?;
            let is_foreign = |object: &Value| object["metadata"]["labels"][PART_OF_LABEL].is_null();
            Ok::<_, crate::cluster::Error>(object.filter(is_foreign).map(|it| (path.clone(), it)))
        });
        let (members, foreign, head, contents) = tokio::try_join!(
            try_join_all(members),
            try_join_all(foreign),
            Head::read(cluster, site),
            cluster.list(&contents)
        )?;
        let objects = members.into_iter().flatten().collect();
        Ok(Self { objects, foreign: foreign.into_iter().flatten().collect(), head, contents })
    }

    /// Stored content by name: what it is, but not when somebody last made sure that it stays.
    pub(crate) fn contents_by_name(&self) -> Objects {
        let content = |secret: &Value| {
            let name = secret["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            (name, json!({ "uid": secret["metadata"]["uid"], "data": secret["data"] }))
        };
        self.contents.iter().map(content).collect()
    }

    /// The objects without what may differ although nothing has happened to them.
    pub(crate) fn same_objects(&self, site: &Site) -> Objects {
        // What may be created anew is another object afterwards.
        let may_be_other = |object: &Value| object["metadata"]["annotations"][POLICY] == "recreate";
        let same = |object: &Value| {
            let settled = settled(object.clone());
            if may_be_other(object) { anonymous(settled, site) } else { settled }
        };
        let objects = self.objects.iter().chain(&self.foreign);
        objects.map(|(name, object)| (name.clone(), same(object))).collect()
    }

    /// The objects without what differs from one place to the next.
    pub(crate) fn like_objects(&self, site: &Site) -> Objects {
        let like = |object: &Value| anonymous(settled(object.clone()), site);
        self.objects.iter().map(|(name, object)| (name.clone(), like(object))).collect()
    }
}

/// Objects by short name, in a form that can be compared.
pub(crate) type Objects = BTreeMap<String, Value>;

/// What `found` has otherwise than `wanted`.
pub(crate) fn differences(found: &Objects, wanted: &Objects) -> Vec<String> {
    let names: BTreeSet<_> = found.keys().chain(wanted.keys()).collect();
    let differs = |name: &&&String| found.get(**name) != wanted.get(**name);
    names
        .iter()
        .filter(differs)
        .map(|name| match (found.get(*name), wanted.get(*name)) {
            (None, _) => format!("{name} is absent"),
            (_, None) => format!("{name} is there"),
            (Some(found), Some(wanted)) => difference(name, found, wanted),
        })
        .collect()
}

fn difference(name: &str, found: &Value, wanted: &Value) -> String {
    let changes = field_changes(wanted, found);
    changes.iter().fold(format!("{name} is otherwise:"), |text, change| format!("{text} {change}"))
}

fn settled(mut object: Value) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.remove("status");
    }
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else {
        return object;
    };
    metadata.remove("resourceVersion");
    metadata.remove("generation");
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(REVISION);
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
    if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
        let is_theirs = |entry: &Value| {
            entry["subresource"].is_string()
                || CONTROLLERS.iter().any(|controller| entry["manager"] == *controller)
        };
        entries.retain(|entry| !is_theirs(entry));
        for entry in entries.iter_mut().filter_map(Value::as_object_mut) {
            entry.remove("time");
        }
        entries.sort_by_key(ToString::to_string);
    }
    object
}

fn anonymous(mut object: Value, site: &Site) -> Value {
    // A job has it in its selector, too.
    let uid = object["metadata"]["uid"].as_str().unwrap_or("UID").to_owned();
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("uid");
        metadata.remove("creationTimestamp");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(EPOCH);
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("clusterIP");
        spec.remove("clusterIPs");
    }
    let text = site.without_names(&object.to_string()).replace(&uid, "UID");
    serde_json::from_str(&text).unwrap_or(object)
}
