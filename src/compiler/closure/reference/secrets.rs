//! What stores of secrets, issuers and their like refer to.

use serde_json::Value;

use super::{CERTIFICATES, Member, References, SECRETS, Wanted, items};

impl References<'_, '_, '_, '_> {
    pub(super) fn check_external_secret(&mut self, member: &Member, spec: &Value) {
        let store = &spec["secretStoreRef"];
        if store["kind"].as_str().is_none_or(|kind| kind == "SecretStore") {
            let name = store["name"].as_str().unwrap_or_default();
            let namespace = member.namespace();
            let wanted = Wanted { group: SECRETS, kind: "SecretStore", namespace, name };
            self.want(member, &["spec", "secretStoreRef", "name"], wanted);
        }
    }

    pub(super) fn check_certificate(&mut self, member: &Member, spec: &Value) {
        let issuer = &spec["issuerRef"];
        let is_own_group = issuer["group"].as_str().is_none_or(|it| it == CERTIFICATES);
        if is_own_group && issuer["kind"].as_str().is_none_or(|kind| kind == "Issuer") {
            let name = issuer["name"].as_str().unwrap_or_default();
            let namespace = member.namespace();
            let wanted = Wanted { group: CERTIFICATES, kind: "Issuer", namespace, name };
            self.want(member, &["spec", "issuerRef", "name"], wanted);
        }
    }

    /// Checks what an issuer reads; the key of its account it makes itself.
    pub(super) fn check_issuer(&mut self, member: &Member) {
        let spec = &member.manifest["spec"];
        let keys = ["tls.crt", "tls.key"];
        let path = ["spec", "ca", "secretName"];
        self.want_keys(member, &path, "Secret", &spec["ca"]["secretName"], &keys);
        self.check_inside(member, &["spec"], spec);
    }

    pub(super) fn check_store(&mut self, member: &Member) {
        self.check_inside(member, &["spec"], &member.manifest["spec"]);
    }

    /// Checks every reference in `value`, by the names of keys: providers of secrets and solvers of
    /// challenges call theirs alike.
    fn check_inside(&mut self, member: &Member, path: &[&str], value: &Value) {
        for (position, item) in items(value) {
            self.check_inside(member, &[path, &[&position]].concat(), item);
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            let path = [path, &[key]].concat();
            match key.as_str() {
                "privateKeySecretRef" => {}
                "caProvider" if value["type"] == "ConfigMap" => {
                    self.check_key(member, &path, "ConfigMap", value);
                }
                "caProvider" | "bearerToken" => self.check_key(member, &path, "Secret", value),
                "serviceAccountRef" | "serviceAccount" => {
                    self.check_account(member, &path, value);
                }
                key if is_secret(key) && value["name"].is_string() => {
                    self.check_key(member, &path, "Secret", value);
                }
                _ => self.check_inside(member, &path, value),
            }
        }
    }

    /// Checks a reference to a key. One without a namespace in an object of the cluster is to
    /// wherever its controller runs.
    fn check_key(&mut self, member: &Member, path: &[&str], kind: &'static str, value: &Value) {
        let namespace = value["namespace"].as_str().unwrap_or(member.namespace());
        if namespace == self.view.namespace {
            let keys: Vec<_> = value["key"].as_str().into_iter().collect();
            self.want_keys_in(namespace, member, path, kind, &value["name"], &keys);
        }
    }

    fn check_account(&mut self, member: &Member, path: &[&str], value: &Value) {
        let namespace = value["namespace"].as_str().unwrap_or(member.namespace());
        if !namespace.is_empty() {
            let name = value["name"].as_str().unwrap_or_default();
            let wanted = Wanted { group: "", kind: "ServiceAccount", namespace, name };
            self.want(member, path, wanted);
        }
    }
}

fn is_secret(key: &str) -> bool {
    key == "secretRef" || key.ends_with("SecretRef")
}
