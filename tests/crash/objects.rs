//! Objects that releases here are made of, each with its wave.

use std::{collections::BTreeMap, sync::LazyLock};

use a4co_bundle::{Digest, Image, ObjectRef};
use a4co_cluster::IRREVERSIBLE_ANNOTATION;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use crate::{cluster::Result, command::CHUNK_BYTES, site::Site};

pub(crate) type Listed = (u8, Value);

const IMAGE: &str =
    "registry.example/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

/// Host of the registry of the images.
pub(crate) const REGISTRY: &str = "registry.example";

/// The images that `objects` name in their data, as a release config has them.
pub(crate) fn images(objects: &[Listed]) -> Result<Vec<Image>> {
    if objects.iter().all(|(_, manifest)| manifest["data"]["image"].is_null()) {
        return Ok(Vec::new());
    }
    let (name, digest) = IMAGE.split_once('@').ok_or("no digest")?;
    let (name, tag, digest) = (name.to_owned(), "1".to_owned(), digest.parse()?);
    Ok(vec![Image { name, tag, digest, size: None, platforms: BTreeMap::new() }])
}

impl Site {
    pub(crate) fn config_map(&self, short: &str, text: &str) -> Listed {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": self.metadata(short),
            "data": { "text": text, "constant": "constant" },
        });
        (2, manifest)
    }

    /// A `ConfigMap` that names an image, which comes from elsewhere with each version of a release.
    pub(crate) fn image(&self, short: &str, text: &str) -> Listed {
        let (wave, mut manifest) = self.config_map(short, text);
        manifest["data"]["image"] = json!(IMAGE);
        (wave, manifest)
    }

    /// `base64` is what the Secret holds, encoded.
    pub(crate) fn secret(&self, short: &str, base64: &str) -> Listed {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": self.metadata(short),
            "type": "Opaque",
            "data": { "text": base64 },
        });
        (2, manifest)
    }

    /// A Secret that takes two chunks, for noise cannot be deflated.
    pub(crate) fn large(&self, short: &str, base64: &str) -> Listed {
        static NOISE: LazyLock<String> = LazyLock::new(|| {
            let digests = (0..=CHUNK_BYTES / 32).map(|seed| Digest::of(&seed.to_be_bytes()));
            BASE64.encode(digests.flat_map(|digest| *digest.as_bytes()).collect::<Vec<u8>>())
        });
        let (wave, mut manifest) = self.secret(short, base64);
        manifest["data"]["noise"] = json!(*NOISE);
        (wave, manifest)
    }

    pub(crate) fn account(&self, short: &str) -> Listed {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": self.metadata(short),
        });
        (1, manifest)
    }

    pub(crate) fn service(&self, short: &str, port: u16) -> Listed {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": self.metadata(short),
            "spec": {
                "selector": { "app": short },
                "ports": [{ "name": "web", "port": port, "protocol": "TCP" }],
            },
        });
        (3, manifest)
    }

    /// A Service that waits for a load balancer, which nobody here provides.
    pub(crate) fn never_ready(&self, short: &str) -> Listed {
        let (wave, mut manifest) = self.service(short, 80);
        manifest["spec"]["type"] = json!("LoadBalancer");
        manifest["spec"]["allocateLoadBalancerNodePorts"] = json!(false);
        (wave, manifest)
    }

    /// The cheapest object of a late wave.
    pub(crate) fn network_policy(&self, short: &str, text: &str) -> Listed {
        let manifest = json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": self.metadata(short),
            "spec": { "podSelector": { "matchLabels": { "app": text } } },
        });
        (6, manifest)
    }

    /// A Deployment without pods, which cost more than they would prove here.
    pub(crate) fn deployment(&self, short: &str, config_map: &str) -> Listed {
        let labels = json!({ "app": self.name(short) });
        let reference = json!({ "configMapRef": { "name": self.name(config_map) } });
        let manifest = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": self.metadata(short),
            "spec": {
                "replicas": 0,
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{
                        "name": "web",
                        "image": IMAGE,
                        "envFrom": [reference],
                    }] },
                },
            },
        });
        (5, manifest)
    }

    /// A `StatefulSet` without pods.
    pub(crate) fn stateful_set(&self, short: &str) -> Listed {
        let (wave, mut manifest) = self.deployment(short, "settings");
        manifest["kind"] = json!("StatefulSet");
        (wave, manifest)
    }

    /// A job that starts no pods, because it is suspended, which is all that it waits for.
    pub(crate) fn irreversible_job(&self, short: &str) -> Listed {
        let mut metadata = self.metadata(short);
        metadata["annotations"] = json!({ IRREVERSIBLE_ANNOTATION: "true" });
        let manifest = json!({
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": metadata,
            "spec": {
                "suspend": true,
                "template": { "spec": {
                    "restartPolicy": "Never",
                    "containers": [{ "name": "job", "image": IMAGE }],
                } },
            },
        });
        (4, manifest)
    }

    pub(crate) fn own_namespace(&self) -> Listed {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": *self.namespace, "labels": self.labels() },
        });
        (0, manifest)
    }

    /// API group of this place's own custom resources.
    fn group(&self) -> String {
        format!("{}.{}.example", self.app, self.namespace)
    }

    pub(crate) fn definition(&self) -> Listed {
        let group = self.group();
        let schema = json!({
            "type": "object",
            "properties": { "spec": {
                "type": "object",
                "properties": { "size": { "type": "integer" } },
            } },
        });
        let manifest = json!({
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("gadgets.{group}"), "labels": self.labels() },
            "spec": {
                "group": group,
                "scope": "Namespaced",
                "names": { "plural": "gadgets", "singular": "gadget", "kind": "Gadget",
                    "listKind": "GadgetList" },
                "versions": [{ "name": "v1", "served": true, "storage": true,
                    "schema": { "openAPIV3Schema": schema } }],
            },
        });
        (0, manifest)
    }

    pub(crate) fn custom_resource(&self, short: &str, size: u32) -> Listed {
        let manifest = json!({
            "apiVersion": format!("{}/v1", self.group()),
            "kind": "Gadget",
            "metadata": self.metadata(short),
            "spec": { "size": size },
        });
        (4, manifest)
    }
}

/// Path of all objects of the kind of `manifest` in its namespace.
pub(crate) fn collection(manifest: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (version, kind) = (text(&manifest["apiVersion"]), text(&manifest["kind"]));
    let root = if version.contains('/') { "apis" } else { "api" };
    let plural = match kind.as_str() {
        "NetworkPolicy" => "networkpolicies".to_owned(),
        _ => kind.to_lowercase() + "s",
    };
    match manifest["metadata"]["namespace"].as_str() {
        Some(namespace) => format!("/{root}/{version}/namespaces/{namespace}/{plural}"),
        None => format!("/{root}/{version}/{plural}"),
    }
}

/// Path of `object`.
pub(crate) fn path_of(object: &ObjectRef) -> String {
    path(&json!({
        "apiVersion": object.api_version,
        "kind": object.kind,
        "metadata": { "namespace": object.namespace, "name": object.name },
    }))
}

/// Path of the object that `manifest` is of.
pub(crate) fn path(manifest: &Value) -> String {
    let name = manifest["metadata"]["name"].as_str().unwrap_or_default();
    format!("{}/{name}", collection(manifest))
}
