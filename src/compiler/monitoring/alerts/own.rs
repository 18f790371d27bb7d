//! Alerts that the environment adds.

use super::super::{Watched, rule::Rule};

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let alerts = watched.monitoring.alerts.iter();
    alerts
        .map(|(name, alert)| {
            let description = alert.description.as_ref().unwrap_or(&alert.summary);
            Rule::alert(name.as_ref(), alert.severity, alert.expr.as_str())
                .pending(alert.pending.as_ref())
                .says(&alert.summary, description)
        })
        .collect()
}
