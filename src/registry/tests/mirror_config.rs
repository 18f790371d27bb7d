//! What nodes are told, byte by byte. That a real containerd understands it is in `node.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{collections::BTreeSet, fmt::Write as _};

use a4co_registry::{Address, Certificates, ConfigFile, Host, NodeKind, mirror_config};

const CA: &str = "-----BEGIN CERTIFICATE-----\nAAEC\n-----END CERTIFICATE-----\n";

/// Returns paths and texts one after the other.
fn config(kind: NodeKind, hosts: &[&str], site: &str, ca: Option<&str>) -> String {
    let registries: BTreeSet<Host> = hosts.iter().map(|host| host.parse().unwrap()).collect();
    let ca: Option<Certificates> = ca.map(|text| text.parse().unwrap());
    let files = mirror_config(kind, &registries, &Address::parse(site).unwrap(), ca.as_ref());
    files.iter().fold(String::new(), |mut all, ConfigFile { path, text }| {
        write!(all, "== {path}\n{text}").unwrap();
        all
    })
}

#[test]
fn containerd_has_a_folder_for_each_registry_and_no_last_resort() {
    assert_eq!(
        config(NodeKind::Containerd, &["quay.io", "docker.io"], "https://registry.site:5000", None),
        r#"== certs.d/docker.io/hosts.toml
server = "https://registry.site:5000"
capabilities = ["pull", "resolve"]

[host."https://registry.site:5000"]
  capabilities = ["pull", "resolve"]
== certs.d/quay.io/hosts.toml
server = "https://registry.site:5000"
capabilities = ["pull", "resolve"]

[host."https://registry.site:5000"]
  capabilities = ["pull", "resolve"]
"#
    );
}

#[test]
fn containerd_with_a_prefix_and_an_authority_of_the_site() {
    let site = "https://harbor.site/hub/a4co";
    assert_eq!(
        config(NodeKind::Containerd, &["localhost:5000"], site, Some(CA)),
        r#"== certs.d/localhost:5000/ca.crt
-----BEGIN CERTIFICATE-----
AAEC
-----END CERTIFICATE-----
== certs.d/localhost:5000/hosts.toml
server = "https://harbor.site/v2/hub/a4co"
capabilities = ["pull", "resolve"]
override_path = true
ca = "ca.crt"

[host."https://harbor.site/v2/hub/a4co"]
  capabilities = ["pull", "resolve"]
  override_path = true
  ca = "ca.crt"
"#
    );
}

#[test]
fn k3s_and_rke2_have_one_file_for_all() {
    let hosts = ["docker.io", "registry.k8s.io"];
    assert_eq!(
        config(NodeKind::K3s, &hosts, "https://registry.site:5000", None),
        r#"== registries.yaml
mirrors:
  "docker.io":
    endpoint:
      - "https://registry.site:5000"
  "registry.k8s.io":
    endpoint:
      - "https://registry.site:5000"
"#
    );
    assert_eq!(
        config(NodeKind::Rke2, &["docker.io"], "https://harbor.site/hub", Some(CA)),
        r#"== a4co-ca.crt
-----BEGIN CERTIFICATE-----
AAEC
-----END CERTIFICATE-----
== registries.yaml
mirrors:
  "docker.io":
    endpoint:
      - "https://harbor.site"
    rewrite:
      "^(.*)$": "hub/$1"
configs:
  "harbor.site":
    tls:
      ca_file: "/etc/rancher/rke2/a4co-ca.crt"
"#
    );
}

#[test]
fn talos_has_a_document_for_each_registry_and_one_for_the_authority() {
    let hosts = ["docker.io", "ghcr.io"];
    assert_eq!(
        config(NodeKind::Talos, &hosts, "https://harbor.site:8443/hub", Some(CA)),
        r#"== registries.yaml
apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: "docker.io"
endpoints:
  - url: "https://harbor.site:8443/v2/hub"
    overridePath: true
skipFallback: true
---
apiVersion: v1alpha1
kind: RegistryMirrorConfig
name: "ghcr.io"
endpoints:
  - url: "https://harbor.site:8443/v2/hub"
    overridePath: true
skipFallback: true
---
apiVersion: v1alpha1
kind: RegistryTLSConfig
name: "harbor.site:8443"
ca: |-
  -----BEGIN CERTIFICATE-----
  AAEC
  -----END CERTIFICATE-----
"#
    );
}
