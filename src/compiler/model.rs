//! An environment with every name, reference and pin resolved: rendering it cannot fail.

use std::collections::BTreeMap;

use a4co_bundle::Image;

use crate::{
    environment::{Environment, network::Peer, pod::PodField, service::Service},
    quantity::Memory,
    text::Cidr,
};

/// What is rendered.
pub(crate) struct Model<'a> {
    /// Name of the environment.
    pub(crate) environment_name: &'a str,
    /// What the environment says, for everything that needs no resolving.
    pub(crate) environment: &'a Environment,
    /// Id of the set whose members the objects are.
    pub(crate) applyset: String,
    /// Environment variables of every component.
    pub(crate) settings: BTreeMap<String, String>,
    /// What runs, by name in the environment.
    pub(crate) components: Vec<Component<'a>>,
    /// The secrets, by name in the environment.
    pub(crate) secrets: Vec<ResolvedSecret>,
    /// Where secrets are fetched from, if the release fetches them.
    pub(crate) secret_role: Option<SecretRole<'a>>,
    /// Lines shown after applying.
    pub(crate) notes: Vec<String>,
    /// Every image, each once.
    pub(crate) images: Vec<Image>,
}

impl Model<'_> {
    /// Returns the name of the application.
    pub(crate) fn app(&self) -> &str {
        self.environment.release.app.as_ref()
    }

    /// Returns the namespace of the release.
    pub(crate) fn namespace(&self) -> &str {
        self.environment.release.namespace.as_ref()
    }
}

/// A service with everything that it gets.
pub(crate) struct Component<'a> {
    /// What the environment says.
    pub(crate) service: &'a Service,
    /// Name of its Kubernetes objects.
    pub(crate) name: String,
    /// Image by digest.
    pub(crate) image: String,
    /// Command; empty for the image's own.
    pub(crate) command: Vec<String>,
    /// Arguments of the command.
    pub(crate) args: Vec<String>,
    /// Environment variables by name.
    pub(crate) variables: BTreeMap<String, Variable>,
    /// Names of the components that call it.
    pub(crate) callers: Vec<String>,
    /// What it calls.
    pub(crate) targets: Vec<Target>,
    /// Folders that it may write to.
    pub(crate) folders: Vec<Folder>,
}

/// Where the value of an environment variable comes from.
pub(crate) enum Variable {
    /// It is this text.
    Text(String),
    /// From the pod.
    Field(PodField),
    /// From a Secret of this name; the key is the variable's name.
    Secret(String),
}

/// Where traffic may go to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) whereabouts: Whereabouts,
    /// TCP port.
    pub(crate) port: u16,
}

/// Where something is.
#[derive(Clone)]
pub(crate) enum Whereabouts {
    /// A component of this release, by name.
    Component(String),
    /// Pods of others.
    Pods(Peer),
    /// Addresses.
    Addresses(Vec<Cidr>),
    /// Any address that is not private.
    Internet,
}

/// A folder that a container may write to.
pub(crate) struct Folder {
    /// Name of the volume.
    pub(crate) volume: String,
    /// Absolute path.
    pub(crate) path: String,
    /// The most that it may hold.
    pub(crate) limit: Memory,
}

/// A secret with its names.
pub(crate) struct ResolvedSecret {
    /// Name of the Secret.
    pub(crate) name: String,
    /// Name in the backend.
    pub(crate) remote: String,
    /// Keys in the backend.
    pub(crate) keys: Vec<String>,
    /// Keys of the Secret, each with the template of External Secrets that gives its value.
    pub(crate) values: BTreeMap<String, String>,
}

/// Who may read secrets in AWS Secrets Manager.
pub(crate) struct SecretRole<'a> {
    /// Region.
    pub(crate) region: &'a str,
    /// IAM role.
    pub(crate) arn: String,
}
