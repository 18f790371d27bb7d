//! Resolves how External Secrets reaches what keeps the values of secrets.

use super::{MeaningProblem, Resolver, SecretProblem};
use crate::{
    environment::{
        secret::{SecretBackend, SecretStore},
        secret_backend::{AwsStore, CaBundle, KubernetesStore, VaultStore},
    },
    model::{Authority, ClusterSecrets, SecretAccess, SecretProvider, VaultSecrets},
    template::Template,
};

/// The certificates that vouch for the cluster's own API server, in every namespace.
const OWN_CA: &str = "kube-root-ca.crt";

/// The cluster's own API server.
const OWN_SERVER: &str = "https://kubernetes.default.svc";

impl<'a> Resolver<'a, '_> {
    /// Returns how the release fetches its secrets, if it does.
    pub(super) fn secret_access(&mut self) -> Option<SecretAccess> {
        let store = self.environment.secret_store.as_ref()?;
        let provider = match store.backend {
            SecretBackend::Existing => return None,
            SecretBackend::AwsSecretsManager => {
                let needs = "`[secret_store.aws]`";
                let aws =
                    self.access(store.aws.as_ref(), "`backend = \"aws-secrets-manager\"`", needs)?;
                self.aws(aws)
            }
            SecretBackend::Vault => {
                let needs = "`[secret_store.vault]`";
                let vault = self.access(store.vault.as_ref(), "`backend = \"vault\"`", needs)?;
                self.vault(vault)
            }
            SecretBackend::Kubernetes => {
                let needs = "`[secret_store.kubernetes]`";
                let access = store.kubernetes.as_ref();
                let cluster = self.access(access, "`backend = \"kubernetes\"`", needs)?;
                self.cluster(cluster)
            }
        };
        let account = self.account(store, &provider);
        Some(SecretAccess { account, provider })
    }

    fn access<T>(
        &mut self,
        access: Option<&'a T>,
        what: &'static str,
        needs: &'static str,
    ) -> Option<&'a T> {
        if access.is_none() {
            let path = ["secret_store", "backend"];
            self.report(&path, MeaningProblem::Incomplete { what, needs });
        }
        access
    }

    /// Returns the service account that fetches secrets; with a token there is none.
    fn account(&mut self, store: &SecretStore, provider: &SecretProvider) -> Option<String> {
        if matches!(provider, SecretProvider::Cluster(ClusterSecrets { token: Some(_), .. })) {
            return None;
        }
        let path = ["secret_store", "service_account"];
        let scope = self.scope.clone();
        let account = self.expand(&store.service_account, &scope, &path);
        self.take_name(&account, &path, &path);
        Some(account)
    }

    fn aws(&mut self, store: &AwsStore) -> SecretProvider {
        let scope = self.scope.clone();
        let role = self.expand(&store.role_arn, &scope, &["secret_store", "aws", "role_arn"]);
        SecretProvider::Aws { region: store.region.clone(), role }
    }

    fn vault(&mut self, store: &VaultStore) -> SecretProvider {
        let scope = self.scope.clone();
        let server = self.server(&store.server, &["secret_store", "vault", "server"]);
        let role = self.expand(&store.role, &scope, &["secret_store", "vault", "role"]);
        let ca = store.ca.as_ref();
        SecretProvider::Vault(VaultSecrets {
            server,
            path: store.path.clone(),
            version: store.version.as_str(),
            namespace: store.namespace.clone(),
            auth_path: store.auth_path.clone(),
            role,
            audiences: store.audiences.clone(),
            ca: ca.and_then(|ca| self.authority(ca, &["secret_store", "vault", "ca"])),
        })
    }

    fn cluster(&mut self, store: &KubernetesStore) -> SecretProvider {
        let path = ["secret_store", "kubernetes"];
        let scope = self.scope.clone();
        let at = |key| ["secret_store", "kubernetes", key];
        let namespace = self.expand(&store.namespace, &scope, &at("namespace"));
        if !namespace.is_empty() && !a4co_bundle::is_dns_label(&namespace) {
            let problem = MeaningProblem::NotADnsLabel { name: namespace.clone() };
            self.report(&at("namespace"), problem);
        }
        let is_own = namespace == self.environment.release.namespace.as_ref();
        if store.server.is_none() && is_own {
            self.report(&at("namespace"), SecretProblem::OwnNamespace);
        }
        if store.server.is_some() && store.ca.is_none() {
            let (what, needs) = ("`server`", "`ca`, which vouches for it");
            self.report(&path, MeaningProblem::Incomplete { what, needs });
        }
        let token = store.token.as_ref().map(|token| {
            self.require_secret(token.secret.as_ref(), [token.key.as_ref()]);
            (token.secret.to_string(), token.key.to_string())
        });
        let server = store.server.as_ref().map(|server| self.server(server, &at("server")));
        let ca = store.ca.as_ref().and_then(|ca| self.authority(ca, &at("ca")));
        SecretProvider::Cluster(ClusterSecrets {
            namespace,
            server: server.unwrap_or_else(|| OWN_SERVER.to_owned()),
            ca: ca.unwrap_or_else(|| Authority {
                kind: "ConfigMap",
                name: OWN_CA.to_owned(),
                key: "ca.crt".to_owned(),
            }),
            token,
        })
    }

    fn server(&mut self, server: &Template, path: &[&str]) -> String {
        let scope = self.scope.clone();
        let server = self.expand(server, &scope, path);
        let rest = server.strip_prefix("https://").or_else(|| server.strip_prefix("http://"));
        let is_url = rest.is_some_and(|rest| {
            !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic())
        });
        if !server.is_empty() && !is_url {
            self.report(path, SecretProblem::NotAUrl { server: server.clone() });
        }
        server
    }

    fn authority(&mut self, ca: &CaBundle, path: &[&str]) -> Option<Authority> {
        let (kind, name) = match (&ca.config_map, &ca.secret) {
            (Some(name), None) => ("ConfigMap", name),
            (None, Some(name)) => {
                self.require_secret(name.as_ref(), [ca.key.as_ref()]);
                ("Secret", name)
            }
            _ => {
                self.report(path, SecretProblem::CaBundle);
                return None;
            }
        };
        Some(Authority { kind, name: name.to_string(), key: ca.key.to_string() })
    }
}
