//! What can be needed: services, endpoints, and whatever else the release runs for others.

use std::collections::BTreeSet;

use super::{MeaningProblem, Resolver};
use crate::{
    environment::endpoint::Provides,
    model::{Flow, Whereabouts},
    monitoring::JAEGER,
    template::Scope,
    text::EnvName,
};

/// Something that can be needed by its name.
pub(super) struct Offer<'a> {
    /// Table of the environment that it stands in.
    pub(super) table: &'static str,
    /// Where it answers.
    pub(super) targets: Vec<Target>,
    /// What those who need it get.
    pub(super) provides: &'a Provides,
    /// The placeholders there.
    pub(super) scope: Scope,
}

/// Where something answers.
#[derive(Clone)]
pub(super) struct Target {
    pub(super) whereabouts: Whereabouts,
    pub(super) port: u16,
}

impl Offer<'_> {
    /// Returns the path of what is offered as `key`. A table that is one thing, such as `[jaeger]`,
    /// is needed by its own name.
    pub(super) fn path<'k>(&self, key: &'k str) -> Vec<&'k str>
    where
        Self: 'k,
    {
        if self.table == JAEGER { vec![self.table] } else { vec![self.table, key] }
    }
}

impl<'a> Resolver<'a, '_> {
    /// Adds something that can be needed as `key`. A key that is taken is reported.
    pub(super) fn offer(&mut self, key: &str, offer: Offer<'a>) {
        let path = offer.path(key);
        if let Some(first) = self.offers.get(key) {
            let problem = MeaningProblem::Clash {
                what: "key",
                value: key.to_owned(),
                first: first.path(key).join("."),
                second: path.join("."),
            };
            self.report(&path, problem);
        }
        self.offers.insert(key.to_owned(), offer);
    }

    /// Reports what is wrong with the list of needs at `path` of the thing called `key`.
    pub(super) fn check_needs(&mut self, path: &[&str], key: &str, needs: &[String]) {
        let mut seen = BTreeSet::new();
        for (position, need) in needs.iter().enumerate() {
            let problem = if need == key {
                MeaningProblem::NeedsItself { name: need.clone() }
            } else if !self.offers.contains_key(need) {
                let known = self.offers.keys().filter(|name| *name != key).cloned().collect();
                MeaningProblem::Unknown { what: "service or endpoint", name: need.clone(), known }
            } else if !seen.insert(need) {
                MeaningProblem::Twice { name: need.clone() }
            } else {
                continue;
            };
            self.report(&[path, &[&position.to_string()]].concat(), problem);
        }
    }

    /// Returns the traffic that `needs` of the component called `name` declare.
    pub(super) fn flows_of(&self, name: &str, needs: &[String]) -> Vec<Flow> {
        let offers = needs.iter().filter_map(|need| self.offers.get(need));
        let targets = offers.flat_map(|offer| &offer.targets);
        let from = Whereabouts::Component(name.to_owned());
        let flow = |target: &Target| Flow {
            from: from.clone(),
            to: target.whereabouts.clone(),
            port: target.port,
        };
        targets.map(flow).collect()
    }

    /// Returns the variables that `need` provides, expanded.
    pub(super) fn provided(&mut self, need: &str) -> Vec<(String, String)> {
        let Some(offer) = self.offers.get(need) else {
            return Vec::new();
        };
        let (provides, scope) = (offer.provides, offer.scope.clone());
        let path = [offer.path(need).as_slice(), &["provides", "env"]].concat();
        let mut variables = Vec::new();
        for (name, value) in &provides.env {
            let name = self.expand(name, &scope, &path);
            if !name.is_empty() && EnvName::try_from(name.clone()).is_err() {
                self.report(&path, MeaningProblem::NotAVariable { name: name.clone() });
            }
            variables.push((name, self.expand(value, &scope, &path)));
        }
        variables
    }
}
