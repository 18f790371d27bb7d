//! Configuration, secrets, storage, rights and limits.

#![expect(clippy::too_many_lines, reason = "a table")]

use serde_json::{Value, json};

use crate::{
    kit::{Site, api::merge},
    pair::{Base, Pair, spec},
};

pub(crate) fn contents(site: &Site) -> Vec<Pair> {
    let core = |wave: u8, kind: &str, more: Value| -> Base {
        let mut manifest = json!({ "apiVersion": "v1", "kind": kind });
        merge(&mut manifest, more);
        (wave, manifest)
    };
    let config = core(2, "ConfigMap", json!({ "data": { "a": "1", "b": "2" } }));
    let secret = core(2, "Secret", json!({ "data": { "a": "aGk=" } }));
    let account = core(1, "ServiceAccount", json!({}));
    let claim = core(
        2,
        "PersistentVolumeClaim",
        spec(json!({
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
        })),
    );
    let quota = core(1, "ResourceQuota", spec(json!({ "hard": { "pods": "500" } })));
    let limits = core(
        1,
        "LimitRange",
        spec(json!({
            "limits": [{ "type": "PersistentVolumeClaim", "max": { "storage": "9Gi" } }],
        })),
    );
    let rights = "rbac.authorization.k8s.io";
    let version = format!("{rights}/v1");
    let verbs_of_pods =
        |verbs: Value| json!([{ "apiGroups": [""], "resources": ["pods"], "verbs": verbs }]);
    let role: Base = (
        1,
        json!({ "apiVersion": version, "kind": "Role", "rules": verbs_of_pods(json!(["get"])) }),
    );
    let cluster_role: Base = (1, json!({ "apiVersion": version, "kind": "ClusterRole" }));
    let binding: Base = (
        1,
        json!({
            "apiVersion": version,
            "kind": "RoleBinding",
            "roleRef": { "apiGroup": rights, "kind": "ClusterRole", "name": "view" },
            "subjects": [{ "kind": "User", "name": "a" }],
        }),
    );
    let priority: Base =
        (0, json!({ "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "value": 5 }));
    let class: Base = (
        0,
        json!({ "apiVersion": "storage.k8s.io/v1", "kind": "StorageClass", "provisioner": "x" }),
    );
    let one = |case, base, before, after| Pair::new(site, case, base, before, after);
    let labels = || json!({ "metadata": { "labels": { "a": "b" }, "annotations": { "a": "b" } } });
    vec![
        one(
            "Config values change",
            &config,
            json!({}),
            json!({ "data": { "a": "3", "b": null, "c": "4" } }),
        ),
        one("Config bytes come", &config, json!({}), json!({ "binaryData": { "c": "aGk=" } })),
        one(
            "Config text becomes bytes",
            &config,
            json!({}),
            json!({ "data": { "a": null }, "binaryData": { "a": "aGk=" } }),
        ),
        one("Config is emptied", &config, json!({}), json!({ "data": null })),
        one(
            "Secret values change",
            &secret,
            json!({}),
            json!({ "data": { "a": "aG8=", "b": "aGk=" } }),
        ),
        one("Secret gets plain text", &secret, json!({}), json!({ "stringData": { "b": "x" } })),
        one(
            "Secret loses plain text",
            &secret,
            json!({ "stringData": { "b": "x", "c": "y" } }),
            json!({ "stringData": { "b": "x" } }),
        ),
        one(
            "Secret text becomes bytes",
            &secret,
            json!({ "stringData": { "b": "x" } }),
            json!({ "data": { "b": "eA==" } }),
        ),
        one("Secret text covers bytes", &secret, json!({}), json!({ "stringData": { "a": "x" } })),
        one(
            "Account gets secrets",
            &account,
            json!({}),
            json!({ "automountServiceAccountToken": false, "imagePullSecrets": [{ "name": "a" }] }),
        ),
        one("Account gets labels", &account, json!({}), labels()),
        one("Claim gets labels", &claim, json!({}), labels()),
        one(
            "Quota changes",
            &quota,
            json!({}),
            spec(json!({ "hard": { "pods": "600", "services": "300" } })),
        ),
        one(
            "Limits change",
            &limits,
            json!({}),
            spec(json!({ "limits": [{ "type": "PersistentVolumeClaim",
                "max": { "storage": "99Gi" }, "min": { "storage": "1Mi" } }] })),
        ),
        one(
            "Role gets a verb",
            &role,
            json!({}),
            json!({ "rules": verbs_of_pods(json!(["get", "list"])) }),
        ),
        one("Role is emptied", &role, json!({}), json!({ "rules": null })),
        one(
            "Cluster role is put together",
            &cluster_role,
            json!({}),
            json!({ "aggregationRule": {
                "clusterRoleSelectors": [{ "matchLabels": { "no": "no" } }] } }),
        ),
        one(
            "Binding of other people",
            &binding,
            json!({}),
            json!({ "subjects": [
                { "kind": "User", "name": "b" }, { "kind": "Group", "name": "a" }] }),
        ),
        one("Priority is described", &priority, json!({}), json!({ "description": "x" })),
        one(
            "Class of storage that can grow",
            &class,
            json!({}),
            json!({ "allowVolumeExpansion": true, "mountOptions": ["ro"] }),
        ),
        one(
            "Namespace gets labels",
            &core(0, "Namespace", json!({})),
            json!({}),
            json!({ "metadata": { "labels": { "pod-security.kubernetes.io/warn": "baseline" },
                "annotations": { "a": "b" } } }),
        ),
    ]
}
