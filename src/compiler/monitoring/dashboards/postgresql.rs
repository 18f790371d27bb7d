//! The dashboard of `PostgreSQL`.

use super::{
    super::{Watched, alerts::USED},
    panel::{Dashboard, Panel},
};

pub(super) fn dashboard(watched: &Watched, names: &[&str]) -> Dashboard {
    let hits = "sum by (job) (rate(pg_stat_database_blks_hit{$all}[5m]))";
    let reads = "sum by (job) (rate(pg_stat_database_blks_read{$all}[5m]))";
    let panels = vec![
        Panel::new("Up", "none", "pg_up{$all}", "{{job}} {{instance}}"),
        Panel::new(
            "Connections by state",
            "none",
            "sum by (job, state) (pg_stat_activity_count{$all})",
            "{{job}} {{state}}",
        )
        .and("max by (job) (pg_settings_max_connections{$all})", "{{job}} most"),
        Panel::new(
            "Transactions",
            "ops",
            "sum by (job) (rate(pg_stat_database_xact_commit{$all}[5m]))",
            "{{job}} committed",
        )
        .and(
            "sum by (job) (rate(pg_stat_database_xact_rollback{$all}[5m]))",
            "{{job}} rolled back",
        ),
        Panel::new(
            "Blocks found in memory",
            "percentunit",
            format!("{hits} / ({hits} + {reads})"),
            "{{job}}",
        ),
        Panel::new(
            "Replication lag",
            "s",
            "pg_replication_lag_seconds{$all}",
            "{{job}} {{instance}}",
        ),
        Panel::new(
            "Deadlocks",
            "none",
            "sum by (job) (increase(pg_stat_database_deadlocks{$all}[5m]))",
            "{{job}}",
        ),
        Panel::new(
            "Size",
            "bytes",
            "sum by (job, instance) (pg_database_size_bytes{$all})",
            "{{job}} {{instance}} data",
        )
        .and("pg_wal_size_bytes{$all}", "{{job}} {{instance}} log"),
        Panel::new(
            "Volume in use",
            "percentunit",
            format!("{USED}{{$all}}"),
            "{{job}} {{instance}}",
        ),
    ];
    Dashboard::new("postgresql", "PostgreSQL", watched.namespace, names, panels)
}
