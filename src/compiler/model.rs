//! An environment with every name, reference and pin resolved: rendering it cannot fail.

use std::collections::{BTreeMap, BTreeSet};

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
    /// Where each thing that has a name of its own is declared: paths by name, with dots between.
    pub(crate) names: BTreeMap<String, String>,
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
    /// How secrets are fetched, if the release fetches them.
    pub(crate) secret_access: Option<SecretAccess>,
    /// Secrets that the site provides, with the keys that they must have.
    pub(crate) required_secrets: BTreeMap<String, BTreeSet<String>>,
    /// Who issues the certificate of the host, if cert-manager does.
    pub(crate) certificate_issuer: Option<CertificateIssuer>,
    /// The issuers that belong to the release.
    pub(crate) issuers: Vec<ResolvedIssuer>,
    /// Lines shown after applying.
    pub(crate) notes: Vec<String>,
    /// Every image, each once.
    pub(crate) images: Vec<Image>,
}

impl Model<'_> {
    /// Adds images that are not there yet.
    pub(crate) fn add_images(&mut self, images: impl IntoIterator<Item = Image>) {
        for image in images {
            let is_there = |one: &Image| one.name == image.name && one.digest == image.digest;
            if !self.images.iter().any(is_there) {
                self.images.push(image);
            }
        }
    }

    /// Returns the `ConfigMaps` that the site provides, each with the key that it must have.
    pub(crate) fn required_config_maps(&self) -> impl Iterator<Item = (&str, &str)> {
        let provider = self.secret_access.as_ref().map(|access| &access.provider);
        let authority = match provider {
            Some(SecretProvider::Vault(vault)) => vault.ca.as_ref(),
            Some(SecretProvider::Cluster(cluster)) => Some(&cluster.ca),
            Some(SecretProvider::Aws { .. }) | None => None,
        };
        let config_map = authority.filter(|authority| authority.kind == "ConfigMap");
        config_map.map(|it| (it.name.as_str(), it.key.as_str())).into_iter()
    }

    /// Returns the name of the application.
    pub(crate) fn app(&self) -> &str {
        self.environment.release.app.as_ref()
    }

    /// Tells whether anything is reachable from outside.
    pub(crate) fn has_routes(&self) -> bool {
        self.components.iter().any(|component| component.route.is_some())
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

impl Flow {
    /// Returns the traffic from one component of the release to another.
    pub(crate) fn between(from: &str, to: &str, port: u16) -> Self {
        Self { from: Whereabouts::component(from), to: Whereabouts::component(to), port }
    }
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

impl Whereabouts {
    /// Returns where the component called `name` is.
    pub(crate) fn component(name: &str) -> Self {
        Self::Component(name.to_owned())
    }
}

/// A secret with its names.
pub(crate) struct ResolvedSecret {
    /// Name of the Secret.
    pub(crate) name: String,
    /// Name in the backend.
    pub(crate) remote: String,
    /// Its keys, each with what it is called in the backend.
    pub(crate) keys: Vec<(String, String)>,
    /// Keys of the Secret, each with the template of External Secrets that gives its value.
    pub(crate) values: BTreeMap<String, String>,
}

/// How External Secrets fetches secrets.
pub(crate) struct SecretAccess {
    /// Service account of the release that does so, if one does.
    pub(crate) account: Option<String>,
    /// Where they are.
    pub(crate) provider: SecretProvider,
}

/// Where secrets are.
pub(crate) enum SecretProvider {
    /// In AWS Secrets Manager.
    Aws {
        /// Region.
        region: String,
        /// IAM role that may read them.
        role: String,
    },
    /// In Vault.
    Vault(VaultSecrets),
    /// In another namespace or cluster.
    Cluster(ClusterSecrets),
}

/// Secrets in Vault.
pub(crate) struct VaultSecrets {
    /// URL of the server.
    pub(crate) server: String,
    /// Where the key/value engine is mounted.
    pub(crate) path: String,
    /// Version of that engine.
    pub(crate) version: &'static str,
    /// Namespace on the server.
    pub(crate) namespace: Option<String>,
    /// Where Kubernetes authentication is mounted.
    pub(crate) auth_path: String,
    /// Role that may read them.
    pub(crate) role: String,
    /// For whom the account's token is.
    pub(crate) audiences: Vec<String>,
    /// Who vouches for the server, if that is not a public authority.
    pub(crate) ca: Option<Authority>,
}

/// Secrets in another namespace or cluster.
pub(crate) struct ClusterSecrets {
    /// Namespace in which they are.
    pub(crate) namespace: String,
    /// URL of the API server.
    pub(crate) server: String,
    /// Who vouches for it.
    pub(crate) ca: Authority,
    /// Secret and key of a token that may read them, if it is not the account's.
    pub(crate) token: Option<(String, String)>,
}

/// Where certificates are that vouch for a server.
pub(crate) struct Authority {
    /// `Secret` or `ConfigMap`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) key: String,
}

/// Who issues the certificate of the host.
pub(crate) struct CertificateIssuer {
    /// `Issuer` or `ClusterIssuer`.
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    /// Whether it may ask for a proof by HTTP that the host is ours.
    pub(crate) may_ask_for_proof: bool,
}

/// An issuer that belongs to the release.
pub(crate) struct ResolvedIssuer {
    pub(crate) name: String,
    /// How it issues.
    pub(crate) issuance: Issuance,
}

/// How an issuer issues.
pub(crate) enum Issuance {
    /// From a server.
    Acme {
        /// URL of its directory.
        server: String,
        /// Where it sends warnings.
        email: String,
    },
    /// By an authority in a Secret of the site.
    Ca {
        /// Name of the Secret.
        secret: String,
    },
    /// By an authority of its own.
    SelfSigned {
        /// Name of the authority.
        common_name: String,
        /// How long its certificate is good.
        duration: String,
    },
}

impl ResolvedIssuer {
    /// Returns the name of the authority that the issuer `name` has, and of its Secret.
    pub(crate) fn ca_name(name: &str) -> String {
        format!("{name}-ca")
    }

    /// Returns the name of the issuer of that authority's certificate, which signs itself.
    pub(crate) fn root_name(name: &str) -> String {
        format!("{name}-root")
    }
}
