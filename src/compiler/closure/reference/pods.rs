//! What pods refer to: accounts, classes, and what their containers read and mount.

use serde_json::Value;

use super::{Pods, References, Wanted, items};

impl References<'_, '_, '_, '_> {
    pub(super) fn check_pods(&mut self, pods: &Pods<'_>) {
        let (member, spec) = (pods.member, pods.spec());
        let name = |key: &str| spec[key].as_str().unwrap_or_default();
        for (group, kind, key, namespace) in [
            ("", "ServiceAccount", "serviceAccountName", member.namespace()),
            ("scheduling.k8s.io", "PriorityClass", "priorityClassName", ""),
            ("node.k8s.io", "RuntimeClass", "runtimeClassName", ""),
        ] {
            let wanted = Wanted { group, kind, namespace, name: name(key) };
            self.want(member, &pods.at(&[key]), wanted);
        }
        for (position, secret) in items(&spec["imagePullSecrets"]) {
            let path = pods.at(&["imagePullSecrets", &position]);
            self.want_keys(member, &path, "Secret", &secret["name"], &[]);
        }
        for container in pods.all_containers() {
            for (position, variable) in items(&container.value["env"]) {
                for (kind, key) in [("Secret", "secretKeyRef"), ("ConfigMap", "configMapKeyRef")] {
                    let reference = &variable["valueFrom"][key];
                    if reference["optional"] != true {
                        let path = container.at(pods, &["env", &position, "valueFrom", key]);
                        let keys: Vec<_> = reference["key"].as_str().into_iter().collect();
                        self.want_keys(member, &path, kind, &reference["name"], &keys);
                    }
                }
            }
            for (position, source) in items(&container.value["envFrom"]) {
                for (kind, key) in [("Secret", "secretRef"), ("ConfigMap", "configMapRef")] {
                    if source[key]["optional"] != true {
                        let path = container.at(pods, &["envFrom", &position, key]);
                        self.want_keys(member, &path, kind, &source[key]["name"], &[]);
                    }
                }
            }
        }
        for (position, volume) in items(&spec["volumes"]) {
            self.check_volume(pods, &["volumes", &position], volume);
            for (source, projection) in items(&volume["projected"]["sources"]) {
                let path = ["volumes", &position, "projected", "sources", &source];
                self.check_volume(pods, &path, projection);
            }
        }
    }

    /// Checks a volume, or a part of a projected one.
    fn check_volume(&mut self, pods: &Pods<'_>, path: &[&str], volume: &Value) {
        let member = pods.member;
        for (kind, key) in [("Secret", "secret"), ("ConfigMap", "configMap")] {
            let source = &volume[key];
            let name = if source["secretName"].is_null() { "name" } else { "secretName" };
            if source["optional"] != true {
                let path = pods.at(&[path, &[key]].concat());
                let keys = source["items"].as_array().into_iter().flatten();
                let keys: Vec<_> = keys.filter_map(|item| item["key"].as_str()).collect();
                self.want_keys(member, &path, kind, &source[name], &keys);
            }
        }
        let claim = volume["persistentVolumeClaim"]["claimName"].as_str().unwrap_or_default();
        let wanted = Wanted {
            group: "",
            kind: "PersistentVolumeClaim",
            namespace: member.namespace(),
            name: claim,
        };
        let path = pods.at(&[path, &["persistentVolumeClaim", "claimName"]].concat());
        self.want(member, &path, wanted);
    }
}
