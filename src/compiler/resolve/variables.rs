//! Collects the environment variables of a service from everything that gives it some.

use std::collections::{BTreeMap, BTreeSet};

use super::{MeaningProblem, Resolver, component, component::Names};
use crate::{
    environment::{endpoint::Provides, service::Service},
    model::{ResolvedSecret, Variable},
    template::Scope,
    text::EnvName,
};

/// A variable on its way into a container.
struct Offer {
    name: String,
    value: Variable,
    /// Where it comes from, in words.
    source: String,
    /// Where that is said, below the service.
    path: Vec<String>,
}

impl<'a> Resolver<'a, '_> {
    /// Returns the variables of a service by name. Two offers of one name are reported.
    pub(super) fn variables(
        &mut self,
        key: &str,
        service: &Service,
        scope: &Scope,
        names: &Names,
        secrets: &BTreeMap<String, ResolvedSecret>,
    ) -> BTreeMap<String, Variable> {
        let mut offers = self.own_variables(key, service, scope);
        offers.extend(self.provided_variables(service, names));
        offers.extend(self.secret_variables(key, service, secrets));
        let mut sources = BTreeMap::new();
        let mut variables = BTreeMap::new();
        for Offer { name, value, source, path } in offers {
            if let Some(first) = sources.insert(name.clone(), source.clone()) {
                let path = path.iter().map(String::as_str);
                let path: Vec<_> = ["services", key].into_iter().chain(path).collect();
                let name = name.clone();
                self.report(&path, MeaningProblem::VariableClash { name, first, second: source });
            }
            variables.insert(name, value);
        }
        variables
    }

    fn own_variables(&mut self, key: &str, service: &Service, scope: &Scope) -> Vec<Offer> {
        let offer = |table: &str, name: &EnvName, value| Offer {
            name: name.to_string(),
            value,
            source: format!("`{table}`"),
            path: vec![table.to_owned(), name.to_string()],
        };
        let texts = service.env.iter().map(|(name, template)| {
            let path = ["services", key, "env", name.as_ref()];
            offer("env", name, Variable::Text(self.expand(template, scope, &path)))
        });
        let fields = service.pod_fields.iter();
        let fields = fields.map(|(name, field)| offer("pod_fields", name, Variable::Field(*field)));
        texts.chain(fields).collect()
    }

    fn provided_variables(&mut self, service: &Service, names: &Names) -> Vec<Offer> {
        let mut offers = Vec::new();
        for need in service.needs.iter().collect::<BTreeSet<_>>() {
            offers.extend(self.provided(need, names).into_iter().map(|(name, text)| Offer {
                name,
                value: Variable::Text(text),
                source: format!("the need of `{need}`"),
                path: vec!["needs".to_owned()],
            }));
        }
        offers
    }

    fn secret_variables(
        &mut self,
        key: &str,
        service: &Service,
        secrets: &BTreeMap<String, ResolvedSecret>,
    ) -> Vec<Offer> {
        let names = self.secrets_of(key, service);
        let known = names.iter().filter_map(|name| Some((name, secrets.get(name)?)));
        let offers = known.flat_map(|(name, secret)| {
            secret.values.keys().map(move |variable| Offer {
                name: variable.clone(),
                value: Variable::Secret(secret.name.clone()),
                source: format!("secret `{name}`"),
                path: vec!["secrets".to_owned()],
            })
        });
        offers.collect()
    }

    /// Returns the variables that `need` provides, expanded.
    fn provided(&mut self, need: &str, names: &Names) -> Vec<(String, String)> {
        let Some((table, provides, scope)) = self.provider(need, names) else {
            return Vec::new();
        };
        let mut variables = Vec::new();
        for (name, value) in &provides.env {
            let path = [table, need, "provides", "env"];
            let name = self.expand(name, &scope, &path);
            if !name.is_empty() && EnvName::try_from(name.clone()).is_err() {
                self.report(&path, MeaningProblem::NotAVariable { name: name.clone() });
            }
            variables.push((name, self.expand(value, &scope, &path)));
        }
        variables
    }

    /// Returns what `need` provides, the table that says so, and the placeholders there.
    fn provider(&self, need: &str, names: &Names) -> Option<(&'static str, &'a Provides, Scope)> {
        if let Some(service) = self.environment.services.get(need) {
            let name = names.name_of(need);
            let scope = component::scope(&self.scope, need, service);
            return Some((
                "services",
                &service.provides,
                scope.with("name", &name).with("host", &name),
            ));
        }
        let endpoint = self.environment.endpoints.get(need)?;
        Some(("endpoints", &endpoint.provides, self.endpoint_scope(endpoint)))
    }

    /// Returns the names of the secrets that a service has, each once: its own and those of its
    /// needs. Unknown ones are reported.
    fn secrets_of(&mut self, key: &str, service: &Service) -> BTreeSet<String> {
        let environment = self.environment;
        let mut lists: Vec<(Vec<&str>, &[String])> =
            vec![(vec!["services", key, "secrets"], &service.secrets)];
        for need in &service.needs {
            if let Some(called) = environment.services.get(need) {
                let path = vec!["services", need, "provides", "secrets"];
                lists.push((path, &called.provides.secrets));
            } else if let Some(endpoint) = environment.endpoints.get(need) {
                let path = vec!["endpoints", need, "provides", "secrets"];
                lists.push((path, &endpoint.provides.secrets));
            }
        }
        let mut secrets = BTreeSet::new();
        for (path, list) in lists {
            for (position, name) in list.iter().enumerate() {
                if environment.secrets.contains_key(name) {
                    secrets.insert(name.clone());
                    continue;
                }
                let known = environment.secrets.keys().cloned().collect();
                let problem = MeaningProblem::Unknown { what: "secret", name: name.clone(), known };
                let position = position.to_string();
                self.report(&[path.as_slice(), &[&position]].concat(), problem);
            }
        }
        secrets
    }
}
