//! Where a release lives: one application in one namespace of one cluster.

use std::fmt;

use a4co_bundle::{APPLYSET_ID_LABEL, Release, head_name, is_dns_label};

use crate::{
    client::{Client, Form},
    head::Head,
    head_object::HeadObject,
    list,
    live::{Metadata, PartialObject},
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
        let selector = format!("{APPLYSET_ID_LABEL},{}", text::APP_LABEL);
        let query = format!("labelSelector={}", text::in_query(&selector));
        let configs = format!("/api/v1{namespaces}/configmaps");
        let found = list::read_all(client, &configs, &query, Form::Metadata).await;
        let found: Vec<PartialObject> = found.map_err(|error| match namespace {
            None if error.is_forbidden() => Refusal::Unnamed { error },
            _ => error.into(),
        })?;
        let heads = found.into_iter().filter_map(|item| head_of(item.metadata));
        let heads: Vec<_> = heads.filter(|(_, of)| app.is_none_or(|app| of == app)).collect();
        match heads.as_slice() {
            [(namespace, app)] => Self::read(client, namespace, app).await,
            [] => {
                let place =
                    namespace.map_or("the cluster".into(), |name| format!("namespace `{name}`"));
                Err(Refusal::NoRelease {
                    place: app.map_or(place.clone(), |app| format!("{place} of `{app}`")),
                })
            }
            _ => Err(Refusal::SeveralReleases {
                places: heads.iter().map(|(namespace, app)| format!("{namespace}/{app}")).collect(),
            }),
        }
    }

    /// Reads the place of the head of `app` in `namespace`, which says what environment it is.
    async fn read(client: &Client, namespace: &str, app: &str) -> Result<Self, Refusal> {
        let (app, namespace) = (app.to_owned(), namespace.to_owned());
        let place = Self { app, namespace, environment: String::new() };
        let environment = place.head(client).await?.environment;
        Ok(Self { environment, ..place })
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
}

/// Namespace and app of a head; `None` when the object is none, for labels are easily copied.
fn head_of(mut metadata: Metadata) -> Option<(String, String)> {
    let app = metadata.labels.remove(text::APP_LABEL)?;
    (metadata.name == head_name(&app)).then_some((metadata.namespace?, app))
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.app)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_head_is_known_by_its_name_not_only_by_its_labels() {
        for (case, name, labels, expected) in [
            ("a head", "a4co.shop", json!({ text::APP_LABEL: "shop" }), true),
            ("a copy", "a4co.shop-backup", json!({ text::APP_LABEL: "shop" }), false),
            ("of another app", "a4co.shop", json!({ text::APP_LABEL: "other" }), false),
            ("without labels", "a4co.shop", json!({}), false),
        ] {
            let metadata = json!({
                "name": name, "namespace": "n", "uid": "u", "resourceVersion": "1", "labels": labels,
            });
            let metadata: Metadata = serde_json::from_str(&metadata.to_string()).unwrap();
            let head = head_of(metadata);
            assert_eq!(head, expected.then(|| ("n".to_owned(), "shop".to_owned())), "{case}");
        }
    }
}
