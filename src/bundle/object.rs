//! One Kubernetes object of a release: what it is, when it is applied, and its bytes.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    canonical,
    digest::Digest,
    error::ReleaseError,
    grammar::{is_api_version, is_dns_label, is_kind, is_name},
    labels::PART_OF_LABEL,
    manifest::check_object_size,
};

/// Names one object in a cluster.
///
/// Sorts by kind, then API version, namespace and name; prints as `Kind/namespace/name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ObjectRef {
    /// Kind, such as `Deployment`.
    pub kind: String,
    /// API group and version, such as `apps/v1`, or `v1` for the core group.
    pub api_version: String,
    /// Namespace; absent for cluster-scoped objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Name within kind and namespace.
    pub name: String,
}

impl ObjectRef {
    /// Returns the API group; empty for the core group.
    #[must_use]
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// Returns what identifies the object in a cluster: group, kind, namespace and name.
    #[must_use]
    pub fn identity(&self) -> (&str, &str, Option<&str>, &str) {
        (self.group(), &self.kind, self.namespace.as_deref(), &self.name)
    }

    /// Reads what a manifest is of; the error names the field that is missing or malformed.
    fn from_manifest(manifest: &Value) -> Result<Self, &'static str> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let metadata = &manifest["metadata"];
        let namespace = match metadata.get("namespace") {
            None => None,
            Some(namespace) => Some(text(namespace).ok_or("metadata.namespace")?),
        };
        let object = Self {
            kind: text(&manifest["kind"]).ok_or("kind")?,
            api_version: text(&manifest["apiVersion"]).ok_or("apiVersion")?,
            namespace,
            name: text(&metadata["name"]).ok_or("metadata.name")?,
        };
        object.malformed_part().map_or(Ok(object), Err)
    }

    /// Returns the first part that cannot stand in a URL path as it is.
    pub(crate) fn malformed_part(&self) -> Option<&'static str> {
        let namespace = self.namespace.as_deref();
        let parts = [
            ("apiVersion", is_api_version(&self.api_version)),
            ("kind", is_kind(&self.kind)),
            ("metadata.namespace", namespace.is_none_or(is_dns_label)),
            ("metadata.name", is_name(&self.name)),
        ];
        parts.iter().find(|(_, is_good)| !is_good).map(|(part, _)| *part)
    }
}

impl fmt::Display for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{}/{namespace}/{}", self.kind, self.name),
            None => write!(f, "{}/{}", self.kind, self.name),
        }
    }
}

/// One object of a release.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    reference: ObjectRef,
    wave: u8,
    digest: Digest,
    bytes: Vec<u8>,
}

/// Fields that the API server writes. A manifest that sets them could never be applied twice.
const SERVER_FIELDS: [&str; 8] = [
    "creationTimestamp",
    "deletionTimestamp",
    "generateName",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

impl Object {
    /// Makes an object of `manifest`, to be applied in `wave`, as a member of the set `applyset`.
    ///
    /// # Errors
    /// Fails when the manifest is not a Kubernetes object, has fields that the API server owns,
    /// lacks the `applyset.kubernetes.io/part-of` label or has no canonical form.
    pub fn new(wave: u8, manifest: &Value, applyset: &str) -> Result<Self, ReleaseError> {
        let reference = check(manifest, applyset)?;
        let bytes = canonical::to_bytes(manifest)
            .map_err(|source| ReleaseError::Object { object: reference.to_string(), source })?;
        check_object_size(&reference, bytes.len() as u64)?;
        Ok(Self { reference, wave, digest: Digest::of(&bytes), bytes })
    }

    /// Takes bytes whose digest is `digest`, which the caller has checked, as the object that a
    /// release manifest lists as `listed`.
    pub(crate) fn from_verified_bytes(
        listed: ObjectRef,
        wave: u8,
        digest: Digest,
        bytes: Vec<u8>,
        applyset: &str,
    ) -> Result<Self, ReleaseError> {
        let manifest: Value = canonical::from_bytes(&bytes)
            .map_err(|source| ReleaseError::Object { object: listed.to_string(), source })?;
        let found = check(&manifest, applyset)?;
        if found != listed {
            let (listed, found) = (Box::new(listed), Box::new(found));
            return Err(ReleaseError::OtherObject { listed, found });
        }
        Ok(Self { reference: listed, wave, digest, bytes })
    }

    /// The object as `manifest`, which differs in the registries of pinned references only.
    ///
    /// A Job keeps its digest, so that it counts as the one that was done already.
    pub(crate) fn rewritten(&self, manifest: &Value) -> Result<Self, ReleaseError> {
        let bytes = canonical::to_bytes(manifest).map_err(|source| ReleaseError::Object {
            object: self.reference.to_string(),
            source,
        })?;
        check_object_size(&self.reference, bytes.len() as u64)?;
        let is_job = self.reference.group() == "batch" && self.reference.kind == "Job";
        let digest = if is_job { self.digest } else { Digest::of(&bytes) };
        Ok(Self { reference: self.reference.clone(), wave: self.wave, digest, bytes })
    }

    /// Returns what the object is.
    #[must_use]
    pub fn reference(&self) -> &ObjectRef {
        &self.reference
    }

    /// Returns the wave in which the object is applied, from 0.
    #[must_use]
    pub fn wave(&self) -> u8 {
        self.wave
    }

    /// Returns the digest of the object's bytes; of a Job that a site overlay rewrote, the digest of
    /// what the release lists.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// Returns the object as canonical JSON.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the object as a JSON value.
    ///
    /// # Panics
    /// Never: the bytes were parsed when the object was made.
    #[must_use]
    #[expect(clippy::expect_used, reason = "the constructors parsed these very bytes")]
    pub fn manifest(&self) -> Value {
        serde_json::from_slice(&self.bytes).expect("bytes are canonical JSON")
    }
}

fn check(manifest: &Value, applyset: &str) -> Result<ObjectRef, ReleaseError> {
    let reference = ObjectRef::from_manifest(manifest).map_err(|field| {
        let start = start_of(manifest);
        ReleaseError::NotAnObject { field, start }
    })?;
    let metadata = &manifest["metadata"];
    let server_field = SERVER_FIELDS.iter().find(|field| metadata.get(**field).is_some());
    if let Some(field) = server_field {
        let field = format!("metadata.{field}");
        return Err(ReleaseError::ServerField { object: reference, field });
    }
    if manifest.get("status").is_some() {
        return Err(ReleaseError::ServerField { object: reference, field: "status".to_owned() });
    }
    if metadata["labels"][PART_OF_LABEL].as_str() != Some(applyset) {
        return Err(ReleaseError::NotAMember { object: reference, applyset: applyset.to_owned() });
    }
    Ok(reference)
}

fn start_of(manifest: &Value) -> String {
    let mut text = manifest.to_string();
    if let Some((cut, _)) = text.char_indices().nth(80) {
        text.truncate(cut);
        text.push('…');
    }
    text
}
