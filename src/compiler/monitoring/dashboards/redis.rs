//! The dashboard of Redis.

use super::{
    super::{Watched, alerts::USED},
    panel::{Dashboard, Panel},
};

pub(super) fn dashboard(watched: &Watched, names: &[&str]) -> Dashboard {
    let hits = "sum by (job) (rate(redis_keyspace_hits_total{$all}[5m]))";
    let misses = "sum by (job) (rate(redis_keyspace_misses_total{$all}[5m]))";
    let panels = vec![
        Panel::new("Up", "none", "redis_up{$all}", "{{job}} {{instance}}"),
        Panel::new("Clients", "none", "redis_connected_clients{$all}", "{{job}} {{instance}}"),
        Panel::new(
            "Commands",
            "ops",
            "sum by (job) (rate(redis_commands_processed_total{$all}[5m]))",
            "{{job}}",
        ),
        Panel::new("Hits", "percentunit", format!("{hits} / ({hits} + {misses})"), "{{job}}"),
        Panel::new("Memory", "bytes", "redis_memory_used_bytes{$all}", "{{job}} {{instance}}")
            .and("redis_memory_max_bytes{$all}", "{{job}} {{instance}} most"),
        Panel::new(
            "Keys",
            "none",
            "sum by (job, instance) (redis_db_keys{$all})",
            "{{job}} {{instance}}",
        ),
        Panel::new(
            "Keys that made room",
            "ops",
            "sum by (job) (rate(redis_evicted_keys_total{$all}[5m]))",
            "{{job}}",
        ),
        Panel::new(
            "Replication lag",
            "s",
            "redis_connected_slave_lag_seconds{$all}",
            "{{job}} {{slave_ip}}",
        ),
        Panel::new(
            "Link to the master",
            "none",
            "redis_master_link_up{$all}",
            "{{job}} {{instance}}",
        ),
        Panel::new(
            "Volume in use",
            "percentunit",
            format!("{USED}{{$all}}"),
            "{{job}} {{instance}}",
        ),
    ];
    Dashboard::new("redis", "Redis", watched.namespace, names, panels)
}
