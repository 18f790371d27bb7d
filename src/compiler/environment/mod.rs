//! What an environment may say: the one source of the TOML language.
//!
//! The doc comments of these types are the language's reference, the derived schema checks every
//! file, and the documentation and the editors' JSON Schema come from the same place. Keys that
//! mean what a Kubernetes field means are called like it, in snake case.
//!
//! Layers are merged first; then each service starts from `[defaults]`, takes what its size says,
//! and says the rest itself. All of that is one operation, [`merge`](crate::merge).

pub(crate) mod alertmanager;
pub(crate) mod budget;
pub(crate) mod capacity;
pub(crate) mod edge;
pub(crate) mod endpoint;
pub(crate) mod grafana;
pub(crate) mod jaeger;
pub(crate) mod manifests;
pub(crate) mod monitoring;
pub(crate) mod nats;
pub(crate) mod network;
pub(crate) mod patch;
pub(crate) mod pod;
pub(crate) mod postgresql;
pub(crate) mod probe;
pub(crate) mod program;
pub(crate) mod prometheus;
pub(crate) mod quota;
pub(crate) mod redis;
pub(crate) mod secret;
pub(crate) mod secret_backend;
pub(crate) mod service;
pub(crate) mod site;
pub(crate) mod tls;

use std::{collections::BTreeMap, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::IgnoredAny};

use self::{
    alertmanager::Alertmanager,
    budget::Budget,
    capacity::Capacity,
    edge::{Edge, EdgeController},
    endpoint::Endpoint,
    grafana::Grafana,
    jaeger::Jaeger,
    manifests::Manifests,
    monitoring::Monitoring,
    nats::Nats,
    network::{Network, Peer},
    patch::Patch,
    postgresql::Postgresql,
    prometheus::Prometheus,
    quota::Quota,
    redis::Redis,
    secret::{Secret, SecretStore},
    service::Service,
    site::Site,
    tls::Issuer,
};
use crate::{
    schema::PARTIAL,
    template::Template,
    text::{DnsLabel, EnvName, Version},
};

/// Network policies that are about no component.
pub(crate) const DEFAULT_DENY: &str = "default-deny";
pub(crate) const SOLVER: &str = "acme-solver";
pub(crate) const GATEWAY: &str = "gateway";

/// An environment file, or all layers of an environment together.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Environment {
    /// Whether this file is only a layer: extended by others, never built itself.
    #[serde(default)]
    #[expect(dead_code, reason = "read before the layers are merged; here for the schema")]
    layer: bool,
    /// Name of the file below this one, without `.toml`. Tables are merged with it key by key;
    /// anything else replaces what it says.
    #[serde(default)]
    #[expect(dead_code, reason = "read before the layers are merged; here for the schema")]
    extends: Option<DnsLabel>,
    /// What this file goes without although a layer below it has it: paths of keys, such as
    /// `postgresql.main.backup`.
    #[serde(default)]
    #[expect(dead_code, reason = "applied while the layers are merged; here for the schema")]
    unset: Vec<String>,
    /// What is released, and where to.
    pub(crate) release: ReleaseSection,
    /// What the environment may take. Without it, any amount.
    #[serde(default)]
    pub(crate) budget: Option<Budget>,
    /// What the namespace may hold. Without it, as much as the cluster lets it.
    #[serde(default)]
    pub(crate) quota: Option<Quota>,
    /// What every service starts from.
    #[serde(default)]
    #[expect(dead_code, reason = "merged into each service; here for the schema")]
    defaults: Partial<Service>,
    /// Capacities by name, for services that have them in common: a service takes one by its `size`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    #[expect(dead_code, reason = "merged into each service; here for the schema")]
    sizes: Partial<BTreeMap<String, Capacity>>,
    /// What the release runs for people and for other programs, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) services: BTreeMap<String, Service>,
    /// PostgreSQL databases by name; services need them by that name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) postgresql: BTreeMap<String, Postgresql>,
    /// NATS clusters by name; services need them by that name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) nats: BTreeMap<String, Nats>,
    /// Redis caches by name; services need them by that name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) redis: BTreeMap<String, Redis>,
    /// What services need and this release does not run, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) endpoints: BTreeMap<String, Endpoint>,
    /// Environment variables of every service, in one `ConfigMap`. Placeholders: those of
    /// `release.notes`.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "env-name"}))]
    pub(crate) settings: BTreeMap<EnvName, Template>,
    /// Where the values of secrets come from. Required as soon as there are secrets.
    #[serde(default)]
    pub(crate) secret_store: Option<SecretStore>,
    /// Secrets by name: what they are called and which keys they have. A service gets those that
    /// it names, or what it needs.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) secrets: BTreeMap<String, Secret>,
    /// How requests come in from outside. Without it no service may have a `route`.
    #[serde(default)]
    pub(crate) edge: Option<Edge>,
    /// Issuers of certificates that belong to the release, by name.
    #[serde(default)]
    #[schemars(extend("propertyNames" = {"format": "dns-label"}))]
    pub(crate) issuers: BTreeMap<String, Issuer>,
    /// How the release is watched: what is scraped, and which alerts come of it. Without it, nothing
    /// is.
    #[serde(default)]
    pub(crate) monitoring: Option<Monitoring>,
    /// The release's own Prometheus: it scrapes every component that tells metrics.
    #[serde(default)]
    pub(crate) prometheus: Option<Prometheus>,
    /// The release's own Alertmanager: it tells people of the alerts of `[prometheus]`. Required
    /// if there is one.
    #[serde(default)]
    pub(crate) alertmanager: Option<Alertmanager>,
    /// Grafana, with dashboards of everything that the release runs.
    #[serde(default)]
    pub(crate) grafana: Option<Grafana>,
    /// Jaeger: takes traces by OTLP, keeps the latest in memory and shows them.
    #[serde(default)]
    pub(crate) jaeger: Option<Jaeger>,
    /// Who else takes part in the network. What is not named here or in `needs` is denied.
    #[serde(default)]
    pub(crate) network: Network,
    /// Kubernetes objects that the team brings itself, as YAML or JSON.
    #[serde(default)]
    pub(crate) manifests: Vec<Manifests>,
    /// Texts in `[settings]`, and in `command`, `args`, `env` and `provides` of services, that look
    /// like images and are none. Those that are images are pinned like all others.
    #[serde(default)]
    pub(crate) not_images: Vec<String>,
    /// Changes to single objects, for what no other key says.
    #[serde(default)]
    pub(crate) patches: Vec<Patch>,
    /// What the cluster has before the release comes: objects may refer to it.
    #[serde(default)]
    pub(crate) site: Site,
}

impl Environment {
    /// Returns the name of the Secret that has the certificate of the host.
    pub(crate) fn certificate_secret(&self) -> String {
        format!("{}-tls", self.release.app)
    }

    /// Returns the name of the route by which a gateway sends HTTP to HTTPS.
    pub(crate) fn redirect_name(&self) -> String {
        format!("{}-https-redirect", self.release.app)
    }

    /// Returns the name of a network policy that is about no component.
    pub(crate) fn policy_name(&self, policy: &str) -> String {
        format!("{}-{policy}", self.release.app)
    }

    /// Tells whether requests come in through a gateway.
    pub(crate) fn has_gateway(&self) -> bool {
        self.edge.as_ref().is_some_and(|edge| edge.controller == EdgeController::GatewayApi)
    }

    /// Returns the pods of the gateway, if they run in the namespace of the release.
    pub(crate) fn own_gateway(&self) -> Option<&Peer> {
        let peer = self.network.ingress_controller.as_ref()?;
        (self.has_gateway() && self.is_own(peer)).then_some(peer)
    }

    /// Tells whether `peer` is in the namespace of the release.
    pub(crate) fn is_own(&self, peer: &Peer) -> bool {
        peer.namespace.as_ref().is_none_or(|namespace| *namespace == self.release.namespace)
    }
}

/// What is released, and where to.
#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct ReleaseSection {
    /// Name of the application; names what belongs to all its services.
    pub(crate) app: DnsLabel,
    /// Version for people. The release's identity is its digest.
    pub(crate) version: Version,
    /// Namespace of the release. It is part of the release, with Pod Security `restricted`.
    pub(crate) namespace: DnsLabel,
    /// Lines shown after applying. Placeholders: `{app}`, `{environment}`, `{namespace}`,
    /// `{version}`, and with an edge `{public_host}` and `{public_url}`.
    #[serde(default)]
    pub(crate) notes: Vec<Template>,
}

/// A table that need not be complete because others are laid on it. It is gone once it was merged:
/// what matters of it is its schema.
#[derive(Debug)]
pub(crate) struct Partial<T>(PhantomData<T>);

impl<T> Default for Partial<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T> Deserialize<'de> for Partial<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        IgnoredAny::deserialize(deserializer).map(|_| Self::default())
    }
}

impl<T: JsonSchema> JsonSchema for Partial<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Partial{}", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        schema.insert(PARTIAL.to_owned(), true.into());
        schema
    }
}
