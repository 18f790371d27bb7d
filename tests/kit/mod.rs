//! Releases, bundles, namespaces, and the program under test.

#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    reason = "each test file uses a part of it, and fails where it cannot go on"
)]

pub mod api;
mod content;
pub mod foreign;
mod helm;
mod http;
pub mod proxy;
pub mod running;
mod upstream;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use a4co_bundle::{
    Attestation, CONFIG_SCHEMA, PART_OF_LABEL, Purpose, Release, ReleaseConfig, ReleaseId,
    Requirements, Signature, Statement, TrustFile, VerifyingKey, applyset_id, pack,
};
use a4co_testenv::{ControlPlane, unique_namespace};
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const APP: &str = "shop";

/// An image whose pods become ready on the test control plane.
pub const GOOD_IMAGE: &str =
    "registry.example/web@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
/// Another one.
pub const OTHER_IMAGE: &str =
    "registry.example/web@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc";
/// An image whose pods never do.
pub const BAD_IMAGE: &str = "registry.example/never-ready@sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// A namespace of one test, a folder for its files, and keys.
pub struct Site {
    pub cluster: &'static ControlPlane,
    pub namespace: String,
    folder: TempDir,
    key: SigningKey,
}

/// What the program said.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Site {
    pub fn new(prefix: &str) -> Self {
        Self::on(ControlPlane::shared(), prefix)
    }

    /// A site on a cluster that other tests do not share.
    pub fn on(cluster: &'static ControlPlane, prefix: &str) -> Self {
        let site = Self {
            cluster,
            namespace: unique_namespace(prefix),
            folder: TempDir::new().unwrap(),
            key: SigningKey::from_bytes(&[7; 32]),
        };
        let key = VerifyingKey::from_bytes(site.key.verifying_key().as_bytes()).unwrap();
        fs_err::write(site.trust(), TrustFile::first([key]).to_bytes().unwrap()).unwrap();
        site
    }

    pub fn trust(&self) -> PathBuf {
        self.folder.path().join("trust.json")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn config(&self) -> ReleaseConfig {
        ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: APP.to_owned(),
            environment: "test".to_owned(),
            version: "1.0.0".parse().unwrap(),
            namespace: self.namespace.clone(),
            images: Vec::new(),
            requirements: Requirements::default(),
            readiness: Vec::new(),
            keep: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// A release of the namespace and these objects.
    pub fn release(&self, objects: Vec<(u8, Value)>) -> Release {
        self.release_of(self.config(), objects)
    }

    pub fn release_of(&self, config: ReleaseConfig, mut objects: Vec<(u8, Value)>) -> Release {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": self.namespace, "labels": self.labels() },
        });
        objects.push((0, namespace));
        Release::new(config, objects).unwrap()
    }

    pub fn labels(&self) -> Value {
        json!({ PART_OF_LABEL: applyset_id(APP, &self.namespace) })
    }

    pub fn metadata(&self, name: &str) -> Value {
        json!({ "name": name, "namespace": self.namespace, "labels": self.labels() })
    }

    pub fn config_map(&self, name: &str, text: &str) -> (u8, Value) {
        let manifest = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": self.metadata(name),
            "data": { "text": text },
        });
        (2, manifest)
    }

    pub fn deployment(&self, name: &str, image: &str, replicas: Option<u32>) -> (u8, Value) {
        let labels = json!({ "app": name });
        let mut manifest = json!({
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": self.metadata(name),
            "spec": {
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [{
                        "name": "web",
                        "image": image,
                        "resources": { "requests": { "cpu": "10m" } },
                    }] },
                },
            },
        });
        if let Some(replicas) = replicas {
            manifest["spec"]["replicas"] = json!(replicas);
        }
        (5, manifest)
    }

    pub fn autoscaler(&self, name: &str, min: u32) -> (u8, Value) {
        let manifest = json!({
            "apiVersion": "autoscaling/v2",
            "kind": "HorizontalPodAutoscaler",
            "metadata": self.metadata(name),
            "spec": {
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": name },
                "minReplicas": min,
                "maxReplicas": 9,
                "metrics": [{ "type": "Resource", "resource": { "name": "cpu",
                    "target": { "type": "Utilization", "averageUtilization": 70 } } }],
            },
        });
        (6, manifest)
    }

    /// Writes a bundle signed by the trusted key.
    pub fn bundle(&self, release: &Release) -> PathBuf {
        self.bundle_signed_by(release, &[&self.key])
    }

    pub fn bundle_signed_by(&self, release: &Release, keys: &[&SigningKey]) -> PathBuf {
        let statement = Statement::new(release, Vec::new(), 0).to_bytes().unwrap();
        let signed = Signature::signed_data(Purpose::Release, &statement);
        let signatures = keys.iter().map(|key| {
            let public = VerifyingKey::from_bytes(key.verifying_key().as_bytes()).unwrap();
            Signature::new(Purpose::Release, public, key.sign(&signed).to_bytes())
        });
        let signatures = signatures.collect();
        let attestation = Attestation { statement, signatures, trust: Vec::new() };
        let bytes = pack(Vec::new(), &attestation, release).unwrap();
        let path = self.path(&format!("{}-{}.tar.gz", release.id().short(), keys.len()));
        fs_err::write(&path, bytes).unwrap();
        path
    }

    /// Makes a bundle of `release` and applies it.
    pub fn apply(&self, release: &Release) -> Ran {
        self.run(&["apply", path(&self.bundle(release)), "--timeout", "30s"])
    }

    /// Runs `a4co-apply` against the shared cluster.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(self.cluster.kubeconfig(), args)
    }

    pub fn run_with(&self, kubeconfig: &Path, args: &[&str]) -> Ran {
        self.command(kubeconfig, args).output().unwrap().into()
    }

    pub fn command(&self, kubeconfig: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_a4co-apply"));
        command.args(args).env("KUBECONFIG", kubeconfig).env("A4CO_TRUST", self.trust());
        command
    }

    pub fn rollback(&self, release: &str) -> Ran {
        self.run(&["rollback", release, "--namespace", &self.namespace, "--timeout", "30s"])
    }

    /// Reads an object of the namespace; `null` when it does not exist.
    pub fn get(&self, kind: &str, name: &str) -> Value {
        let output = self.cluster.kubectl(&[
            "get",
            kind,
            name,
            "-o",
            "json",
            "--show-managed-fields",
            "-n",
            &self.namespace,
            "--ignore-not-found",
        ]);
        let text = output.expect_success();
        if text.trim().is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() }
    }

    /// Names of the objects of a kind that belong to the release.
    pub fn members(&self, kind: &str) -> Vec<String> {
        let selector = format!("{PART_OF_LABEL}={}", applyset_id(APP, &self.namespace));
        let output = self.cluster.kubectl(&[
            "get",
            kind,
            "-l",
            &selector,
            "-o",
            "name",
            "-n",
            &self.namespace,
        ]);
        output
            .expect_success()
            .lines()
            .map(|line| line.split('/').next_back().unwrap().to_owned())
            .collect()
    }

    pub fn kubectl(&self, args: &[&str]) -> String {
        let args: Vec<&str> = args.iter().copied().chain(["-n", &self.namespace]).collect();
        self.cluster.kubectl(&args).expect_success()
    }

    /// The head's data.
    pub fn head(&self) -> Value {
        self.get("configmap", "a4co.shop")["data"].clone()
    }

    pub fn committed(&self) -> Option<ReleaseId> {
        self.head()["committed"].as_str().map(|text| text.parse().unwrap())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        let _ = self.cluster.kubectl(&["delete", "namespace", &self.namespace, "--wait=false"]);
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// Checks that standard error has each of `fragments`.
    #[track_caller]
    pub fn expect_told(&self, fragments: &[&str]) {
        for fragment in fragments {
            assert!(self.stderr.contains(fragment), "`{fragment}` is not in:\n{}", self.stderr);
        }
    }
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
