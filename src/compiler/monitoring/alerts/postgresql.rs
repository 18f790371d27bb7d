//! `PostgreSQL`, as `postgres_exporter` tells of it.

use super::{
    super::{Watched, rule::Rule},
    down::all_down,
};
use crate::{
    component::{Component, Controller, Role},
    environment::monitoring::Severity,
};

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
    let mut rules = vec![
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
    ];
    rules.extend(databases.iter().filter_map(|primary| away(watched, primary)));
    rules.extend(backup_missing(watched, &databases));
    rules
}

/// Returns the rule that databases with backups have a dump from the last time they should. Whoever
/// dumps leaves the time on the primary, as the connection limit, in minutes, of a role that cannot
/// log in: of what the exporter shows, that alone outlives a crash and means nothing else.
fn backup_missing(watched: &Watched, databases: &[&Component]) -> Option<Rule> {
    let of_job = |backup: &Component| {
        let Controller::CronJob(job) = &backup.controller else {
            return None;
        };
        let mut databases = databases.iter();
        let primary =
            databases.find(|database| Some(&database.name) == backup.instance.as_ref())?;
        let most = job.longest_gap_seconds + u64::from(job.deadline_seconds);
        let matchers = watched.matchers_of(&primary.name);
        let of = |series: &str| format!("max by (namespace, job) ({series})");
        let last = of(&format!("pg_roles_connection_limit{{{matchers},rolname=\"last_backup\"}}"));
        // It was there as long ago, and has none to this day.
        let was_there = of(&format!("pg_up{{{matchers}}} offset {most}s"));
        let never = format!("{was_there} * 0 + {most} unless on (namespace, job) {last}");
        Some(format!("time() - {last} * 60 > {most} or {never}"))
    };
    let exprs: Vec<_> = watched.components.iter().filter_map(of_job).collect();
    let rule =
        Rule::alert("PostgresqlBackupMissing", Severity::Warning, exprs.join(" or ")).pending("5m");
    (!exprs.is_empty()).then(|| {
        rule.says(
            "PostgreSQL {{ $labels.job }} has no backup of late",
            "None was completed that began within the last {{ $value | humanizeDuration }}. Look \
             at the jobs and pods of `{{ $labels.job }}-backup`: whether they fail, and why, or \
             never come; and whether the volume of the dumps is full.",
        )
    })
}

/// Returns the rule that every replica of `primary` follows it, as the primary sees it by their
/// slots. A replica that is cut off does not know that it lags: it has replayed all that it got.
fn away(watched: &Watched, primary: &Component) -> Option<Rule> {
    let mut others = watched.components.iter();
    let replica = others.find(|other| {
        other.instance == primary.instance && other.name == format!("{}-replica", primary.name)
    })?;
    let matchers = watched.matchers_of(&primary.name);
    let sum = |series: &str| format!("sum by (namespace, job) ({series}{{{matchers}}})");
    let active = sum("pg_replication_slot_slot_is_active");
    // Without any slot there is no series; that the primary is scraped tells that it has none.
    let none = sum("pg_up");
    let wanted = replica.replicas.min;
    let rule = Rule::alert(
        "PostgresqlReplicaAway",
        Severity::Warning,
        format!("({active} or {none} * 0) < {wanted}"),
    );
    Some(rule.pending("5m").says(
        "A replica of {{ $labels.job }} does not follow it",
        &format!(
            "{{{{ $value }}}} of {wanted} replicas follow. Look at the logs of the others: one that \
             was away for too long copies the data again when its pod is deleted."
        ),
    ))
}
