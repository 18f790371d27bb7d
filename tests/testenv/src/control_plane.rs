//! A control plane, as tests see it.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::assets::{self, Assets};
use crate::component;
use crate::error::{Error, Result};
use crate::kubeconfig;
use crate::kubectl::{Kubectl, Output};
use crate::pki::{Authority, Usage};
use crate::progress;
use crate::setup::Setup;
use crate::slot::Slot;
use crate::startup::Startup;
use crate::supervisor::Supervisor;
use crate::sweep;

/// The environment variable that names the kubeconfig of a cluster to use.
pub const KUBECONFIG_VARIABLE: &str = "A4CO_TEST_KUBECONFIG";

/// A running control plane.
///
/// Dropping it ends what it started and removes every trace. One in a `static` is never dropped;
/// it ends with the process, however that ends.
#[derive(Debug)]
pub struct ControlPlane {
    kubeconfig: PathBuf,
    kubectl: Kubectl,
    own: Option<Own>,
}

/// What belongs to a control plane that this process started.
#[derive(Debug)]
struct Own {
    assets: Assets,
    slot: Slot,
    supervisor: Supervisor,
    setup: Setup,
}

impl ControlPlane {
    /// Returns the control plane that all tests of this process share.
    ///
    /// It is the cluster that `A4CO_TEST_KUBECONFIG` names or, without that, one that the first
    /// caller starts.
    ///
    /// # Panics
    ///
    /// Panics if it cannot be started; the message says why and what to do.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ControlPlane> = OnceLock::new();
        #[expect(clippy::panic, reason = "a test without its control plane has failed")]
        SHARED.get_or_init(|| {
            Self::from_environment().unwrap_or_else(|error| panic!("no control plane: {error}"))
        })
    }

    /// Uses the cluster that `A4CO_TEST_KUBECONFIG` names, or starts a control plane.
    ///
    /// # Errors
    ///
    /// Like [`Self::start`].
    pub fn from_environment() -> Result<Self, Error> {
        match assets::path_variable(KUBECONFIG_VARIABLE) {
            Some(kubeconfig) => Ok(Self::connect(&kubeconfig)),
            None => Self::start(),
        }
    }

    /// Starts a control plane of one's own.
    ///
    /// The first start on a machine builds everything, which takes some minutes.
    ///
    /// # Errors
    ///
    /// Fails if the build fails, or a component dies or does not answer.
    pub fn start() -> Result<Self, Error> {
        Self::start_with(Setup::default())
    }

    /// Starts a control plane of one's own with the parts that `setup` names.
    ///
    /// # Errors
    ///
    /// Like [`Self::start`].
    pub fn start_with(setup: Setup) -> Result<Self, Error> {
        let assets = Assets::prepare()?;
        sweep::sweep()?;
        let slot = Slot::claim()?;
        let supervisor = Supervisor::start(slot.dir())?;
        let phases = Startup::new(&assets, &slot, &supervisor, setup).run()?;
        progress::say(&format!("control plane ready: {phases}"));
        let kubeconfig = slot.dir().join("kubeconfig");
        let kubectl = Kubectl::new(&assets.kubectl, &kubeconfig);
        Ok(Self { kubeconfig, kubectl, own: Some(Own { assets, slot, supervisor, setup }) })
    }

    /// Uses a cluster that exists.
    #[must_use]
    pub fn connect(kubeconfig: &Path) -> Self {
        Self {
            kubeconfig: kubeconfig.to_owned(),
            kubectl: Kubectl::new(&assets::any_kubectl(), kubeconfig),
            own: None,
        }
    }

    /// Returns the kubeconfig of an administrator; it holds every certificate inline.
    #[must_use]
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// Writes a kubeconfig for another user, who has the rights that RBAC gives to the user and
    /// its groups, and returns its path.
    ///
    /// The user exists by its client certificate alone, signed by the cluster's authority.
    ///
    /// # Errors
    ///
    /// Fails on a cluster that neither this process nor `testenv` started, because its authority
    /// is out of reach.
    pub fn kubeconfig_as(&self, user: &str, groups: &[&str]) -> Result<PathBuf, Error> {
        let no_authority =
            || Error::NoAuthority { user: user.to_owned(), kubeconfig: self.kubeconfig.clone() };
        let dir = self.kubeconfig.parent().unwrap_or(Path::new("."));
        let authority = Authority::open(&dir.join("pki")).ok_or_else(no_authority)?;
        let server = kubeconfig::server(&fs_err::read_to_string(&self.kubeconfig)?);
        let name = crate::unique_namespace(&format!("user-{user}"));
        let identity = authority.issue(&name, Usage::Client, user, groups)?;
        let path = dir.join(format!("{name}.kubeconfig"));
        let text = kubeconfig::render(&server.ok_or_else(no_authority)?, user, &identity);
        fs_err::write(&path, text)?;
        Ok(path)
    }

    /// Runs kubectl as the administrator.
    ///
    /// # Panics
    ///
    /// Panics if kubectl cannot be started; that it failed is in the output.
    #[must_use]
    pub fn kubectl(&self, args: &[&str]) -> Output {
        self.kubectl_with_input(args, "")
    }

    /// Runs kubectl as the administrator with `input` as its standard input, for `-f -`.
    ///
    /// # Panics
    ///
    /// Panics if kubectl cannot be started; that it failed is in the output.
    #[must_use]
    pub fn kubectl_with_input(&self, args: &[&str], input: &str) -> Output {
        #[expect(clippy::panic, reason = "a test without kubectl has failed")]
        self.kubectl.run(args, input).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Kills the API server and starts it again on the same port, as a crash would.
    ///
    /// # Errors
    ///
    /// Fails if it does not come back, and on a cluster that this process did not start.
    pub fn restart_api_server(&self) -> Result<(), Error> {
        let own = self.own.as_ref().ok_or(Error::NotOwn)?;
        own.supervisor.stop_component("kube-apiserver")?;
        Startup::new(&own.assets, &own.slot, &own.supervisor, own.setup).start_api_server()
    }

    /// Returns the path of kubectl.
    #[must_use]
    pub fn kubectl_program(&self) -> &Path {
        self.kubectl.program()
    }

    /// Returns the file to which the API server writes a line for each request, when it was
    /// started to do so: a JSON document of `audit.k8s.io/v1`.
    #[must_use]
    pub fn audit_log(&self) -> Option<PathBuf> {
        let own = self.own.as_ref().filter(|own| own.setup.audit)?;
        Some(own.slot.dir().join(component::AUDIT_LOG))
    }

    /// Returns the process number of a component that this process started, such as
    /// `kube-apiserver`, while it runs.
    #[must_use]
    pub fn process_number(&self, component: &str) -> Option<u32> {
        self.own.as_ref()?.supervisor.pid(component)
    }
}
