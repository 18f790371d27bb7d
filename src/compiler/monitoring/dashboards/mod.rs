//! Dashboards of what runs: one of all services, and one for each kind of datastore that there is.

mod nats;
mod panel;
mod postgresql;
mod redis;
mod services;

use std::collections::BTreeMap;

use self::panel::Dashboard;
use super::Watched;
use crate::component::Role;

/// Makes the dashboard of the components with these names.
type Draw = fn(&Watched, &[&str]) -> Dashboard;

/// Returns the dashboards for what is `watched`, by the names of their files.
#[expect(clippy::expect_used, reason = "dashboards have string keys and always become JSON")]
pub(crate) fn files(watched: &Watched) -> BTreeMap<String, String> {
    let kinds: [(Role, Draw); 4] = [
        (Role::Service, services::dashboard),
        (Role::Database, postgresql::dashboard),
        (Role::Messaging, nats::dashboard),
        (Role::Cache, redis::dashboard),
    ];
    let dashboards = kinds.into_iter().filter_map(|(role, draw)| {
        let components = watched.with_role(&[role]);
        let names: Vec<_> = components.iter().map(|component| component.name.as_str()).collect();
        if names.is_empty() {
            return None;
        }
        let dashboard = draw(watched, &names);
        let text = serde_json::to_string_pretty(&dashboard).expect("a dashboard is JSON");
        Some((format!("{}.json", dashboard.uid), text))
    });
    dashboards.collect()
}

#[cfg(test)]
mod tests {
    use fs_err as fs;
    use serde_json::{Value, json};

    use super::{
        super::{
            fixture::{everything, monitoring, promtool},
            rule::{Group, Rule, RuleFile},
        },
        *,
    };
    use crate::{environment::monitoring::Scraper, yaml::to_document};

    #[test]
    fn every_kind_has_a_dashboard_that_prometheus_understands() {
        let (components, monitoring) = (everything(), monitoring(&json!({})));
        let dashboards = files(&Watched {
            namespace: "shop",
            monitoring: &monitoring,
            scraper: Scraper::Release,
            components: &components,
            has_certificate: false,
        });
        let names: Vec<_> = dashboards.keys().map(String::as_str).collect();
        assert_eq!(names, ["nats.json", "postgresql.json", "redis.json", "services.json"]);
        let mut rules = Vec::new();
        for text in dashboards.values() {
            assert!(text.len() < 100_000, "a ConfigMap holds them all");
            let dashboard: Value = serde_json::from_str(text).expect("JSON");
            for panel in dashboard["panels"].as_array().expect("panels") {
                for target in panel["targets"].as_array().expect("targets") {
                    let expr = target["expr"].as_str().expect("an expression");
                    let expr = expr.replace("$component", "web|cart");
                    assert!(!expr.contains('$'), "{expr}");
                    rules.push(Rule::record(format!("panel:{}", rules.len()), expr));
                }
            }
        }
        assert!(rules.len() > 40, "{}", rules.len());
        let folder = tempfile::tempdir().expect("a folder");
        let groups = [Group { name: "panels", rules }];
        let text = to_document(&RuleFile { groups: &groups });
        fs::write(folder.path().join("panels.yml"), text).expect("written");
        promtool(&["check", "rules", "panels.yml"], folder.path());
    }
}
