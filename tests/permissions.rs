//! Somebody who may do what a release needs in its namespace, and nothing else, can install it.

mod kit;

use kit::{GOOD_IMAGE, Site, path};
use serde_json::{Value, json};

/// A namespace whose tenant has rights in it alone.
struct Tenancy(Site);

impl Tenancy {
    fn new() -> Self {
        let site = Site::new("tenant");
        site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
        let tenancy = Self(site);
        tenancy.allow("Role", &Self::rights());
        let of_the_namespace = json!([{ "apiGroups": [""], "resources": ["namespaces"],
            "resourceNames": [tenancy.0.namespace], "verbs": ["get", "patch"] }]);
        tenancy.allow("ClusterRole", &of_the_namespace);
        tenancy
    }

    fn rights() -> Value {
        let all = ["get", "list", "create", "update", "patch", "delete"];
        let rule = |group: &str, resources: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": all });
        json!([
            rule("", &["configmaps", "secrets", "pods"]),
            rule("apps", &["deployments", "replicasets"]),
            rule("coordination.k8s.io", &["leases"]),
        ])
    }

    /// Gives the tenant the rights of a role that is named like the namespace.
    fn allow(&self, kind: &str, rules: &Value) {
        let name = &self.0.namespace;
        let metadata = json!({ "name": name, "namespace": (kind == "Role").then_some(name) });
        let api_version = "rbac.authorization.k8s.io/v1";
        let group = "rbac.authorization.k8s.io";
        let list = json!({ "apiVersion": "v1", "kind": "List", "items": [
            { "apiVersion": api_version, "kind": kind, "metadata": metadata, "rules": rules },
            { "apiVersion": api_version, "kind": format!("{kind}Binding"), "metadata": metadata,
                "roleRef": { "apiGroup": group, "kind": kind, "name": name },
                "subjects": [{ "apiGroup": group, "kind": "User", "name": name }] },
        ]});
        self.0
            .cluster
            .kubectl_with_input(&["create", "-f", "-"], &list.to_string())
            .expect_success();
    }
}

impl Drop for Tenancy {
    fn drop(&mut self) {
        let name = &self.0.namespace;
        let _ = self.0.cluster.kubectl(&["delete", "clusterrole,clusterrolebinding", name]);
    }
}

#[test]
fn rights_in_one_namespace_are_enough_to_install_a_release_there() {
    let tenancy = Tenancy::new();
    let site = &tenancy.0;
    let kubeconfig = site.cluster.kubeconfig_as(&site.namespace, &[]).unwrap();
    for (text, classes, told) in [
        ("needs nothing else", vec![], [].as_slice()),
        (
            "needs what the tenant may not look for",
            vec!["some"],
            &["warning", "ingress class `some`", "storage class `some`"],
        ),
    ] {
        let mut config = site.config();
        let classes: Vec<String> = classes.into_iter().map(str::to_owned).collect();
        config.requirements.ingress_classes = classes.clone();
        config.requirements.storage_classes = classes;
        let web = site.deployment("web", GOOD_IMAGE, Some(1));
        let release = site.release_of(config, vec![site.config_map("a", text), web]);
        let bundle = site.bundle(&release);
        let args = ["apply", path(&bundle), "--timeout", "30s"];
        site.run_with(&kubeconfig, &args).expect(0).expect_told(told);
        site.expect_release(Some(&release));
    }
    let everywhere = site.run_with(&kubeconfig, &["status"]).expect(1);
    everywhere.expect_told(&["cannot look for releases in the whole cluster", "--namespace"]);
    site.run_with(&kubeconfig, &["status", "-n", &site.namespace]).expect(0);
    let bundle = site.bundle(&site.release(vec![]));
    let doctor = site.run_with(&kubeconfig, &["doctor", path(&bundle)]).expect(0);
    assert!(doctor.stdout.contains("you have all"), "{}", doctor.stdout);
}
