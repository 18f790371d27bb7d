//! An environment with every name, reference and pin resolved: rendering it cannot fail.

use std::collections::BTreeMap;

use a4co_bundle::Image;

use crate::{
    component::Component,
    environment::{Environment, network::Peer},
    monitoring::rule::Group,
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
    /// Environment variables of every service.
    pub(crate) settings: BTreeMap<String, String>,
    /// What runs.
    pub(crate) components: Vec<Component>,
    /// Who may talk to whom; nobody else may.
    pub(crate) flows: Vec<Flow>,
    /// The same by UDP.
    pub(crate) datagrams: Vec<Flow>,
    /// Rules for an operator's Prometheus.
    pub(crate) rules: Vec<Group>,
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

/// Traffic that is allowed: one declaration, from which the policies of both ends come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flow {
    /// Who opens the connection.
    pub(crate) from: Whereabouts,
    /// Who answers.
    pub(crate) to: Whereabouts,
    /// Port, of TCP if nothing else is said.
    pub(crate) port: u16,
}

/// Where one end of a flow is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
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
