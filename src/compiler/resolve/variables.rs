//! Collects the environment variables of a service from everything that gives it some.

use std::collections::{BTreeMap, BTreeSet};

use super::{MeaningProblem, Resolver};
use crate::{component::Variable, environment::service::Service, template::Scope, text::EnvName};

/// A variable on its way into a container.
struct Gift {
    name: String,
    value: Variable,
    /// Where it comes from, in words.
    source: String,
    /// Where that is said, below the service.
    path: Vec<String>,
}

impl Resolver<'_, '_> {
    /// Returns the variables of a service by name. Two values of one name are reported.
    pub(super) fn variables(
        &mut self,
        key: &str,
        service: &Service,
        scope: &Scope,
    ) -> BTreeMap<String, Variable> {
        let mut gifts = self.own_variables(key, service, scope);
        gifts.extend(self.provided_variables(service));
        gifts.extend(self.secret_variables(key, service));
        let mut sources = BTreeMap::new();
        let mut variables = BTreeMap::new();
        for Gift { name, value, source, path } in gifts {
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

    fn own_variables(&mut self, key: &str, service: &Service, scope: &Scope) -> Vec<Gift> {
        let gift = |table: &str, name: &EnvName, value| Gift {
            name: name.to_string(),
            value,
            source: format!("`{table}`"),
            path: vec![table.to_owned(), name.to_string()],
        };
        let texts = service.env.iter().map(|(name, template)| {
            let path = ["services", key, "env", name.as_ref()];
            gift("env", name, Variable::Text(self.expand(template, scope, &path)))
        });
        let fields = service.pod_fields.iter();
        let fields = fields.map(|(name, field)| gift("pod_fields", name, Variable::Field(*field)));
        texts.chain(fields).collect()
    }

    fn provided_variables(&mut self, service: &Service) -> Vec<Gift> {
        let mut gifts = Vec::new();
        for need in service.needs.iter().collect::<BTreeSet<_>>() {
            gifts.extend(self.provided(need).into_iter().map(|(name, text)| Gift {
                name,
                value: Variable::Text(text),
                source: format!("the need of `{need}`"),
                path: vec!["needs".to_owned()],
            }));
        }
        gifts
    }

    fn secret_variables(&mut self, key: &str, service: &Service) -> Vec<Gift> {
        let names = self.secrets_of(key, service);
        let known = names.iter().filter_map(|name| Some((name, self.secrets.get(name)?)));
        let gifts = known.flat_map(|(name, secret)| {
            secret.values.keys().map(move |variable| Gift {
                name: variable.clone(),
                value: Variable::Secret { name: secret.name.clone(), key: variable.clone() },
                source: format!("secret `{name}`"),
                path: vec!["secrets".to_owned()],
            })
        });
        gifts.collect()
    }

    /// Returns the names of the secrets that a service has, each once: its own and those of its
    /// needs. Unknown ones are reported.
    fn secrets_of(&mut self, key: &str, service: &Service) -> BTreeSet<String> {
        let environment = self.environment;
        let mut lists: Vec<(Vec<&str>, &[String])> =
            vec![(vec!["services", key, "secrets"], &service.secrets)];
        for need in &service.needs {
            if let Some(offer) = self.offers.get(need) {
                let path = [offer.path(need).as_slice(), &["provides", "secrets"]].concat();
                lists.push((path, &offer.provides.secrets));
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
