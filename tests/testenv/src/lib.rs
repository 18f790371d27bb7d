//! A real control plane for tests: etcd, kube-apiserver, kube-controller-manager, kube-scheduler
//! and, in place of kubelets, kwok.
//!
//! ```no_run
//! let cluster = a4co_testenv::ControlPlane::shared();
//! let namespace = a4co_testenv::unique_namespace("my-test");
//! cluster.kubectl(&["create", "namespace", &namespace]).expect_success();
//! ```
//!
//! # What it holds
//!
//! Six ready nodes in three zones; an `IngressClass` named `nginx`; a default `StorageClass` named
//! `standard`, whose claims are bound; the custom resource definitions of cert-manager, External
//! Secrets and the Prometheus operator. Containers do not run, but pods live:
//!
//! - a pod becomes ready at once, and ends with success if its restart policy is not `Always`;
//! - a pod with an image whose name contains `never-ready` stays in `ImagePullBackOff`;
//! - a deleted pod goes at once;
//! - a `SecretStore`, an `ExternalSecret` and a `Certificate` become ready.
//!
//! # Beside it
//!
//! [`Registry`] is a real image registry, and [`ImageLayout`] makes images for it. [`Containerd`] is
//! a real container runtime, as on a node: what it is given to run does run. [`Scratch`] is a folder
//! that does not outlive its test.
//!
//! # Where it comes from
//!
//! The programs are built once from Go modules into a cache ([`build`]). Three variables of the
//! environment change that: `A4CO_TESTENV_CACHE` moves the cache, `KUBEBUILDER_ASSETS` names a
//! folder of programs to use instead of the cache's, and `A4CO_TEST_KUBECONFIG` names the
//! kubeconfig of a cluster to use instead of starting one.
//!
//! [`helm`] builds Helm in the same way, and [`Containerd::start`] containerd, when they are first
//! asked for.
//!
//! A key of the cache holds 0.5 GB; keys of earlier versions stay until somebody removes them.
//! To move to another version of Kubernetes, change `go/go.mod` and `src/assets/sources.rs`.
//!
//! # One for many processes
//!
//! [`ControlPlane::shared`] starts one control plane for each process. `testenv run -- COMMAND`
//! starts one for all tests that COMMAND runs. There [`ControlPlane::kubeconfig_as`] works, but
//! [`ControlPlane::restart_api_server`] does not: a test that restarts things starts its own.
//!
//! # What it is not
//!
//! Nothing runs, so `kubectl logs`, `exec` and `port-forward` fail, there are no metrics, and a
//! network policy has no effect. Webhooks, conversions and controllers of the custom resources
//! are absent. The uid of `kube-system` is the same in every control plane of one cache.
//!
//! # How it ends
//!
//! ```text
//! owner (a test, or the program `testenv`)
//!   └─ supervisor (sh)      ends when its pipe from the owner closes
//!        ├─ etcd
//!        ├─ kube-apiserver  each killed by the kernel when the supervisor dies
//!        └─ …
//! ```
//!
//! So nothing outlives a killed owner or a killed supervisor; should both be killed at once, the
//! next start (or [`sweep()`]) removes the folder that is left.

mod assets;
mod component;
mod control_plane;
mod error;
mod image;
mod kubeconfig;
mod kubectl;
mod namespace;
mod node;
mod objects;
mod phases;
mod pki;
mod process;
mod program;
mod progress;
mod registry;
mod scratch;
mod setup;
mod slot;
mod startup;
mod storage;
mod supervisor;
mod sweep;
mod text;

use std::path::PathBuf;

pub use control_plane::{ControlPlane, KUBECONFIG_VARIABLE};
pub use error::Error;
pub use image::{Descriptor, ImageLayout, LayerFile};
pub use kubectl::Output;
pub use namespace::unique_namespace;
pub use node::{Containerd, Network};
pub use registry::{Access, PASSWORD, Registry, Transport, USER};
pub use scratch::Scratch;
pub use setup::Setup;
pub use sweep::sweep;

/// Fills the cache, Helm aside, and returns its folder.
///
/// # Errors
///
/// Fails if the Go toolchain is missing or a build fails.
pub fn build() -> Result<PathBuf, Error> {
    assets::Assets::build()
}

/// Returns the path of Helm 4.3.1, the real one, for tests that adopt its releases and for
/// comparisons.
///
/// The first call on a machine builds it from its Go module, which takes some minutes; of several
/// callers one builds and the others wait. Helm keeps files below `HOME`, so a test sets that to a
/// folder of its own.
///
/// # Errors
///
/// Fails if the Go toolchain is missing or the build fails.
pub fn helm() -> Result<PathBuf, Error> {
    assets::helm()
}
