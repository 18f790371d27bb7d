//! Where a release lives: one application in one namespace of one cluster.

use std::fmt;

use a4co_bundle::{APPLYSET_ID_LABEL, Release, is_dns_label};
use k8s_openapi::api::core::v1::ConfigMap;

use crate::{
    client::{Client, Form},
    head::Head,
    head_object::HeadObject,
    list::List,
    refusal::Refusal,
    store::Store,
    text,
};

/// Where a release lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Application.
    pub app: String,
    /// Namespace that holds the release's state.
    pub namespace: String,
    /// Environment that the place is.
    pub environment: String,
}

impl Place {
    /// Returns where `release` belongs.
    #[must_use]
    pub fn of(release: &Release) -> Self {
        let config = release.config();
        Self {
            app: config.app.clone(),
            namespace: config.namespace.clone(),
            environment: config.environment.clone(),
        }
    }

    /// Finds the one place in the cluster, or in `namespace`, that has a release, of `app` if given.
    ///
    /// # Errors
    /// Refuses when there is none or more than one.
    pub async fn find(
        client: &Client,
        namespace: Option<&str>,
        app: Option<&str>,
    ) -> Result<Self, Refusal> {
        if let Some(name) = namespace.filter(|name| !is_dns_label(name)) {
            return Err(Refusal::NotANamespace { name: text::clean(name) });
        }
        let namespaces = namespace.map_or(String::new(), |name| format!("/namespaces/{name}"));
        let selector = format!("{APPLYSET_ID_LABEL},{}", text::APP_LABEL).replace('/', "%2F");
        let path = format!("/api/v1{namespaces}/configmaps?labelSelector={selector}");
        let heads: Option<List<ConfigMap>> = client.get(&path, Form::Whole).await?;
        let items = heads.map_or_else(Vec::new, |heads| heads.items);
        let mut places: Vec<Self> = items.into_iter().filter_map(Self::of_head).collect();
        places.retain(|place| app.is_none_or(|app| place.app == app));
        match places.len() {
            1 => Ok(places.remove(0)),
            0 => {
                let place =
                    namespace.map_or("the cluster".into(), |name| format!("namespace `{name}`"));
                Err(Refusal::NoRelease {
                    place: app.map_or(place.clone(), |app| format!("{place} of `{app}`")),
                })
            }
            _ => Err(Refusal::SeveralReleases {
                places: places.iter().map(Self::to_string).collect(),
            }),
        }
    }

    /// Reads the head.
    ///
    /// # Errors
    /// Refuses when it cannot be read, or when there is none.
    pub async fn head(&self, client: &Client) -> Result<Head, Refusal> {
        Ok(self.head_object(client).await?.head)
    }

    pub(crate) async fn head_object(&self, client: &Client) -> Result<HeadObject, Refusal> {
        Ok(HeadObject::read(client, &self.app, &self.namespace, &self.environment).await?)
    }

    pub(crate) fn store<'a>(&'a self, client: &'a Client) -> Store<'a> {
        Store { client, app: &self.app, namespace: &self.namespace }
    }

    fn of_head(head: ConfigMap) -> Option<Self> {
        let app = head.metadata.labels?.remove(text::APP_LABEL)?;
        let environment = head.data?.remove("environment")?;
        Some(Self { app, namespace: head.metadata.namespace?, environment })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.app)
    }
}
