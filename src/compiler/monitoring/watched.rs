//! What is watched.

use crate::{
    component::{Component, Role},
    environment::monitoring::{Monitoring, Scraper},
};

/// What is watched, as far as rules and dashboards depend on it.
pub(crate) struct Watched<'a> {
    /// Namespace of the release.
    pub(crate) namespace: &'a str,
    /// What the environment says of it.
    pub(crate) monitoring: &'a Monitoring,
    /// Whose Prometheus scrapes.
    pub(crate) scraper: Scraper,
    /// What runs.
    pub(crate) components: &'a [Component],
    /// Whether cert-manager issues a certificate of the release, and may be scraped.
    pub(crate) has_certificate: bool,
}

impl<'a> Watched<'a> {
    /// Returns the components that are scraped.
    pub(crate) fn scraped(&self) -> Vec<&'a Component> {
        self.components.iter().filter(|component| component.metrics.is_some()).collect()
    }

    /// Returns the scraped components with one of `roles`.
    pub(crate) fn with_role(&self, roles: &[Role]) -> Vec<&'a Component> {
        let mut scraped = self.scraped();
        scraped.retain(|component| roles.contains(&component.role));
        scraped
    }

    /// Returns label matchers that fit the series of `components` and no others, whoever scrapes:
    /// the job is the component's name in both cases.
    pub(crate) fn matchers(&self, components: &[&Component]) -> String {
        let names: Vec<_> = components.iter().map(|component| component.name.as_str()).collect();
        format!("namespace=\"{}\",job=~\"{}\"", self.namespace, names.join("|"))
    }

    /// Returns label matchers that fit the series of the component called `name`.
    pub(crate) fn matchers_of(&self, name: &str) -> String {
        format!("namespace=\"{}\",job=\"{name}\"", self.namespace)
    }
}
