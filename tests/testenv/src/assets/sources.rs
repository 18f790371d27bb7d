//! What the control plane is built from: the Go module of this crate and pinned upstream modules.

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::Result;
use crate::objects;

/// The Kubernetes version of every binary.
pub(crate) const KUBERNETES: &str = "v1.36.3";

/// The Go module in `go/`, as path and text.
const GO_MODULE: [(&str, &str); 7] = [
    ("go.mod", include_str!("../../go/go.mod")),
    ("go.sum", include_str!("../../go/go.sum")),
    ("cmd/etcd/main.go", include_str!("../../go/cmd/etcd/main.go")),
    ("cmd/kube-apiserver/main.go", include_str!("../../go/cmd/kube-apiserver/main.go")),
    (
        "cmd/kube-controller-manager/main.go",
        include_str!("../../go/cmd/kube-controller-manager/main.go"),
    ),
    ("cmd/kube-scheduler/main.go", include_str!("../../go/cmd/kube-scheduler/main.go")),
    ("cmd/kubectl/main.go", include_str!("../../go/cmd/kubectl/main.go")),
];

/// Programs that the Go module builds.
pub(crate) const PROGRAMS: [&str; 5] =
    ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl"];

/// A Go module that is used as it was published.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Upstream {
    /// `path@version`.
    pub(crate) module: &'static str,
    /// The sum that `go mod download -json` has to report.
    pub(crate) sum: &'static str,
    /// The package to install, or the folder to copy.
    pub(crate) path: &'static str,
}

/// The program that plays the nodes.
pub(crate) const KWOK: Upstream = Upstream {
    module: "sigs.k8s.io/kwok@v0.8.0",
    sum: "h1:OTIOTwgROqPMovcTwxICx2eYQ4AwLpSx5EpjbDKF4SQ=",
    path: "sigs.k8s.io/kwok/cmd/kwok@v0.8.0",
};

/// The program that comparisons are made with. It is no part of a control plane.
pub(crate) const HELM: Upstream = Upstream {
    module: "helm.sh/helm/v4@v4.3.1",
    sum: "h1:UndCoLe9UPmNoL7IvWzaUXveL7T5t/ijoorEmgJdI9g=",
    path: "helm.sh/helm/v4/cmd/helm@v4.3.1",
};

/// Without this flag of the linker Helm reports the version `v4.3`.
pub(crate) const HELM_VERSION: &str = "-X helm.sh/helm/v4/internal/version.version=v4.3.1";

/// The container runtime of a node. It is no part of a control plane.
pub(crate) const CONTAINERD: [Upstream; 3] = [
    Upstream {
        module: "github.com/containerd/containerd/v2@v2.4.2",
        sum: "h1:p6Qg+xbEz8lvwdhHDx0U469xENvp4LgGBx+E7djXkGw=",
        path: "github.com/containerd/containerd/v2/cmd/containerd@v2.4.2",
    },
    Upstream {
        module: "github.com/containerd/containerd/v2@v2.4.2",
        sum: "h1:p6Qg+xbEz8lvwdhHDx0U469xENvp4LgGBx+E7djXkGw=",
        path: "github.com/containerd/containerd/v2/cmd/containerd-shim-runc-v2@v2.4.2",
    },
    Upstream {
        module: "github.com/containerd/containerd/v2@v2.4.2",
        sum: "h1:p6Qg+xbEz8lvwdhHDx0U469xENvp4LgGBx+E7djXkGw=",
        path: "github.com/containerd/containerd/v2/cmd/ctr@v2.4.2",
    },
];

/// What speaks to a container runtime as a kubelet does.
pub(crate) const CRICTL: Upstream = Upstream {
    module: "sigs.k8s.io/cri-tools@v1.37.0",
    sum: "h1:BmTImEoTX3KPXCLwmIU9mfCC8umUqF4R8WibY9eVU9Y=",
    path: "sigs.k8s.io/cri-tools/cmd/crictl@v1.37.0",
};

/// The Go module in `go/node`, as path and text.
const NODE_MODULE: [(&str, &str); 4] = [
    ("go.mod", include_str!("../../go/node/go.mod")),
    ("go.sum", include_str!("../../go/node/go.sum")),
    ("cmd/hello/main.go", include_str!("../../go/node/cmd/hello/main.go")),
    ("cmd/k3s-import/main.go", include_str!("../../go/node/cmd/k3s-import/main.go")),
];

/// Programs that it builds.
pub(crate) const NODE_PROGRAMS: [&str; 2] = ["hello", "k3s-import"];

/// The custom resource definitions that every control plane has, by the name of their folder.
pub(crate) const DEFINITIONS: [(&str, Upstream); 4] = [
    (
        "cert-manager",
        Upstream {
            module: "github.com/cert-manager/cert-manager@v1.21.2",
            sum: "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
            path: "deploy/crds",
        },
    ),
    (
        "external-secrets",
        Upstream {
            module: "github.com/external-secrets/external-secrets@v1.3.2",
            sum: "h1:u2J8RjlHIeF0oZCqtl92adI/uZWUwOesJIDkfql6LqQ=",
            path: "config/crds/bases",
        },
    ),
    // The first version whose standard channel has the CORS filter.
    (
        "gateway-api",
        Upstream {
            module: "sigs.k8s.io/gateway-api@v1.5.1",
            sum: "h1:RqVRIlkhLhUO8wOHKTLnTJA6o/1un4po4/6M1nRzdd0=",
            path: "config/crd/standard",
        },
    ),
    (
        "prometheus-operator",
        Upstream {
            module: "github.com/prometheus-operator/prometheus-operator@v0.85.0",
            sum: "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
            path: "example/prometheus-operator-crd",
        },
    ),
];

/// Returns the key of the cache: it changes with every input of the build.
pub(crate) fn key() -> String {
    let mut hasher = Sha256::new();
    for (path, text) in GO_MODULE {
        hasher.update(format!("{path} {}\n{text}", text.len()));
    }
    for upstream in DEFINITIONS.map(|(_, upstream)| upstream).iter().chain([&KWOK]) {
        hasher.update(format!("{upstream:?}\n"));
    }
    hasher.update(objects::CLASSES);
    hasher.update(format!("{KUBERNETES} {}", std::env::consts::ARCH));
    shortened(hasher)
}

/// Returns the key of Helm's own part of the cache, so that only who needs Helm builds it.
pub(crate) fn helm_key() -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{HELM:?} {HELM_VERSION} {}", std::env::consts::ARCH));
    shortened(hasher)
}

/// Returns the key of the container runtime's own part of the cache.
pub(crate) fn node_key() -> String {
    let mut hasher = Sha256::new();
    hasher.update(format!("{CONTAINERD:?} {CRICTL:?} {NODE_MODULE:?} {}", std::env::consts::ARCH));
    shortened(hasher)
}

fn shortened(hasher: Sha256) -> String {
    let digest = format!("{:x}", hasher.finalize());
    digest[..16].to_owned()
}

/// Writes the Go module of the control plane to a folder.
pub(crate) fn write_go_module(dir: &Path) -> Result<()> {
    write_module(dir, &GO_MODULE)
}

/// Writes the Go module of the node to a folder.
pub(crate) fn write_node_module(dir: &Path) -> Result<()> {
    write_module(dir, &NODE_MODULE)
}

fn write_module(dir: &Path, files: &[(&str, &str)]) -> Result<()> {
    for (path, text) in files {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            fs_err::create_dir_all(parent)?;
        }
        fs_err::write(path, text)?;
    }
    Ok(())
}
