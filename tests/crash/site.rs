//! A place for one run: an application of its own in a namespace that it shares with others.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use a4co_bundle::{
    Attestation, Bundle, CONFIG_SCHEMA, PART_OF_LABEL, Purpose, Release, ReleaseConfig,
    Requirements, Signature, Statement, TrustAnchor, TrustFile, UnverifiedBundle, VerifyingKey,
    applyset_id, head_name, pack,
};
use a4co_cluster::Place;
use a4co_testenv::unique_namespace;
use ed25519_dalek::{Signer as _, SigningKey};
use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, Result},
    objects,
};

/// Applications that share a namespace. Creating one for each run would cost as much as the run.
const SHARED_BY: usize = 20;

const ENVIRONMENT: &str = "test";

/// A place for one run.
#[derive(Clone, Debug)]
pub(crate) struct Site {
    pub(crate) app: Arc<str>,
    pub(crate) namespace: Arc<str>,
}

thread_local! {
    /// The namespace that this thread uses, and how many applications it has.
    static CURRENT: RefCell<Option<(Arc<str>, usize)>> = const { RefCell::new(None) };
}

/// A name that no other run of this process has. It has letters that no digest has, so that it can
/// be replaced in any text.
fn new_app() -> Arc<str> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    format!("shop-{:05}", NEXT.fetch_add(1, Ordering::Relaxed)).into()
}

impl Site {
    /// A place in a namespace that exists.
    pub(crate) async fn new(cluster: &Cluster) -> Result<Self> {
        let free = CURRENT.with_borrow_mut(|current| {
            let (namespace, count) = current.as_mut()?;
            *count += 1;
            (*count <= SHARED_BY).then(|| namespace.clone())
        });
        if let Some(namespace) = free {
            return Ok(Self { app: new_app(), namespace });
        }
        let site = Self::without_namespace();
        site.make_namespace(cluster).await?;
        CURRENT.set(Some((site.namespace.clone(), 1)));
        Ok(site)
    }

    /// A place whose namespace does not exist.
    pub(crate) fn without_namespace() -> Self {
        Self { app: new_app(), namespace: unique_namespace("crash").into() }
    }

    /// Another application in the same namespace.
    pub(crate) fn neighbour(&self) -> Self {
        Self { app: new_app(), namespace: self.namespace.clone() }
    }

    async fn make_namespace(&self, cluster: &Cluster) -> Result<()> {
        let namespace = json!({
            "apiVersion": "v1",
            "kind": "Namespace",
            "metadata": { "name": *self.namespace },
        });
        cluster.create("/api/v1/namespaces", &namespace).await
    }

    pub(crate) fn place(&self) -> Place {
        Place {
            app: self.app.to_string(),
            namespace: self.namespace.to_string(),
            environment: ENVIRONMENT.to_owned(),
        }
    }

    pub(crate) fn head_name(&self) -> String {
        head_name(&self.app)
    }

    pub(crate) fn head_path(&self) -> String {
        format!("/api/v1/namespaces/{}/configmaps/{}", self.namespace, self.head_name())
    }

    pub(crate) fn lease_path(&self) -> String {
        let namespace = &self.namespace;
        format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{}", self.head_name())
    }

    pub(crate) fn applyset(&self) -> String {
        applyset_id(&self.app, &self.namespace)
    }

    /// Name in the cluster of the object that a scenario calls `short`.
    pub(crate) fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.app)
    }

    /// What a scenario calls the object `name`.
    pub(crate) fn short_name(&self, name: &str) -> String {
        let own = name.strip_prefix(&*self.app).and_then(|rest| rest.strip_prefix('-'));
        self.without_names(own.unwrap_or(name))
    }

    /// Plural and short name of the object at `path`, such as `configmaps/added`.
    pub(crate) fn short_path(&self, path: &str) -> String {
        let mut parts = path.rsplit('/');
        let (name, plural) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("{plural}/{}", self.short_name(name))
    }

    /// `text` without what differs from run to run.
    pub(crate) fn without_names(&self, text: &str) -> String {
        text.replace(&self.applyset(), "APPLYSET")
            .replace(&*self.app, "APP")
            .replace(&*self.namespace, "NAMESPACE")
    }

    pub(crate) fn labels(&self) -> Value {
        json!({ PART_OF_LABEL: self.applyset() })
    }

    /// Metadata of the namespaced object that a scenario calls `short`.
    pub(crate) fn metadata(&self, short: &str) -> Value {
        json!({
            "name": self.name(short),
            "namespace": *self.namespace,
            "labels": self.labels(),
        })
    }

    pub(crate) fn config(&self, version: &str) -> Result<ReleaseConfig> {
        Ok(ReleaseConfig {
            schema: CONFIG_SCHEMA,
            app: self.app.to_string(),
            environment: ENVIRONMENT.to_owned(),
            version: version.parse()?,
            namespace: self.namespace.to_string(),
            images: Vec::new(),
            requirements: Requirements::default(),
            readiness: Vec::new(),
            keep: Vec::new(),
            notes: Vec::new(),
        })
    }

    /// A signed bundle of a release of `objects`.
    pub(crate) fn bundle(&self, version: &str, objects: Vec<(u8, Value)>) -> Result<Bundle> {
        let images = objects::images(&objects)?;
        let config = ReleaseConfig { images, ..self.config(version)? };
        let release = Release::new(config, objects)?;
        let statement = Statement::new(&release, Vec::new(), 0).to_bytes()?;
        let key = key();
        let signed = Signature::signed_data(Purpose::Release, &statement);
        let public = VerifyingKey::from_bytes(key.verifying_key().as_bytes())?;
        let signature = Signature::new(Purpose::Release, public, key.sign(&signed).to_bytes());
        let attestation = Attestation { statement, signatures: vec![signature], trust: Vec::new() };
        let bytes = pack(Vec::new(), &attestation, &release)?;
        Ok(UnverifiedBundle::open(bytes.as_slice())?.verify(&trust()?)?)
    }
}

fn key() -> SigningKey {
    SigningKey::from_bytes(&[7; 32])
}

/// Trust in the key that signs here.
pub(crate) fn trust() -> Result<TrustAnchor> {
    let key = VerifyingKey::from_bytes(key().verifying_key().as_bytes())?;
    Ok(TrustAnchor::from_file(&TrustFile::first([key]).to_bytes()?)?)
}
