//! The dashboard of NATS.

use super::{
    super::{Watched, alerts::USED},
    panel::{Dashboard, Panel},
};

pub(super) fn dashboard(watched: &Watched, names: &[&str]) -> Dashboard {
    let panels = vec![
        Panel::new("Connections", "none", "gnatsd_varz_connections{$all}", "{{job}} {{instance}}"),
        Panel::new(
            "Messages",
            "ops",
            "sum by (job) (rate(gnatsd_varz_in_msgs{$all}[5m]))",
            "{{job}} in",
        )
        .and("sum by (job) (rate(gnatsd_varz_out_msgs{$all}[5m]))", "{{job}} out"),
        Panel::new(
            "Traffic",
            "Bps",
            "sum by (job) (rate(gnatsd_varz_in_bytes{$all}[5m]))",
            "{{job}} in",
        )
        .and("sum by (job) (rate(gnatsd_varz_out_bytes{$all}[5m]))", "{{job}} out"),
        Panel::new(
            "Slow consumers",
            "none",
            "sum by (job) (increase(gnatsd_varz_slow_consumers{$all}[5m]))",
            "{{job}}",
        ),
        Panel::new(
            "Messages in streams",
            "none",
            "jetstream_server_total_messages{$all}",
            "{{job}} {{server_name}}",
        ),
        Panel::new(
            "JetStream's storage in use",
            "percentunit",
            format!("{USED}{{$all}}"),
            "{{job}} {{instance}}",
        ),
        Panel::new("Memory", "bytes", "gnatsd_varz_mem{$all}", "{{job}} {{instance}}"),
        Panel::new("CPU", "percent", "gnatsd_varz_cpu{$all}", "{{job}} {{instance}}"),
        Panel::new("Routes", "none", "gnatsd_varz_routes{$all}", "{{job}} {{instance}}"),
        Panel::new(
            "Servers that know the leader",
            "none",
            "count by (job) (jetstream_server_max_storage{$all,meta_leader!=\"\"})",
            "{{job}}",
        ),
    ];
    Dashboard::new("nats", "NATS", watched.namespace, names, panels)
}
