//! What exists beside the objects of the release: made by controllers, or declared.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{environment::site::Given, member::Member, model::Model, text::ObjectPath};

/// Keys of a Secret or `ConfigMap`; nothing if it may have any.
type Keys = Option<BTreeSet<String>>;

/// Objects by namespace and name, with their keys.
type Keyed = BTreeMap<(String, String), Keys>;

/// What exists beside the objects of the release.
pub(super) struct Known {
    pub(super) secrets: Keyed,
    pub(super) config_maps: Keyed,
    /// Other objects, by kind and name.
    others: BTreeSet<(String, String)>,
}

impl Known {
    pub(super) fn of(model: &Model, members: &[Member]) -> Self {
        let namespace = model.namespace();
        let mut known =
            Self { secrets: Keyed::new(), config_maps: Keyed::new(), others: BTreeSet::new() };
        for member in members {
            known.take_member(member);
        }
        for (name, keys) in &model.required_secrets {
            add(&mut known.secrets, namespace, name, Some(keys.clone()));
        }
        for (name, key) in model.required_config_maps() {
            let object = (namespace.to_owned(), name.to_owned());
            known.config_maps.entry(object).or_insert_with(|| Some([key.to_owned()].into()));
        }
        known.take_given(namespace, &model.environment.site.given);
        for entry in &model.environment.manifests {
            known.take_given(namespace, &entry.creates);
        }
        known
    }

    /// Returns whether an object of the namespace of the release, or of the cluster, is declared.
    pub(super) fn has(&self, kind: &str, name: &str) -> bool {
        self.others.contains(&(kind.to_owned(), name.to_owned()))
    }

    fn take_given(&mut self, namespace: &str, given: &Given) {
        for (declared, known) in
            [(&given.secrets, &mut self.secrets), (&given.config_maps, &mut self.config_maps)]
        {
            for (name, keys) in declared {
                let keys: BTreeSet<_> = keys.iter().map(ToString::to_string).collect();
                let keys = Some(keys).filter(|keys| !keys.is_empty());
                add(known, namespace, name.as_ref(), keys);
            }
        }
        let parts = given.objects.iter().map(ObjectPath::parts);
        self.others.extend(parts.map(|(kind, name)| (kind.to_owned(), name.to_owned())));
    }

    /// Takes what `member` is, or what a controller makes of it.
    fn take_member(&mut self, member: &Member) {
        let manifest = &member.manifest;
        let spec = &manifest["spec"];
        let mut secret =
            |name: &str, keys: Keys| add(&mut self.secrets, member.namespace(), name, keys);
        match (member.group(), member.kind()) {
            ("", "ConfigMap") => {
                let keys = ["data", "binaryData"].into_iter().flat_map(|it| keys_of(&manifest[it]));
                let keys = Some(keys.collect());
                add(&mut self.config_maps, member.namespace(), member.name(), keys);
            }
            ("", "Secret") => secret(member.name(), None),
            ("external-secrets.io", "ExternalSecret") => {
                let name = spec["target"]["name"].as_str().unwrap_or(member.name());
                secret(name, external_keys(spec));
            }
            ("cert-manager.io", "Certificate") => {
                let more =
                    !spec["keystores"].is_null() || !spec["additionalOutputFormats"].is_null();
                let keys = certificate_keys().filter(|_| !more);
                secret(spec["secretName"].as_str().unwrap_or_default(), keys);
            }
            ("cert-manager.io", "Issuer") => {
                let account = &spec["acme"]["privateKeySecretRef"]["name"];
                if let Some(name) = account.as_str() {
                    secret(name, Some(["tls.key".to_owned()].into()));
                }
            }
            // cert-manager makes a Certificate of each that asks for it by an annotation.
            ("networking.k8s.io", "Ingress") if is_issued(manifest) => {
                for tls in spec["tls"].as_array().into_iter().flatten() {
                    secret(tls["secretName"].as_str().unwrap_or_default(), certificate_keys());
                }
            }
            ("gateway.networking.k8s.io", "Gateway") if is_issued(manifest) => {
                for listener in spec["listeners"].as_array().into_iter().flatten() {
                    let references = listener["tls"]["certificateRefs"].as_array();
                    for reference in references.into_iter().flatten() {
                        let name = reference["name"].as_str().unwrap_or_default();
                        secret(name, certificate_keys());
                    }
                }
            }
            _ => {}
        }
    }
}

/// Adds an object, or more keys of one. If one of those who have it may have any key, so may it.
fn add(known: &mut Keyed, namespace: &str, name: &str, keys: Keys) {
    let object = (namespace.to_owned(), name.to_owned());
    let all = match (known.remove(&object), keys) {
        (None, keys) => keys,
        (Some(Some(first)), Some(second)) => Some(first.into_iter().chain(second).collect()),
        (Some(_), _) => None,
    };
    known.insert(object, all);
}

fn keys_of(table: &Value) -> impl Iterator<Item = String> {
    table.as_object().into_iter().flat_map(|table| table.keys().cloned())
}

/// Returns the keys of the Secret that External Secrets makes; nothing if only the backend knows.
fn external_keys(spec: &Value) -> Keys {
    let template = &spec["target"]["template"];
    if !spec["dataFrom"].is_null() || !template["templateFrom"].is_null() {
        return None;
    }
    if template["data"].is_object() && template["mergePolicy"] != "Merge" {
        return Some(keys_of(&template["data"]).collect());
    }
    let data = spec["data"].as_array().into_iter().flatten();
    let keys = data.filter_map(|data| data["secretKey"].as_str()).map(str::to_owned);
    Some(keys.chain(keys_of(&template["data"])).collect())
}

#[expect(clippy::unnecessary_wraps, reason = "the type of keys")]
fn certificate_keys() -> Keys {
    Some(["ca.crt", "tls.crt", "tls.key"].map(str::to_owned).into())
}

fn is_issued(manifest: &Value) -> bool {
    let annotations = &manifest["metadata"]["annotations"];
    ["cert-manager.io/issuer", "cert-manager.io/cluster-issuer"]
        .iter()
        .any(|annotation| annotations.get(annotation).is_some())
}
