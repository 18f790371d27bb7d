//! How each program of the control plane is started.

use std::path::{Path, PathBuf};

use crate::assets::Assets;
use crate::slot::Slot;
use crate::storage;
use crate::text::quote;

/// Where the API server writes its log of requests, in the state folder.
pub(crate) const AUDIT_LOG: &str = "audit.log";

/// The range that `ClusterIP`s come from.
const SERVICE_RANGE: &str = "10.96.0.0/16";

/// Controllers that have nothing to do here: there is no kubelet that asks for certificates or
/// devices, no volume is ever attached, and nodes bring their pod ranges along.
const IDLE_CONTROLLERS: [&str; 10] = [
    "certificatesigningrequest-approving-controller",
    "certificatesigningrequest-cleaner-controller",
    "certificatesigningrequest-signing-controller",
    "podcertificaterequest-cleaner-controller",
    "device-taint-eviction-controller",
    "node-ipam-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-expander-controller",
    "resourceclaim-controller",
    "selinux-warning-controller",
];

/// A program with its arguments.
#[derive(Debug)]
pub(crate) struct Component {
    /// Names the program in messages, and its files in the state folder.
    pub(crate) name: &'static str,
    program: PathBuf,
    args: Vec<String>,
}

impl Component {
    /// Combines a program with its arguments.
    pub(crate) fn new(name: &'static str, program: PathBuf, args: Vec<String>) -> Self {
        Self { name, program, args }
    }

    /// Returns a shell script that turns into the program.
    pub(crate) fn to_script(&self) -> String {
        let mut script = format!("exec {}", quote(&self.program.to_string_lossy()));
        for arg in &self.args {
            script.push_str(" \\\n    ");
            script.push_str(&quote(arg));
        }
        script.push('\n');
        script
    }
}

/// The storage. Nothing here has to survive a power cut, so it never waits for the disk.
pub(crate) fn etcd(assets: &Assets, slot: &Slot) -> Component {
    let url = format!("http://127.0.0.1:{}", slot.etcd_port());
    Component {
        name: "etcd",
        program: assets.etcd.clone(),
        args: vec![
            format!("--data-dir={}", in_dir(slot, storage::FOLDER)),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ],
    }
}

/// The API server, on loopback only, with RBAC and the default admission plugins. With a policy
/// file it keeps a log of the requests that the policy names.
pub(crate) fn api_server(assets: &Assets, slot: &Slot, audit_policy: Option<&Path>) -> Component {
    let mut args = api_server_args(slot);
    if let Some(policy) = audit_policy {
        args.push(format!("--audit-policy-file={}", policy.display()));
        args.push(format!("--audit-log-path={}", in_dir(slot, AUDIT_LOG)));
    }
    Component { name: "kube-apiserver", program: assets.kube_apiserver.clone(), args }
}

fn api_server_args(slot: &Slot) -> Vec<String> {
    vec![
        format!("--etcd-servers=http://127.0.0.1:{}", slot.etcd_port()),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        // The address above may not stand in an Endpoints object.
        "--endpoint-reconciler-type=none".to_owned(),
        format!("--secure-port={}", slot.api_port()),
        format!("--tls-cert-file={}", in_dir(slot, "pki/api-server.crt")),
        format!("--tls-private-key-file={}", in_dir(slot, "pki/api-server.key")),
        format!("--client-ca-file={}", in_dir(slot, "pki/ca.crt")),
        format!("--service-account-key-file={}", in_dir(slot, "pki/service-account.key")),
        format!("--service-account-signing-key-file={}", in_dir(slot, "pki/service-account.key")),
        "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
        format!("--service-cluster-ip-range={SERVICE_RANGE}"),
        "--authorization-mode=Node,RBAC".to_owned(),
        "--enable-admission-plugins=NodeRestriction".to_owned(),
        "--allow-privileged=true".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

/// The controllers, with a request rate that does not slow down tests.
pub(crate) fn controller_manager(assets: &Assets, slot: &Slot) -> Component {
    let controllers: String = IDLE_CONTROLLERS.map(|name| format!(",-{name}")).concat();
    let mut args = client_args(slot);
    args.extend([
        format!("--controllers=*{controllers}"),
        format!("--service-account-private-key-file={}", in_dir(slot, "pki/service-account.key")),
        format!("--root-ca-file={}", in_dir(slot, "pki/ca.crt")),
        "--kube-api-qps=200".to_owned(),
        "--kube-api-burst=400".to_owned(),
    ]);
    Component {
        name: "kube-controller-manager",
        program: assets.kube_controller_manager.clone(),
        args,
    }
}

/// The scheduler.
pub(crate) fn scheduler(assets: &Assets, slot: &Slot) -> Component {
    Component {
        name: "kube-scheduler",
        program: assets.kube_scheduler.clone(),
        args: client_args(slot),
    }
}

/// The nodes: kwok plays the kubelet of each, by the stages in `stages`.
pub(crate) fn kwok(assets: &Assets, slot: &Slot, stages: &Path) -> Component {
    Component {
        name: "kwok",
        program: assets.kwok.clone(),
        args: vec![
            format!("--kubeconfig={}", in_dir(slot, "kubeconfig")),
            format!("--config={}", stages.display()),
            "--manage-all-nodes=true".to_owned(),
            "--node-ip=127.0.0.1".to_owned(),
            // Without leases the controllers take the nodes for dead after 50 s.
            "--node-lease-duration-seconds=40".to_owned(),
        ],
    }
}

/// The image registry.
pub(crate) fn docker_registry(name: &'static str, slot: &Slot) -> Component {
    Component {
        name,
        program: PathBuf::from(name),
        args: vec!["serve".to_owned(), in_dir(slot, "registry.yml")],
    }
}

fn client_args(slot: &Slot) -> Vec<String> {
    vec![
        format!("--kubeconfig={}", in_dir(slot, "kubeconfig")),
        "--leader-elect=false".to_owned(),
        "--bind-address=127.0.0.1".to_owned(),
        "--secure-port=0".to_owned(),
        "--profiling=false".to_owned(),
    ]
}

fn in_dir(slot: &Slot, path: &str) -> String {
    slot.dir().join(path).display().to_string()
}
