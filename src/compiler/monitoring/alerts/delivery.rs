//! Whether alerts come about and reach people. An operator's cluster has such rules itself.

use super::super::{ALERTMANAGER, PROMETHEUS, Watched, rule::Rule};
use crate::environment::monitoring::{Scraper, Severity};

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    if watched.scraper == Scraper::Operator {
        return Vec::new();
    }
    let (prometheus, alertmanager) =
        (watched.matchers_of(PROMETHEUS), watched.matchers_of(ALERTMANAGER));
    vec![
        Rule::alert(
            "RulesFail",
            Severity::Warning,
            format!("increase(prometheus_rule_evaluation_failures_total{{{prometheus}}}[15m]) > 0"),
        )
        .says(
            "Rules of Prometheus fail",
            "Rules of {{ $labels.rule_group }} cannot be evaluated, so that their alerts do not \
             come. The log of Prometheus tells why.",
        ),
        Rule::alert(
            "AlertsNotSent",
            Severity::Critical,
            format!("prometheus_notifications_alertmanagers_discovered{{{prometheus}}} < 1"),
        )
        .pending("10m")
        .says("Prometheus finds no Alertmanager", "Alerts reach nobody."),
        Rule::alert(
            "AlertsNotDelivered",
            Severity::Critical,
            format!("rate(alertmanager_notifications_failed_total{{{alertmanager}}}[5m]) > 0"),
        )
        .pending("10m")
        .says(
            "Alertmanager cannot reach receivers by {{ $labels.integration }}",
            "Alerts do not reach them. The log of Alertmanager tells why; see that its `needs` \
             let it out.",
        ),
    ]
}
