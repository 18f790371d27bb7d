//! What Ingresses, routes and Gateways lead to, and their certificates.

use serde_json::Value;

use super::{GATEWAY, Member, References, Wanted, items, service};

impl References<'_, '_, '_, '_> {
    pub(super) fn check_ingress(&mut self, member: &Member, spec: &Value) {
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

    pub(super) fn check_route(&mut self, member: &Member, spec: &Value) {
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

    pub(super) fn check_gateway(&mut self, member: &Member, spec: &Value) {
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
}
