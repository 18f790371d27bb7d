//! Whatever an object refers to is in the release, or is declared as the site's.

use serde_json::Value;

use super::{
    Fault, Faults, Pods, View,
    port::{ports_of, text},
};
use crate::member::{Member, group_of};

const RBAC: &str = "rbac.authorization.k8s.io";
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
        let view = self.view;
        let objects = if kind == "Secret" { &view.known.secrets } else { &view.known.config_maps };
        let name = name.as_str().unwrap_or_default();
        let namespace = member.namespace();
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

    fn check_pods(&mut self, pods: &Pods<'_>) {
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
            (RBAC, "RoleBinding" | "ClusterRoleBinding") => self.check_binding(member),
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
            (SECRETS, "ExternalSecret") => {
                let store = &spec["secretStoreRef"];
                if store["kind"].as_str().is_none_or(|kind| kind == "SecretStore") {
                    let name = store["name"].as_str().unwrap_or_default();
                    let namespace = member.namespace();
                    let wanted = Wanted { group: SECRETS, kind: "SecretStore", namespace, name };
                    self.want(member, &["spec", "secretStoreRef", "name"], wanted);
                }
            }
            (CERTIFICATES, "Certificate") => {
                let issuer = &spec["issuerRef"];
                let is_own_group = issuer["group"].as_str().is_none_or(|it| it == CERTIFICATES);
                if is_own_group && issuer["kind"].as_str().is_none_or(|kind| kind == "Issuer") {
                    let name = issuer["name"].as_str().unwrap_or_default();
                    let namespace = member.namespace();
                    let wanted = Wanted { group: CERTIFICATES, kind: "Issuer", namespace, name };
                    self.want(member, &["spec", "issuerRef", "name"], wanted);
                }
            }
            _ => {}
        }
    }

    fn check_ingress(&mut self, member: &Member, spec: &Value) {
        self.check_backend(member, &["spec", "defaultBackend"], &spec["defaultBackend"]["service"]);
        for (rule, value) in items(&spec["rules"]) {
            for (path, value) in items(&value["http"]["paths"]) {
                let place = ["spec", "rules", &rule, "http", "paths", &path, "backend"];
                self.check_backend(member, &place, &value["backend"]["service"]);
            }
        }
        for (position, tls) in items(&spec["tls"]) {
            let path = ["spec", "tls", &position, "secretName"];
            self.want_keys(member, &path, "Secret", &tls["secretName"], &["tls.crt", "tls.key"]);
        }
    }

    /// Checks a Service that an Ingress leads to, and its port.
    fn check_backend(&mut self, member: &Member, path: &[&str], backend: &Value) {
        let name = backend["name"].as_str().unwrap_or_default();
        let path = [path, &["service", "name"]].concat();
        let port = &backend["port"];
        let port = if port["name"].is_null() { &port["number"] } else { &port["name"] };
        self.want(member, &path, service(member.namespace(), name));
        self.want_port(member, &path, member.namespace(), name, port);
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

    fn check_route(&mut self, member: &Member, spec: &Value) {
        for (position, parent) in items(&spec["parentRefs"]) {
            let kind = parent["kind"].as_str().unwrap_or("Gateway");
            let wanted = Wanted {
                group: parent["group"].as_str().unwrap_or(GATEWAY),
                kind,
                namespace: parent["namespace"].as_str().unwrap_or(member.namespace()),
                name: parent["name"].as_str().unwrap_or_default(),
            };
            self.want(member, &["spec", "parentRefs", &position, "name"], wanted);
        }
        for (rule, value) in items(&spec["rules"]) {
            for (backend, value) in items(&value["backendRefs"]) {
                let is_service = value["kind"].as_str().is_none_or(|kind| kind == "Service");
                if !is_service {
                    continue;
                }
                let path = ["spec", "rules", &rule, "backendRefs", &backend, "name"];
                let namespace = value["namespace"].as_str().unwrap_or(member.namespace());
                let name = value["name"].as_str().unwrap_or_default();
                self.want(member, &path, service(namespace, name));
                self.want_port(member, &path, namespace, name, &value["port"]);
            }
        }
    }

    fn check_gateway(&mut self, member: &Member, spec: &Value) {
        for (listener, value) in items(&spec["listeners"]) {
            for (position, reference) in items(&value["tls"]["certificateRefs"]) {
                let is_own =
                    reference["namespace"].as_str().is_none_or(|it| it == member.namespace());
                if is_own && reference["kind"].as_str().is_none_or(|kind| kind == "Secret") {
                    let path =
                        ["spec", "listeners", &listener, "tls", "certificateRefs", &position];
                    let keys = ["tls.crt", "tls.key"];
                    self.want_keys(member, &path, "Secret", &reference["name"], &keys);
                }
            }
        }
    }

    fn check_binding(&mut self, member: &Member) {
        let role = &member.manifest["roleRef"];
        let kind = role["kind"].as_str().unwrap_or_default();
        let namespace = if kind == "ClusterRole" { "" } else { member.namespace() };
        let name = role["name"].as_str().unwrap_or_default();
        self.want(member, &["roleRef", "name"], Wanted { group: RBAC, kind, namespace, name });
        for (position, subject) in items(&member.manifest["subjects"]) {
            if subject["kind"] == "ServiceAccount" {
                let wanted = Wanted {
                    group: "",
                    kind: "ServiceAccount",
                    namespace: subject["namespace"].as_str().unwrap_or(member.namespace()),
                    name: subject["name"].as_str().unwrap_or_default(),
                };
                self.want(member, &["subjects", &position, "name"], wanted);
            }
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
