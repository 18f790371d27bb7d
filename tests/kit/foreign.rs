//! Objects that others have made, and what must not change when they are taken over or given back.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{GOOD_IMAGE, Site, running::until};

impl Site {
    pub fn create_namespace(&self) {
        self.cluster.kubectl(&["create", "namespace", &self.namespace]).expect_success();
    }

    /// Runs kubectl in the namespace with `manifests` as its input.
    #[track_caller]
    pub fn kubectl_with(&self, args: &[&str], manifests: &[Value]) {
        let list = serde_json::json!({ "apiVersion": "v1", "kind": "List", "items": manifests });
        let args = [args, &["-n", &self.namespace, "-f", "-"]].concat();
        self.cluster.kubectl_with_input(&args, &list.to_string()).expect_success();
    }

    /// The pods that run: when each container started, by uid.
    pub fn pods(&self) -> BTreeMap<String, Value> {
        let list = self.kubectl(&["get", "pods", "-o", "json"]);
        let list: Value = serde_json::from_str(&list).unwrap();
        let pods = list["items"].as_array().unwrap().iter();
        let pods = pods.filter(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        pods.map(|pod| {
            let uid = pod["metadata"]["uid"].as_str().unwrap().to_owned();
            (uid, pod["status"]["containerStatuses"][0]["state"].clone())
        })
        .collect()
    }

    /// Waits until a workload has this many ready pods and no others.
    pub fn until_ready(&self, kind: &str, name: &str, replicas: u64) {
        until("a ready workload", || {
            let object = self.get(kind, name);
            let status = &object["status"];
            status["observedGeneration"] == object["metadata"]["generation"]
                && ["replicas", "readyReplicas", "updatedReplicas"]
                    .iter()
                    .all(|count| status[*count] == replicas)
        });
    }

    /// A manifest as others write it: without our label.
    pub fn foreign(&self, (_, mut manifest): (u8, Value)) -> Value {
        assert_eq!(manifest["metadata"]["namespace"], self.namespace);
        manifest["metadata"].as_object_mut().unwrap().remove("labels");
        manifest
    }

    /// A deployment of one good pod.
    pub fn web(&self) -> (u8, Value) {
        self.deployment("web", GOOD_IMAGE, Some(1))
    }
}

/// An object without what may differ after it was brought back: its version, its status, and the
/// times at which its fields were written.
pub fn essence(mut object: Value) -> Value {
    object.as_object_mut().unwrap().remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.remove("resourceVersion");
    metadata.remove("generation");
    if let Some(entries) = metadata.get_mut("managedFields").and_then(Value::as_array_mut) {
        entries.retain(|entry| entry["subresource"] != "status");
        for entry in &mut *entries {
            entry.as_object_mut().unwrap().remove("time");
        }
        entries.sort_by_key(ToString::to_string);
    }
    object
}

/// Who owns fields of an object, the status aside: manager and operation.
pub fn owners(object: &Value) -> Vec<String> {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let entries = entries.filter(|entry| entry["subresource"] != "status");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut owners: Vec<_> = entries
        .map(|entry| format!("{} {}", text(&entry["manager"]), text(&entry["operation"])))
        .collect();
    owners.sort();
    owners
}
