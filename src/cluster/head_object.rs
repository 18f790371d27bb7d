//! The object that holds the head, read and written as one.

use std::time::Duration;

use a4co_bundle::{APPLYSET_ID_LABEL, applyset_id, head_name};
use jiff::Timestamp;
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};

use crate::{
    client::{Client, Dependents, Form},
    error::ApiError,
    head::{Fields, Head, HeadError},
    live::PartialObject,
    mutant::{self, Mutant},
    text,
};

/// How often a write without an answer is tried again.
const ATTEMPTS: usize = 5;
const PAUSE: Duration = Duration::from_millis(200);

/// A head as it was read, with what is needed to write it.
#[derive(Clone, Debug)]
pub(crate) struct HeadObject {
    app: String,
    namespace: String,
    /// Version of the object; `None` when it does not exist yet.
    resource_version: Option<String>,
    /// Its metadata as it was read: what others have put there stays.
    metadata: ObjectMeta,
    pub(crate) head: Head,
}

impl HeadObject {
    /// Reads the head of `app` in `namespace`; a new one when there is none yet.
    pub(crate) async fn read(
        client: &Client,
        app: &str,
        namespace: &str,
        environment: &str,
    ) -> Result<Self, HeadError> {
        let found: Option<ConfigMap> =
            client.get(&path(namespace, &head_name(app)), Form::Whole).await?;
        // Above every epoch of an installation that was deleted before.
        let epoch = Timestamp::now().as_second().try_into().unwrap_or_default();
        let mut head = Head { epoch, ..Head::new(environment) };
        let mut metadata = ObjectMeta::default();
        if let Some(object) = found {
            let fields = Fields { namespace, app, data: object.data.unwrap_or_default() };
            head = fields.to_head()?;
            metadata = object.metadata;
        }
        let resource_version = metadata.resource_version.clone();
        let (app, namespace) = (app.to_owned(), namespace.to_owned());
        Ok(Self { app, namespace, resource_version, metadata, head })
    }

    /// Returns whether the head exists in the cluster.
    pub(crate) fn exists(&self) -> bool {
        self.resource_version.is_some()
    }

    /// Returns whether both were read from the same version of the object.
    pub(crate) fn is_same_version(&self, other: &Self) -> bool {
        self.resource_version == other.resource_version
    }

    /// Returns whether nobody else has written since this head was read or written.
    pub(crate) async fn is_current(&self, client: &Client) -> Result<bool, ApiError> {
        let path = path(&self.namespace, &head_name(&self.app));
        let found: Option<PartialObject> = client.get(&path, Form::Metadata).await?;
        Ok(found.map(|found| found.metadata.resource_version) == self.resource_version)
    }

    /// Writes `head` if nobody else has written since this head was read.
    ///
    /// Without an answer nobody knows whether it was written. So the head is read again: if it is
    /// what we meant to write, it was; if not, the same write is tried again, which cannot do harm
    /// because it is guarded by the version that it replaces.
    pub(crate) async fn write(&mut self, client: &Client, head: Head) -> Result<(), ApiError> {
        let mut object = self.object(&head);
        if mutant::is(Mutant::HeadWithoutPrecondition) {
            object.metadata.resource_version = None;
        }
        let path = path(&self.namespace, &head_name(&self.app));
        let mut attempts = 0;
        let written: ConfigMap = loop {
            let answer = if self.exists() {
                client.replace(&path, &object).await
            } else {
                client.create(&collection(&self.namespace), &object).await
            };
            let error = match answer {
                Ok(written) => break written,
                Err(error) if error.is_unclear() && mutant::is(Mutant::LostHeadWriteIsDone) => {
                    break object;
                }
                Err(error) if error.is_unclear() || error.is_conflict() => error,
                Err(error) => return Err(error),
            };
            let found: Option<ConfigMap> = client.get(&path, Form::Whole).await?;
            match found.filter(|found| found.data == object.data) {
                Some(found) => break found,
                None if error.is_unclear() && attempts < ATTEMPTS => attempts += 1,
                None => return Err(error),
            }
            tokio::time::sleep(PAUSE).await;
        };
        self.resource_version = written.metadata.resource_version;
        if mutant::is(Mutant::HeadWrittenTwice) {
            drop(client.replace::<ConfigMap>(&path, &self.object(&head)).await);
        }
        self.head = head;
        Ok(())
    }

    /// Deletes the object if nobody else has written since this head was read.
    pub(crate) async fn delete(self, client: &Client) -> Result<(), ApiError> {
        let path = path(&self.namespace, &head_name(&self.app));
        let found: Option<ConfigMap> = client.get(&path, Form::Whole).await?;
        let metadata = found.map(|found| found.metadata).unwrap_or_default();
        let Some((uid, version)) = metadata.uid.zip(self.resource_version) else { return Ok(()) };
        let mut attempts = 0;
        loop {
            match client.delete(&path, &uid, &version, Dependents::Follow).await {
                // Deleting it again does no harm.
                Err(error) if error.is_unclear() && attempts < ATTEMPTS => attempts += 1,
                done => return done.map(drop),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn object(&self, head: &Head) -> ConfigMap {
        let id = applyset_id(&self.app, &self.namespace);
        let text = |text: &str| text.to_owned();
        let ObjectMeta { labels, annotations, finalizers, owner_references, .. } =
            self.metadata.clone();
        let mut labels = labels.unwrap_or_default();
        labels.extend([
            (text(APPLYSET_ID_LABEL), id),
            (text(text::APP_LABEL), self.app.clone()),
            (text(text::MANAGED_BY_LABEL), text(text::MANAGED_BY)),
        ]);
        let mut annotations = annotations.unwrap_or_default();
        annotations.insert(
            text("applyset.kubernetes.io/tooling"),
            format!("{}/{}", text::MANAGED_BY, env!("CARGO_PKG_VERSION")),
        );
        ConfigMap {
            metadata: ObjectMeta {
                name: Some(head_name(&self.app)),
                namespace: Some(self.namespace.clone()),
                resource_version: self.resource_version.clone(),
                labels: Some(labels),
                annotations: Some(annotations),
                finalizers,
                owner_references,
                ..ObjectMeta::default()
            },
            data: Some(head.to_data()),
            ..ConfigMap::default()
        }
    }
}

fn collection(namespace: &str) -> String {
    format!("/api/v1/namespaces/{namespace}/configmaps")
}

fn path(namespace: &str, name: &str) -> String {
    format!("{}/{name}", collection(namespace))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn what_others_have_put_on_a_head_stays() {
        let theirs = || Some(BTreeMap::from([("theirs".to_owned(), "x".to_owned())]));
        let metadata = ObjectMeta {
            labels: theirs(),
            annotations: theirs(),
            finalizers: Some(vec!["example.com/backup".to_owned()]),
            ..ObjectMeta::default()
        };
        let (app, namespace) = ("shop".to_owned(), "n".to_owned());
        let head = Head::new("staging");
        let object = HeadObject { app, namespace, resource_version: None, metadata, head };
        let written = object.object(&object.head).metadata;
        assert_eq!(written.labels.unwrap()["theirs"], "x");
        assert_eq!(written.annotations.unwrap()["theirs"], "x");
        assert_eq!(written.finalizers.unwrap(), ["example.com/backup"]);
    }
}
