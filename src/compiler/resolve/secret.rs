//! Resolves secrets: the name of each here and in the backend.

use a4co_bundle::is_dns_label;

use super::{MeaningProblem, Resolver, SecretProblem};
use crate::{
    environment::secret::{Secret, SecretBackend, SecretStore},
    model::ResolvedSecret,
    text::EnvName,
};

impl Resolver<'_, '_> {
    pub(super) fn secrets(&mut self) {
        let environment = self.environment;
        let Some(store) = &environment.secret_store else {
            if !environment.secrets.is_empty() {
                let (what, needs) = ("`[secrets]`", "a `[secret_store]`");
                self.report(&["secrets"], MeaningProblem::Incomplete { what, needs });
            }
            return;
        };
        for (key, secret) in &environment.secrets {
            let secret = self.secret(store, key, secret);
            if store.backend == SecretBackend::Existing {
                self.require_secret(&secret.name, secret.values.keys().cloned());
            }
            self.secrets.insert(key.clone(), secret);
        }
    }

    fn secret(&mut self, store: &SecretStore, key: &str, secret: &Secret) -> ResolvedSecret {
        let scope = self.scope.clone().with("secret", &key);
        let name = self.expand(&store.name, &scope, &["secret_store", "name"]);
        if !is_dns_label(&name) {
            let problem = MeaningProblem::NotADnsLabel { name: name.clone() };
            self.report(&["secret_store", "name"], problem);
        }
        self.take_secret_name(&name, &["secrets", key]);
        self.check_keys(key, secret);
        self.check_composed(key, secret);
        let plain = |key: &_| (format!("{key}"), format!("{{{{ .{key} }}}}"));
        let composed = secret.composed.iter().map(|(key, text)| (key.to_string(), text.clone()));
        ResolvedSecret {
            name,
            remote: self.remote_name(store, key, secret),
            keys: properties(secret),
            values: secret.keys.iter().map(plain).chain(composed).collect(),
        }
    }

    /// Returns the name of a secret in the backend.
    fn remote_name(&mut self, store: &SecretStore, key: &str, secret: &Secret) -> String {
        let scope = self.scope.clone().with("secret", &key);
        let (template, path) = match &secret.key {
            Some(template) => (template.clone(), vec!["secrets", key, "key"]),
            None => (store.key(), vec!["secret_store", "key"]),
        };
        let remote = self.expand(&template, &scope, &path);
        let is_name = remote.len() <= 253 && remote.split('.').all(is_dns_label);
        if store.backend == SecretBackend::Kubernetes && !is_name {
            self.report(&path, SecretProblem::NotASecretName { key: remote.clone() });
        }
        remote
    }

    fn check_keys(&mut self, key: &str, secret: &Secret) {
        for (position, variable) in secret.keys.iter().enumerate() {
            let is_again = secret.keys[..position].contains(variable);
            if is_again || secret.composed.contains_key(variable) {
                let problem = MeaningProblem::Twice { name: variable.to_string() };
                self.report(&["secrets", key, "keys", &position.to_string()], problem);
            }
        }
        for variable in secret.properties.keys() {
            if !secret.keys.contains(variable) {
                let (name, known) = (variable.to_string(), texts(&secret.keys));
                let path = ["secrets", key, "properties", variable.as_ref()];
                self.report(&path, MeaningProblem::Unknown { what: "key", name, known });
            }
        }
    }

    /// Reports values that templates name and the secret does not have: External Secrets would
    /// find that out only in the cluster.
    fn check_composed(&mut self, key: &str, secret: &Secret) {
        for (variable, template) in &secret.composed {
            for name in values_in(template) {
                if !secret.keys.iter().any(|key| key.as_ref() == name) {
                    let (name, known) = (name.to_owned(), texts(&secret.keys));
                    let path = ["secrets", key, "composed", variable.as_ref()];
                    self.report(&path, SecretProblem::UnknownValue { name, known });
                }
            }
        }
    }
}

fn texts(names: &[EnvName]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// Returns the keys of `secret`, each with what it is called in the backend.
fn properties(secret: &Secret) -> Vec<(String, String)> {
    let property = |key: &EnvName| match secret.properties.get(key) {
        Some(property) => property.clone(),
        None => key.to_string(),
    };
    secret.keys.iter().map(|key| (key.to_string(), property(key))).collect()
}

/// Returns the names of the values that a template of External Secrets uses: `{{ .NAME }}`, also
/// as an argument of a function. What begins with a letter of a text in quotes is none.
fn values_in(template: &str) -> Vec<&str> {
    let actions = template.split("{{").skip(1).filter_map(|rest| Some(rest.split_once("}}")?.0));
    // Every second part is in quotes.
    let code = actions.flat_map(|action| action.split(['"', '`']).step_by(2));
    let words = code.flat_map(|code| code.split(|c: char| c.is_whitespace() || "()|-".contains(c)));
    let names = words.filter_map(|word| word.strip_prefix('.'));
    names.filter(|name| EnvName::try_from((*name).to_owned()).is_ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::values_in;

    #[test]
    fn values_of_templates_are_found_and_nothing_else() {
        for (template, names) in [
            ("{{ .USER }}:{{.PASSWORD}}", vec!["USER", "PASSWORD"]),
            ("{{- .A | urlquery -}}", vec!["A"]),
            ("{{ printf \"%s .x {{\" (index .A) }}", vec![]),
            ("{{ printf \"%s .x\" (.A | lower) .B }}", vec!["A", "B"]),
            ("{{ . }} .A {{ $x.B }}", vec![]),
            ("no template, .A", vec![]),
        ] {
            assert_eq!(values_in(template), names, "{template}");
        }
    }
}
