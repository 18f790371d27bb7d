//! `PostgreSQL`, as `postgres_exporter` tells of it.

use super::{
    super::{Watched, rule::Rule},
    down::all_down,
};
use crate::{component::Role, environment::monitoring::Severity};

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let databases = watched.with_role(&[Role::Database]);
    if databases.is_empty() {
        return Vec::new();
    }
    let matchers = watched.matchers(&databases);
    let thresholds = &watched.monitoring.thresholds;
    let (lag, percent) = (thresholds.replication_lag_seconds, thresholds.saturation_percent);
    let by_instance = |function: &str, series: &str| {
        format!("{function} by (namespace, job, instance) ({series}{{{matchers}}})")
    };
    let used = by_instance("sum", "pg_stat_activity_count");
    let most = by_instance("max", "pg_settings_max_connections");
    vec![
        Rule::alert(
            "PostgresqlDown",
            Severity::Critical,
            format!("pg_up{{{matchers}}} == 0 or {}", all_down(watched, &databases)),
        )
        .pending("3m")
        .says(
            "PostgreSQL {{ $labels.job }} is down",
            "It takes no connections{{ with $labels.instance }} at {{ . }}{{ end }}. Look at the \
             logs of its pod and at its volume.",
        ),
        Rule::alert(
            "PostgresqlReplicationLag",
            Severity::Warning,
            format!("pg_replication_lag_seconds{{{matchers}}} > {lag}"),
        )
        .pending("5m")
        .says(
            &format!("A replica of {{{{ $labels.job }}}} is over {lag} s behind"),
            "{{ $labels.instance }} is {{ $value | humanizeDuration }} behind: reads from it are \
             old, and what it lacks would be lost with the primary.",
        ),
        Rule::alert(
            "PostgresqlConnectionsSaturated",
            Severity::Warning,
            format!("{used} / {most} > {percent} / 100"),
        )
        .pending("5m")
        .says(
            &format!("{{{{ $labels.job }}}} has over {percent} % of the connections it takes"),
            "{{ $labels.instance }} has {{ $value | humanizePercentage }}, and refuses more than \
             all. Use a pooler, or raise `max_connections`.",
        ),
    ]
}
