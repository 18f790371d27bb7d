//! Brings a control plane up, everything as soon as what it needs is there.

use std::net::TcpStream;
use std::path::PathBuf;

use crate::assets::Assets;
use crate::component;
use crate::error::Result;
use crate::kubeconfig;
use crate::kubectl::Kubectl;
use crate::objects;
use crate::phases::Phases;
use crate::pki::{Authority, Usage};
use crate::setup::Setup;
use crate::slot::Slot;
use crate::storage;
use crate::supervisor::Supervisor;

/// One line for each request, when it is done.
const AUDIT_POLICY: &str = "\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
  - level: Metadata
";

/// A control plane that is being started in a slot.
pub(crate) struct Startup<'a> {
    assets: &'a Assets,
    slot: &'a Slot,
    supervisor: &'a Supervisor,
    setup: Setup,
    kubectl: Kubectl,
}

impl<'a> Startup<'a> {
    /// Prepares a start; nothing runs yet.
    pub(crate) fn new(
        assets: &'a Assets,
        slot: &'a Slot,
        supervisor: &'a Supervisor,
        setup: Setup,
    ) -> Self {
        let kubectl = Kubectl::new(&assets.kubectl, &slot.dir().join("kubeconfig"));
        Self { assets, slot, supervisor, setup, kubectl }
    }

    /// Starts everything and returns when it is ready.
    pub(crate) fn run(&self) -> Result<Phases> {
        let mut phases = Phases::new();
        if let Some(storage) = &self.assets.storage {
            storage::copy(storage, &self.slot.dir().join(storage::FOLDER))?;
        }
        self.start_storage()?;
        phases.end("storage");
        self.start_api_server()?;
        phases.end("kube-apiserver");
        if self.assets.storage.is_none() {
            self.install_definitions()?;
            phases.end("definitions");
        }
        if !self.setup.controllers {
            return Ok(phases);
        }
        for component in [component::controller_manager, component::scheduler] {
            self.supervisor.start_component(&component(self.assets, self.slot))?;
        }
        self.start_nodes()?;
        phases.end("nodes");
        self.wait_for_accounts()?;
        phases.end("accounts");
        Ok(phases)
    }

    /// Fills the storage with what every control plane holds, and stops again.
    pub(crate) fn fill_storage(&self) -> Result<()> {
        self.start_storage()?;
        self.start_api_server()?;
        self.install_definitions()?;
        self.supervisor.stop_component("kube-apiserver")?;
        self.supervisor.stop_component("etcd")
    }

    /// Starts etcd and, while it starts, makes the certificates.
    fn start_storage(&self) -> Result<()> {
        let etcd = component::etcd(self.assets, self.slot);
        self.supervisor.start_component(&etcd)?;
        self.write_identities()?;
        self.supervisor.wait_for(etcd.name, || Ok(listens(self.slot.etcd_port())))
    }

    /// Starts the API server and waits until it is ready.
    pub(crate) fn start_api_server(&self) -> Result<()> {
        let policy = self.slot.dir().join("audit-policy.yaml");
        if self.setup.audit {
            fs_err::write(&policy, AUDIT_POLICY)?;
        }
        let policy = self.setup.audit.then_some(policy.as_path());
        let api_server = component::api_server(self.assets, self.slot, policy);
        self.supervisor.start_component(&api_server)?;
        self.supervisor.wait_for(api_server.name, || {
            Ok(listens(self.slot.api_port())
                && self.kubectl.run(&["get", "--raw=/readyz"], "")?.success())
        })
    }

    fn write_identities(&self) -> Result<()> {
        let dir = self.slot.dir();
        let authority = Authority::create(&dir.join("pki"))?;
        authority.issue("api-server", Usage::Server, "kube-apiserver", &[])?;
        let admin = authority.issue("admin", Usage::Client, "admin", &["system:masters"])?;
        let server = format!("https://127.0.0.1:{}", self.slot.api_port());
        fs_err::write(dir.join("kubeconfig"), kubeconfig::render(&server, "admin", &admin))?;
        Ok(())
    }

    fn install_definitions(&self) -> Result<()> {
        self.kubectl.check(&["create", "-f", "-"], objects::CLASSES)?;
        let folders: Vec<PathBuf> = fs_err::read_dir(&self.assets.definitions)?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<_>>()?;
        for folder in folders {
            let folder = folder.to_string_lossy();
            self.kubectl.check(&["create", "--validate=ignore", "-f", &folder], "")?;
        }
        let all = ["crd", "--all", "--timeout=60s"];
        self.kubectl.check(&[&["wait", "--for=condition=Established"], &all[..]].concat(), "")
    }

    fn start_nodes(&self) -> Result<()> {
        self.kubectl.check(&["create", "--validate=ignore", "-f", "-"], &objects::nodes())?;
        // kwok ends when a kind of which it plays stages is not there yet.
        self.supervisor.wait_for("kube-apiserver", || self.serves(&objects::STAGED_GROUPS))?;
        let stages = self.slot.dir().join("stages.yaml");
        fs_err::write(&stages, objects::STAGES.join("---\n"))?;
        let kwok = component::kwok(self.assets, self.slot, &stages);
        self.supervisor.start_component(&kwok)?;
        self.supervisor.wait_for(kwok.name, || self.nodes_are_ready())
    }

    fn nodes_are_ready(&self) -> Result<bool> {
        let path = r#"{.items[*].status.conditions[?(@.type=="Ready")].status}"#;
        let output = format!("--output=jsonpath={path}");
        let output = self.kubectl.run(&["get", "nodes", &output], "")?;
        let ready = output.stdout.split(' ').filter(|status| *status == "True");
        Ok(ready.count() == objects::NODES)
    }

    /// Pods are refused until the controllers have made their account.
    fn wait_for_accounts(&self) -> Result<()> {
        self.supervisor.wait_for("kube-controller-manager", || {
            let account = ["get", "serviceaccount", "default", "--namespace=default"];
            Ok(self.kubectl.run(&account, "")?.success())
        })
    }

    fn serves(&self, groups: &[&str]) -> Result<bool> {
        for group in groups {
            let path = format!("--raw=/openapi/v3/apis/{group}");
            if !self.kubectl.run(&["get", &path], "")?.success() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn listens(port: u16) -> bool {
    TcpStream::connect(("127.0.0.1", port)).is_ok()
}
