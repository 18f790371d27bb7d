//! Whatever an object refers to is in the release, or is declared as the site's.

mod binding;
mod edge;
mod pods;
mod secrets;

use serde_json::Value;

use super::{
    Fault, Faults, Pods, View,
    port::{ports_of, text},
};
use crate::member::{Member, group_of};

const GATEWAY: &str = "gateway.networking.k8s.io";
const SECRETS: &str = "external-secrets.io";
const CERTIFICATES: &str = "cert-manager.io";

/// Objects that every cluster has.
const OF_EVERY_CLUSTER: [(&str, &str); 8] = [
    ("ClusterRole", "admin"),
    ("ClusterRole", "cluster-admin"),
    ("ClusterRole", "edit"),
    ("ClusterRole", "view"),
    ("ConfigMap", "kube-root-ca.crt"),
    ("PriorityClass", "system-cluster-critical"),
    ("PriorityClass", "system-node-critical"),
    ("ServiceAccount", "default"),
];

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    let mut references = References { view, faults };
    view.pods().for_each(|pods| references.check_pods(&pods));
    view.members.iter().for_each(|member| references.check_member(member));
}

struct References<'a, 'v, 'f, 'g> {
    view: &'a View<'v>,
    faults: &'a mut Faults<'f, 'g>,
}

/// What is referred to: group, kind, namespace (empty for an object of the cluster), name.
#[derive(Clone, Copy)]
struct Wanted<'a> {
    group: &'a str,
    kind: &'a str,
    namespace: &'a str,
    name: &'a str,
}

impl References<'_, '_, '_, '_> {
    /// Reports that `member` refers to what is not there, by the value at `path`.
    fn want(&mut self, member: &Member, path: &[&str], wanted: Wanted<'_>) {
        let Wanted { group, kind, namespace, name } = wanted;
        let view = self.view;
        let is_there = OF_EVERY_CLUSTER.contains(&(kind, name))
            || (kind == "ClusterRole" && name.starts_with("system:"))
            || view.find(group, kind, namespace, name).is_some()
            || view.known.has(kind, name)
            || self.is_foreign(namespace);
        if name.is_empty() || is_there {
            return;
        }
        let same = view.members.iter().filter(|it| it.is(group, kind));
        let same = same.filter(|it| it.namespace() == namespace);
        let known = same.map(|it| it.name().to_owned()).collect();
        let fault = Fault::NoSuchObject { kind: kind.to_owned(), name: name.to_owned(), known };
        self.faults.add(member, path, fault);
    }

    /// Returns whether nothing of the release is in `namespace`: what is there is others'.
    fn is_foreign(&self, namespace: &str) -> bool {
        !namespace.is_empty()
            && namespace != self.view.namespace
            && !self.view.members.iter().any(|member| member.namespace() == namespace)
    }

    /// Reports that `member` refers to a Secret or a `ConfigMap`, or keys of one, that is not there.
    fn want_keys(
        &mut self,
        member: &Member,
        path: &[&str],
        kind: &'static str,
        name: &Value,
        keys: &[&str],
    ) {
        self.want_keys_in(member.namespace(), member, path, kind, name, keys);
    }

    fn want_keys_in(
        &mut self,
        namespace: &str,
        member: &Member,
        path: &[&str],
        kind: &'static str,
        name: &Value,
        keys: &[&str],
    ) {
        let view = self.view;
        let objects = if kind == "Secret" { &view.known.secrets } else { &view.known.config_maps };
        let name = name.as_str().unwrap_or_default();
        if name.is_empty() || OF_EVERY_CLUSTER.contains(&(kind, name)) || self.is_foreign(namespace)
        {
            return;
        }
        let Some(found) = objects.get(&(namespace.to_owned(), name.to_owned())) else {
            let known = objects.keys().filter(|(other, _)| other == namespace);
            let known = known.map(|(_, name)| name.clone()).collect();
            let fault = Fault::NoSuchObject { kind: kind.to_owned(), name: name.to_owned(), known };
            self.faults.add(member, path, fault);
            return;
        };
        for key in keys {
            if let Some(found) = found.as_ref().filter(|found| !found.contains(*key)) {
                let known = found.iter().cloned().collect();
                let (name, key) = (name.to_owned(), (*key).to_owned());
                self.faults.add(member, path, Fault::NoSuchKey { kind, name, key, known });
            }
        }
    }

    fn check_member(&mut self, member: &Member) {
        let spec = &member.manifest["spec"];
        match (member.group(), member.kind()) {
            ("apps", "StatefulSet") => {
                let name = spec["serviceName"].as_str().unwrap_or_default();
                self.want(member, &["spec", "serviceName"], service(member.namespace(), name));
            }
            ("autoscaling", "HorizontalPodAutoscaler") => {
                let reference = &spec["scaleTargetRef"];
                let api_version = reference["apiVersion"].as_str().unwrap_or("apps/v1");
                let wanted = Wanted {
                    group: group_of(api_version),
                    kind: reference["kind"].as_str().unwrap_or_default(),
                    namespace: member.namespace(),
                    name: reference["name"].as_str().unwrap_or_default(),
                };
                self.want(member, &["spec", "scaleTargetRef", "name"], wanted);
            }
            ("networking.k8s.io", "Ingress") => self.check_ingress(member, spec),
            (GATEWAY, kind) if kind.ends_with("Route") => self.check_route(member, spec),
            (GATEWAY, "Gateway") => self.check_gateway(member, spec),
            ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => {
                self.check_binding(member);
            }
            (
                "admissionregistration.k8s.io",
                "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration",
            ) => {
                for (position, webhook) in items(&member.manifest["webhooks"]) {
                    let path = ["webhooks", &position, "clientConfig", "service"];
                    self.check_service(member, &path, &webhook["clientConfig"]["service"]);
                }
            }
            ("apiregistration.k8s.io", "APIService") => {
                self.check_service(member, &["spec", "service"], &spec["service"]);
            }
            ("apiextensions.k8s.io", "CustomResourceDefinition") => {
                let path = ["spec", "conversion", "webhook", "clientConfig", "service"];
                let service = &spec["conversion"]["webhook"]["clientConfig"]["service"];
                self.check_service(member, &path, service);
            }
            (SECRETS, "ExternalSecret") => self.check_external_secret(member, spec),
            (SECRETS, "SecretStore" | "ClusterSecretStore") => self.check_store(member),
            (CERTIFICATES, "Certificate") => self.check_certificate(member, spec),
            (CERTIFICATES, "Issuer") => self.check_issuer(member),
            _ => {}
        }
    }

    /// Reports a port, by name or number, that a Service of the release does not have.
    fn want_port(
        &mut self,
        member: &Member,
        path: &[&str],
        namespace: &str,
        name: &str,
        port: &Value,
    ) {
        let Some(found) = self.view.find("", "Service", namespace, name) else {
            return;
        };
        let key = if port.is_string() { "name" } else { "port" };
        if !port.is_null() && !ports_of(found).any(|one| one[key] == *port) {
            let known = ports_of(found).map(|one| text(&one[key])).collect();
            let of = format!("`Service/{name}`");
            self.faults.add(member, path, Fault::NoSuchPort { port: text(port), of, known });
        }
    }

    /// Checks a Service that the API server calls.
    fn check_service(&mut self, member: &Member, path: &[&str], reference: &Value) {
        let name = reference["name"].as_str().unwrap_or_default();
        let namespace = reference["namespace"].as_str().unwrap_or_default();
        let path = [path, &["name"]].concat();
        self.want(member, &path, service(namespace, name));
        let default = Value::from(443);
        let port = if reference["port"].is_null() { &default } else { &reference["port"] };
        self.want_port(member, &path, namespace, name, port);
    }
}

fn service<'a>(namespace: &'a str, name: &'a str) -> Wanted<'a> {
    Wanted { group: "", kind: "Service", namespace, name }
}

/// Returns the items of an array with their positions.
fn items(value: &Value) -> impl Iterator<Item = (String, &Value)> {
    let items = value.as_array().into_iter().flatten().enumerate();
    items.map(|(position, item)| (position.to_string(), item))
}
