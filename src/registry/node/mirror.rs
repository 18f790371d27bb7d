//! Configuration that makes nodes pull from a site's registry under the names that pods use, so
//! that no manifest has to be rewritten.
//!
//! | node | files | where they go |
//! |---|---|---|
//! | containerd (kubeadm) | `certs.d/HOST/hosts.toml`, `ca.crt` beside it | `/etc/containerd/certs.d` |
//! | k3s, RKE2 | `registries.yaml`, `a4co-ca.crt` | `/etc/rancher/k3s`, `/etc/rancher/rke2` |
//! | Talos | `registries.yaml` | a patch of the machine configuration |
//!
//! None of them has anything but the names of registries, an address and certificates, and the types
//! of those allow no character that means something in TOML or YAML.

use std::{collections::BTreeSet, fmt::Write as _};

use a4co_bundle::Image;

use crate::{
    address::Address,
    name::{Host, ParseNameError, Repository},
    node::{certificate::Certificates, talos},
};

/// What runs the containers of a node, and so what it has to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeKind {
    /// containerd by itself, as kubeadm sets it up.
    Containerd,
    /// k3s, which configures its own containerd.
    K3s,
    /// RKE2, likewise.
    Rke2,
    /// Talos Linux 1.12 or newer, which has no shell and no files but by its machine configuration.
    Talos,
}

/// A configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigFile {
    /// Relative path, with `/`.
    pub path: String,
    /// What it holds.
    pub text: String,
}

impl ConfigFile {
    fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// Returns the registries that the images of a release are from.
///
/// # Errors
/// Fails when an image has a name that no registry could have.
pub fn registries_of(images: &[Image]) -> Result<BTreeSet<Host>, ParseNameError> {
    let repositories = images.iter().map(|image| image.name.parse::<Repository>());
    repositories.map(|repository| Ok(repository?.host().clone())).collect()
}

/// Returns the files that make a node pull images of `registries` from `site` instead, by the same
/// repository and digest, and from nowhere else.
///
/// `ca` is what `site` is trusted by, if not by authorities that the node trusts anyway.
#[must_use]
pub fn mirror_config(
    kind: NodeKind,
    registries: &BTreeSet<Host>,
    site: &Address,
    ca: Option<&Certificates>,
) -> Vec<ConfigFile> {
    match kind {
        NodeKind::Containerd => containerd(registries, site, ca),
        NodeKind::K3s => rancher("/etc/rancher/k3s", registries, site, ca),
        NodeKind::Rke2 => rancher("/etc/rancher/rke2", registries, site, ca),
        NodeKind::Talos => {
            vec![ConfigFile::new("registries.yaml", talos::patch(registries, site, ca))]
        }
    }
}

/// A file for each registry (containerd, `docs/hosts.md`). The site is named twice: as the mirror, and
/// as the server, which is the last resort. If that were the registry on the internet, a node would
/// ask there for what the site does not have, and the error would speak of it. containerd 1.6 heeds
/// the server only if there is a mirror.
fn containerd(
    registries: &BTreeSet<Host>,
    site: &Address,
    ca: Option<&Certificates>,
) -> Vec<ConfigFile> {
    let mut settings = vec!["capabilities = [\"pull\", \"resolve\"]"];
    if !site.prefix().is_empty() {
        settings.push("override_path = true");
    }
    if ca.is_some() {
        // Relative to this file.
        settings.push("ca = \"ca.crt\"");
    }
    let api = site.api();
    let server = format!("server = \"{api}\"\n{}\n", settings.join("\n"));
    let mirror = format!("[host.\"{api}\"]\n  {}\n", settings.join("\n  "));
    let mut files = Vec::new();
    for registry in registries {
        let file = |name: &str, text| ConfigFile::new(format!("certs.d/{registry}/{name}"), text);
        files.extend(ca.map(|ca| file("ca.crt", ca.to_string())));
        files.push(file("hosts.toml", format!("{server}\n{mirror}")));
    }
    files
}

/// One file for all (k3s, "Private Registry Configuration"). A prefix goes into a rewrite, which
/// changes what is asked for and not what the image is called.
fn rancher(
    folder: &str,
    registries: &BTreeSet<Host>,
    site: &Address,
    ca: Option<&Certificates>,
) -> Vec<ConfigFile> {
    let mut text = String::from("mirrors:\n");
    for registry in registries {
        // Writing to a string cannot fail.
        let _ = write!(text, "  \"{registry}\":\n    endpoint:\n      - \"{}\"\n", site.origin());
        if !site.prefix().is_empty() {
            let _ = write!(text, "    rewrite:\n      \"^(.*)$\": \"{}/$1\"\n", site.prefix());
        }
    }
    let Some(ca) = ca else {
        return vec![ConfigFile::new("registries.yaml", text)];
    };
    let _ = write!(
        text,
        "configs:\n  \"{}\":\n    tls:\n      ca_file: \"{folder}/a4co-ca.crt\"\n",
        site.authority()
    );
    vec![ConfigFile::new("a4co-ca.crt", ca.to_string()), ConfigFile::new("registries.yaml", text)]
}
