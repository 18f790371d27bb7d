//! The nodes of a cluster: what they are, and which images they say they have.

use std::collections::BTreeSet;

use a4co_bundle::{Digest, Image};
use serde::Deserialize;

use crate::{
    client::{Client, Form},
    error::ApiError,
    list,
};

/// Images that a kubelet lists unless it is told otherwise (`nodeStatusMaxImages`): the largest ones.
const MAX_IMAGES: usize = 50;

/// Names that a kubelet lists of one image (`MaxNamesPerImageInNodeStatus`).
const MAX_NAMES: usize = 5;

/// A node, as far as images are concerned; read from what the API server has of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "Listed")]
pub struct Node {
    /// Name.
    pub name: String,
    /// Operating system and architecture, such as `linux/arm64`; empty when the node does not say.
    pub platform: String,
    /// Whether pods without special tolerations are started on it: it is ready and not cordoned, and
    /// has no taint that keeps them off.
    pub is_usable: bool,
    /// What it lists by name and digest, the names in full.
    images: BTreeSet<(String, Digest)>,
    /// Whether it may have more than it lists.
    is_cut: bool,
}

/// Whether a node has an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It lists it.
    There,
    /// It does not, and its list is complete.
    Absent,
    /// It does not, but does not list everything that it has.
    Unknown,
}

impl Node {
    /// Returns whether the node has `image`, by the name that pods give it.
    #[must_use]
    pub fn presence(&self, image: &Image) -> Presence {
        if self.images.contains(&(in_full(&image.name), image.digest)) {
            Presence::There
        } else if self.is_cut {
            Presence::Unknown
        } else {
            Presence::Absent
        }
    }

    /// Returns whether `image` has something for the platform of the node, as far as both say.
    #[must_use]
    pub fn can_run(&self, image: &Image) -> bool {
        self.platform.is_empty()
            || image.platforms.is_empty()
            || self.platforms_of(image).next().is_some()
    }

    /// Returns the platforms of `image` that are the node's, or variants of it.
    pub fn platforms_of<'a>(&self, image: &'a Image) -> impl Iterator<Item = &'a str> {
        let is_this = |platform: &&str| {
            let variant = platform.strip_prefix(&*self.platform);
            variant.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        image.platforms.keys().map(String::as_str).filter(is_this)
    }
}

/// Reads all nodes. Not everybody may.
pub(crate) async fn read(client: &Client) -> Result<Vec<Node>, ApiError> {
    list::read_all(client, "/api/v1/nodes", "", Form::Whole).await
}

#[derive(Deserialize)]
struct Listed {
    metadata: Metadata,
    #[serde(default)]
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    unschedulable: bool,
    taints: Vec<Taint>,
}

#[derive(Deserialize)]
struct Taint {
    effect: String,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Status {
    conditions: Vec<Condition>,
    images: Vec<ListedImage>,
    node_info: NodeInfo,
}

#[derive(Deserialize)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ListedImage {
    names: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct NodeInfo {
    operating_system: String,
    architecture: String,
}

impl From<Listed> for Node {
    fn from(Listed { metadata, spec, status }: Listed) -> Self {
        let is_ready = |c: &Condition| c.kind == "Ready" && c.status == "True";
        let keeps_off = |taint: &Taint| matches!(&*taint.effect, "NoSchedule" | "NoExecute");
        let NodeInfo { operating_system, architecture } = status.node_info;
        let says = !operating_system.is_empty() && !architecture.is_empty();
        let names = |image: &ListedImage| image.names.as_ref().map_or(0, Vec::len);
        Self {
            name: metadata.name,
            platform: if says { operating_system + "/" + &architecture } else { String::new() },
            is_usable: status.conditions.iter().any(is_ready)
                && !spec.unschedulable
                && !spec.taints.iter().any(keeps_off),
            is_cut: status.images.len() >= MAX_IMAGES
                || status.images.iter().any(|image| names(image) >= MAX_NAMES),
            images: status
                .images
                .into_iter()
                .flat_map(|image| image.names.unwrap_or_default())
                .filter_map(|name| {
                    let (name, digest) = name.split_once('@')?;
                    Some((in_full(name), digest.parse().ok()?))
                })
                .collect(),
        }
    }
}

/// The name of an image with its registry. Runtimes leave out what Docker left out.
fn in_full(name: &str) -> String {
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("docker.io", name),
    };
    match (host, path.contains('/')) {
        ("docker.io" | "index.docker.io", false) => format!("docker.io/library/{path}"),
        ("index.docker.io", true) => format!("docker.io/{path}"),
        _ => format!("{host}/{path}"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::{Value, json};

    use super::*;

    fn digest() -> Digest {
        Digest::of(b"x")
    }

    fn image(name: &str, platforms: &[&str]) -> Image {
        let platforms: BTreeMap<_, _> =
            platforms.iter().map(|name| ((*name).to_owned(), digest())).collect();
        let (name, tag) = (name.to_owned(), "1".to_owned());
        Image { name, tag, digest: digest(), size: None, platforms }
    }

    fn node(change: impl FnOnce(&mut Value)) -> Node {
        let mut node = json!({
            "metadata": { "name": "a" },
            "spec": {},
            "status": {
                "conditions": [{ "type": "Ready", "status": "True" }],
                "nodeInfo": { "operatingSystem": "linux", "architecture": "arm64" },
            },
        });
        change(&mut node);
        serde_json::from_value(node).unwrap()
    }

    #[test]
    fn a_node_has_what_it_lists_whatever_its_runtime_calls_it() {
        let other = Digest::of(b"other");
        let with = |name: &str| json!([{ "names": [name] }]);
        let many = |count| vec![json!({ "names": ["x"] }); count];
        let nats = "docker.io/library/nats";
        for (case, name, images, expected) in [
            ("the same", nats, with(&format!("{nats}@{}", digest())), Presence::There),
            ("in short", nats, with(&format!("nats@{}", digest())), Presence::There),
            (
                "without library",
                nats,
                with(&format!("docker.io/nats@{}", digest())),
                Presence::There,
            ),
            (
                "by an old name of the registry",
                "docker.io/grafana/grafana",
                with(&format!("index.docker.io/grafana/grafana@{}", digest())),
                Presence::There,
            ),
            (
                "from another registry",
                nats,
                with(&format!("r.site:5000/library/nats@{}", digest())),
                Presence::Absent,
            ),
            (
                "at a site",
                "r.site:5000/library/nats",
                with(&format!("r.site:5000/library/nats@{}", digest())),
                Presence::There,
            ),
            ("another digest", nats, with(&format!("{nats}@{other}")), Presence::Absent),
            ("a tag only", nats, with(&format!("{nats}:2.11")), Presence::Absent),
            ("nothing", nats, json!([]), Presence::Absent),
            ("an image without names", nats, json!([{ "names": null }]), Presence::Absent),
            ("49 others", nats, json!(many(49)), Presence::Absent),
            ("50 others, the most that is listed", nats, json!(many(50)), Presence::Unknown),
            (
                "an image of which not all names are listed",
                nats,
                json!([{ "names": ["a", "b", "c", "d", "e"] }]),
                Presence::Unknown,
            ),
            ("something malformed", nats, with("@@sha256:"), Presence::Absent),
        ] {
            let node = node(|node| node["status"]["images"] = images);
            assert_eq!(node.presence(&image(name, &[])), expected, "{case}");
        }
    }

    #[test]
    fn pods_come_to_nodes_that_are_ready_and_open() {
        type Make = fn(&mut Value);
        for (case, make, expected) in [
            ("ready", (|_| ()) as Make, true),
            (
                "not ready",
                |node| node["status"]["conditions"][0]["status"] = json!("Unknown"),
                false,
            ),
            ("new", |node| node["status"] = json!({}), false),
            ("cordoned", |node| node["spec"]["unschedulable"] = json!(true), false),
            (
                "of the control plane",
                |node| node["spec"]["taints"] = json!([{ "key": "x", "effect": "NoSchedule" }]),
                false,
            ),
            (
                "less liked",
                |node| {
                    node["spec"]["taints"] = json!([{ "key": "x", "effect": "PreferNoSchedule" }]);
                },
                true,
            ),
        ] {
            assert_eq!(node(make).is_usable, expected, "{case}");
        }
    }

    #[test]
    fn an_image_runs_where_it_has_a_manifest_for() {
        for (case, platforms, expected) in [
            ("the platform", vec!["linux/amd64", "linux/arm64"], true),
            ("a variant of it", vec!["linux/arm64/v8"], true),
            ("not known", vec![], true),
            ("another one", vec!["linux/amd64"], false),
            ("one that begins alike", vec!["linux/arm64be"], false),
        ] {
            assert_eq!(node(|_| ()).can_run(&image("x", &platforms)), expected, "{case}");
        }
        let silent = node(|node| node["status"]["nodeInfo"] = json!({}));
        assert!(silent.can_run(&image("x", &["linux/amd64"])), "a node that does not say");
    }
}
