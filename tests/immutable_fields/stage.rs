//! Where the table is measured.

use std::{cell::RefCell, mem};

use serde_json::{Value, json};

use crate::kit::{
    Site,
    api::{Api, merge},
    running::until,
};

/// What the API server does about a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The field is immutable.
    Refused,
    /// The field is immutable, but the API server does not say so.
    Ignored,
    /// The field can change.
    Accepted,
    /// The field had this value all the time, by default.
    Default,
}

/// An object, and changes of it.
pub(crate) struct Subject {
    pub(crate) manifest: Value,
    pub(crate) changes: Vec<(&'static str, Value, Verdict)>,
}

/// Objects that exist while the table is measured. Those without a namespace are removed at the
/// end.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) api: Api,
    pub(crate) made: Vec<Value>,
}

impl Stage {
    pub(crate) fn new() -> Self {
        let site = Site::new("immutable-fields");
        site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
        let api = Api::connect(&site);
        Self { site, api, made: Vec::new() }
    }

    /// A manifest of the namespace, or of a name that only this test has.
    pub(crate) fn manifest(&self, api_version: &str, kind: &str, name: &str, rest: Value) -> Value {
        let metadata = match kind {
            "CSIDriver"
            | "ClusterRoleBinding"
            | "IngressClass"
            | "PersistentVolume"
            | "PriorityClass"
            | "RuntimeClass"
            | "StorageClass"
            | "VolumeAttributesClass" => {
                json!({ "name": format!("{}-{name}", self.site.namespace) })
            }
            "CustomResourceDefinition" => json!({ "name": name }),
            _ => json!({ "name": name, "namespace": self.site.namespace }),
        };
        let mut manifest = json!({ "apiVersion": api_version, "kind": kind, "metadata": metadata });
        merge(&mut manifest, rest);
        manifest
    }

    pub(crate) fn make(&mut self, manifest: &Value) {
        let answer = self.api.apply(manifest);
        assert_eq!(answer.code, 201, "{manifest}: {}", answer.body);
        self.made.push(manifest.clone());
        let phase = |stage: &mut Self| stage.api.get(manifest)["status"]["phase"].clone();
        if manifest["kind"] == "PersistentVolumeClaim" && manifest["spec"]["volumeName"].is_string()
        {
            let stage = RefCell::new(self);
            until("the volume", || phase(&mut stage.borrow_mut()) == "Bound");
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for manifest in mem::take(&mut self.made) {
            if manifest["metadata"]["namespace"].is_null() {
                self.api.delete(&manifest);
            }
        }
    }
}
