//! Makes a document a member of the release: what it must be, its namespace, its labels.

use a4co_bundle::{GroupKind, PART_OF_LABEL};
use serde_json::{Value as Json, json};

use super::{
    ManifestProblem,
    scope::{Known, Scopes},
    secret_value::is_private_key,
};
use crate::{
    environment::{
        Environment,
        manifests::{Manifests, Scope},
    },
    finding::Findings,
    member::{Member, Origin, group_of},
    place::Place,
    render::{MANAGED_BY, MANAGER, PART_OF},
    tree::{Node, Value},
};

/// Annotation that makes an object a hook of Helm.
const HELM_HOOK: &str = "helm.sh/hook";

/// Annotation in which `kubectl apply` keeps what it applied.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Fields of `metadata` that the API server writes.
const SERVER_FIELDS: [&str; 7] = [
    "creationTimestamp",
    "deletionTimestamp",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Reads documents of one entry.
pub(super) struct Reader<'a, 'f> {
    pub(super) environment: &'a Environment,
    pub(super) entry: &'a Manifests,
    pub(super) position: usize,
    pub(super) scopes: &'a Scopes,
    pub(super) applyset: &'a str,
    pub(super) findings: &'f mut Findings,
}

impl Reader<'_, '_> {
    /// Returns the object that `document` is. What is wrong is reported; without kind and name there
    /// is no object.
    pub(super) fn member(&mut self, document: &Node) -> Option<Member> {
        let api_version = self.text(document, &["apiVersion"], "apiVersion")?;
        let kind = self.text(document, &["kind"], "kind")?;
        let metadata = document.get("metadata");
        if metadata.is_some_and(|metadata| metadata.get("generateName").is_some()) {
            let place = document.place_of(&["metadata", "generateName"]);
            self.findings.add(place, ManifestProblem::GeneratedName);
            return None;
        }
        let name = self.text(document, &["metadata", "name"], "metadata.name")?;
        let title = format!("{kind}/{name}");
        self.check_foreign(document, &title);
        self.check_values(document, &title);
        let scope = self.scope(document, &api_version, &kind)?;
        let mut manifest = document.to_json();
        if let Json::Object(fields) = &mut manifest {
            fields.remove("status");
        }
        self.place_in_namespace(document, &mut manifest, scope, &title);
        self.label(&mut manifest);
        let origin = Origin::Own { document: document.clone(), entry: self.position };
        Some(Member { manifest, origin, patch: None })
    }

    fn text(&mut self, document: &Node, path: &[&str], field: &'static str) -> Option<String> {
        let found = path.iter().try_fold(document, |node, key| node.get(key));
        let text = found.and_then(Node::as_str).filter(|text| !text.is_empty());
        if text.is_none() {
            self.findings.add(document.place_of(path), ManifestProblem::NoObject { field });
        }
        text.map(str::to_owned)
    }

    /// Reports what other tools or the API server have left in the document.
    fn check_foreign(&mut self, document: &Node, title: &str) {
        let metadata = document.get("metadata");
        for field in SERVER_FIELDS {
            if metadata.is_some_and(|metadata| metadata.get(field).is_some()) {
                let place = document.place_of(&["metadata", field]);
                let field = format!("metadata.{field}");
                self.findings.add(place, ManifestProblem::ServerField { field });
            }
        }
        let annotations = metadata.and_then(|metadata| metadata.get("annotations"));
        for (annotation, value) in annotations.and_then(Node::as_table).iter().flat_map(|it| &it.0)
        {
            let problem = match annotation.as_str() {
                HELM_HOOK => ManifestProblem::HelmHook {
                    object: title.to_owned(),
                    hook: value.node.as_str().unwrap_or_default().to_owned(),
                },
                LAST_APPLIED => ManifestProblem::ServerField { field: LAST_APPLIED.to_owned() },
                _ => continue,
            };
            self.findings.add(value.key.clone(), problem);
        }
    }

    /// Reports secret values and templates of Helm.
    fn check_values(&mut self, document: &Node, title: &str) {
        let kind = document.get("kind").and_then(Node::as_str);
        let is_secret = kind == Some("Secret")
            && document.get("apiVersion").and_then(Node::as_str) == Some("v1");
        for field in ["data", "stringData"] {
            let values = document.get(field).and_then(Node::as_table);
            if is_secret && values.is_some_and(|values| !values.0.is_empty()) {
                let problem = ManifestProblem::SecretValue { object: title.to_owned() };
                self.findings.add(document.place_of(&[field]), problem);
            }
        }
        self.check_texts(document, title);
    }

    fn check_texts(&mut self, node: &Node, title: &str) {
        match &node.value {
            Value::Table(table) => {
                table.0.values().for_each(|entry| self.check_texts(&entry.node, title));
            }
            Value::Array(items) => items.iter().for_each(|item| self.check_texts(item, title)),
            Value::String(text) => self.check_text(text, &node.place, title),
            _ => {}
        }
    }

    fn check_text(&mut self, text: &str, place: &Place, title: &str) {
        if is_private_key(text) {
            let problem = ManifestProblem::SecretValue { object: title.to_owned() };
            self.findings.add(place.clone(), problem);
        }
        let mut expressions = text.split("{{").skip(1);
        let of_helm = |expression: &&str| {
            let expression = expression.trim_start_matches(['-', ' ']);
            let names = [".Values.", ".Release.", ".Chart.", "include \"", "$.Values."];
            names.iter().any(|name| expression.starts_with(name))
        };
        if let Some(expression) = expressions.find(of_helm) {
            let expression = expression.split("}}").next().unwrap_or_default();
            let text = format!("{{{{{expression}}}}}");
            self.findings.add(place.clone(), ManifestProblem::HelmTemplate { text });
        }
    }

    fn scope(&mut self, document: &Node, api_version: &str, kind: &str) -> Option<Scope> {
        let group_kind =
            GroupKind { group: group_of(api_version).to_owned(), kind: kind.to_owned() };
        let (kind, api_version) = (kind.to_owned(), api_version.to_owned());
        let problem = match self.scopes.scope(&group_kind, &self.entry.scopes) {
            Known::As(scope) => return Some(scope),
            Known::NoSuchKind(known) => ManifestProblem::NoSuchKind { kind, api_version, known },
            Known::No => ManifestProblem::UnknownKind { kind, api_version },
        };
        self.findings.add(document.place_of(&["kind"]), problem);
        None
    }

    /// Gives the object the namespace that it must have.
    fn place_in_namespace(
        &mut self,
        document: &Node,
        manifest: &mut Json,
        scope: Scope,
        title: &str,
    ) {
        let namespace = self.environment.release.namespace.to_string();
        let found = manifest["metadata"]["namespace"].as_str().map(str::to_owned);
        let object = title.to_owned();
        let problem = match (scope, found) {
            (Scope::Namespaced, None) => {
                manifest["metadata"]["namespace"] = namespace.into();
                return;
            }
            (Scope::Cluster, None) => return,
            (Scope::Cluster, Some(_)) => ManifestProblem::ClusterObject { object },
            (Scope::Namespaced, Some(found)) => {
                let others = self.entry.namespaces.iter();
                if found == namespace || others.map(AsRef::as_ref).any(|other: &str| other == found)
                {
                    return;
                }
                ManifestProblem::OtherNamespace { object, found, namespace }
            }
        };
        self.findings.add(document.place_of(&["metadata", "namespace"]), problem);
    }

    /// Adds the labels by which people and tools find what belongs to the release. What the team
    /// itself says of the whole that an object is part of stays: others may select by it.
    fn label(&self, manifest: &mut Json) {
        let labels = &mut manifest["metadata"]["labels"];
        if !labels.is_object() {
            *labels = json!({});
        }
        if labels.get(PART_OF).is_none() {
            labels[PART_OF] = self.environment.release.app.to_string().into();
        }
        labels[MANAGED_BY] = MANAGER.into();
        labels[PART_OF_LABEL] = self.applyset.into();
    }
}
