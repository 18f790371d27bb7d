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

/// Returns the dashboards for what is `watched`, by the names of their files.
#[expect(clippy::expect_used, reason = "dashboards have string keys and always become JSON")]
pub(crate) fn files(watched: &Watched) -> BTreeMap<String, String> {
    let kinds: [(Role, fn(&Watched, &[&str]) -> Dashboard); 4] = [
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
