//! Resolves secrets: the name of each here and in the backend.

use a4co_bundle::is_dns_label;

use super::{MeaningProblem, Resolver};
use crate::{
    environment::secret::{AwsStore, Secret, SecretBackend, SecretStore},
    model::{ResolvedSecret, SecretRole},
};

impl<'a> Resolver<'a, '_> {
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
        for (position, variable) in secret.keys.iter().enumerate() {
            let is_again = secret.keys[..position].contains(variable);
            if is_again || secret.composed.contains_key(variable) {
                let problem = MeaningProblem::Twice { name: variable.to_string() };
                self.report(&["secrets", key, "keys", &position.to_string()], problem);
            }
        }
        let plain = |key: &_| (format!("{key}"), format!("{{{{ .{key} }}}}"));
        let composed = secret.composed.iter().map(|(key, text)| (key.to_string(), text.clone()));
        ResolvedSecret {
            name,
            remote: self.expand(&store.key, &scope, &["secret_store", "key"]),
            keys: secret.keys.iter().map(ToString::to_string).collect(),
            values: secret.keys.iter().map(plain).chain(composed).collect(),
        }
    }

    /// Returns who fetches secrets from AWS, if that is where they come from.
    pub(super) fn secret_role(&mut self) -> Option<SecretRole<'a>> {
        let store = self.environment.secret_store.as_ref()?;
        if store.backend != SecretBackend::AwsSecretsManager {
            return None;
        }
        let Some(AwsStore { region, role_arn }) = &store.aws else {
            let (what, needs) = ("`backend = \"aws-secrets-manager\"`", "`[secret_store.aws]`");
            self.report(&["secret_store", "backend"], MeaningProblem::Incomplete { what, needs });
            return None;
        };
        let scope = self.scope.clone();
        let arn = self.expand(role_arn, &scope, &["secret_store", "aws", "role_arn"]);
        Some(SecretRole { region, arn })
    }
}
