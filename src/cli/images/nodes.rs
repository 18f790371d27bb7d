//! How nodes are told where images are.

use a4co_bundle::Bundle;
use a4co_registry::{Address, Certificates, ConfigFile, NodeKind, mirror_config, registries_of};
use clap::Args;

use crate::cli::problem::Problem;

/// What runs the containers of the nodes.
#[derive(Clone, Copy, Debug, Args)]
#[group(required = true, multiple = false)]
#[expect(clippy::struct_excessive_bools, reason = "an option each, of which clap takes one")]
pub(crate) struct KindArgs {
    /// For nodes with containerd, as kubeadm sets them up
    #[arg(long)]
    containerd: bool,
    /// For nodes of k3s
    #[arg(long)]
    k3s: bool,
    /// For nodes of RKE2
    #[arg(long)]
    rke2: bool,
    /// For nodes of Talos Linux; only with --registry
    #[arg(long)]
    talos: bool,
}

impl KindArgs {
    pub(crate) fn kind(self) -> NodeKind {
        let Self { containerd: _, k3s, rke2, talos } = self;
        match (k3s, rke2, talos) {
            (true, ..) => NodeKind::K3s,
            (_, true, _) => NodeKind::Rke2,
            (.., true) => NodeKind::Talos,
            _ => NodeKind::Containerd,
        }
    }
}

/// Returns the word for a kind of nodes.
pub(crate) fn word(kind: NodeKind) -> &'static str {
    match kind {
        NodeKind::Containerd => "containerd",
        NodeKind::K3s => "k3s",
        NodeKind::Rke2 => "rke2",
        NodeKind::Talos => "talos",
    }
}

/// Returns what nodes have to be told to have the images of a release from `site`.
pub(crate) fn config(
    kind: NodeKind,
    bundle: &Bundle,
    site: &Address,
    ca: Option<&Certificates>,
) -> Result<Vec<ConfigFile>, Problem> {
    let registries = registries_of(&bundle.release().config().images).map_err(|error| {
        Problem::unfit(error, "the release was made like that; report it to its makers")
    })?;
    Ok(mirror_config(kind, &registries, site, ca))
}

/// Returns what a person does with an archive `file` on a node.
pub(crate) fn archive_steps(kind: NodeKind, file: &str) -> Vec<String> {
    let into = |folder: &str| format!("install -D -m 600 {file} {folder}/agent/images/a4co.tar");
    match kind {
        NodeKind::Containerd => vec![format!(
            "ctr --namespace k8s.io images import --label io.cri-containerd.pinned=pinned {file}"
        )],
        NodeKind::K3s => vec![into("/var/lib/rancher/k3s")],
        NodeKind::Rke2 => vec![into("/var/lib/rancher/rke2")],
        NodeKind::Talos => Vec::new(),
    }
}

/// Returns what a person does with a folder of configuration.
pub(crate) fn config_steps(kind: NodeKind, folder: &str) -> Vec<String> {
    let rancher = |name: &str| {
        vec![
            format!("install -D -m 600 {folder}/* -t /etc/rancher/{name}"),
            format!("systemctl restart {name}-server   # of an agent: {name}-agent"),
        ]
    };
    match kind {
        NodeKind::Containerd => vec![
            "mkdir -p /etc/containerd/certs.d".to_owned(),
            format!("cp -r {folder}/certs.d/. /etc/containerd/certs.d/"),
        ],
        NodeKind::K3s => vec![
            format!("install -D -m 600 {folder}/* -t /etc/rancher/k3s"),
            "systemctl restart k3s   # of an agent: k3s-agent".to_owned(),
        ],
        NodeKind::Rke2 => rancher("rke2"),
        NodeKind::Talos => {
            vec![format!(
                "talosctl patch machineconfig --nodes … --patch @{folder}/registries.yaml"
            )]
        }
    }
}
