//! What does not answer.

use super::super::{Watched, rule::Rule};
use crate::{
    component::{Component, Role},
    environment::monitoring::Severity,
};

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let mut rules = vec![watchdog()];
    let scraped = watched.scraped();
    if scraped.is_empty() {
        return rules;
    }
    let target = format!("up{{{}}} == 0", watched.matchers(&scraped));
    rules.push(Rule::alert("TargetDown", Severity::Warning, target).pending("5m").says(
        "A pod of {{ $labels.job }} cannot be scraped",
        "{{ $labels.instance }} has not told its metrics for five minutes.",
    ));
    let services = watched.with_role(&[Role::Service]);
    if !services.is_empty() {
        let expr = all_down(watched, &services);
        rules.push(Rule::alert("ServiceDown", Severity::Critical, expr).pending("3m").says(
            "{{ $labels.job }} is down",
            "None of its pods answers. `kubectl get pods` and the last release tell more.",
        ));
    }
    let watchers = watched.with_role(&[Role::Monitoring, Role::Tracing]);
    if !watchers.is_empty() {
        let expr = all_down(watched, &watchers);
        rules.push(Rule::alert("MonitoringDown", Severity::Warning, expr).pending("5m").says(
            "{{ $labels.job }} is down",
            "None of its pods answers. The services run on, but are seen less well.",
        ));
    }
    rules
}

/// Always fires, so that whoever gets it can tell when alerts no longer come.
fn watchdog() -> Rule {
    Rule::alert("Watchdog", Severity::None, "vector(1)").says(
        "Alerts are delivered",
        "This alert always fires. If it does not come, neither do others.",
    )
}

/// Gives each of `components` of which no pod answers, whether or not there are pods.
pub(super) fn all_down(watched: &Watched, components: &[&Component]) -> String {
    let best = format!("max by (namespace, job) (up{{{}}}) == 0", watched.matchers(components));
    let absent =
        components.iter().map(|one| format!("absent(up{{{}}})", watched.matchers_of(&one.name)));
    [best].into_iter().chain(absent).collect::<Vec<_>>().join(" or ")
}
