//! The dashboard of all services.

use super::{
    super::{
        Watched,
        alerts::{CPU_LIMIT, ERRORS, LATENCY, MEMORY_LIMIT},
    },
    panel::{Dashboard, Panel},
};

pub(super) fn dashboard(watched: &Watched, names: &[&str]) -> Dashboard {
    let http = &watched.monitoring.http;
    let (requests, status) = (&http.requests, &http.status);
    let of_limit = |used: &str, limit: &str| {
        format!("max by (job) ({used} / on (namespace, job) group_left () {limit})")
    };
    let cpu = "rate(process_cpu_seconds_total{$all}[5m])";
    let memory = "process_resident_memory_bytes{$all}";
    let panels = vec![
        Panel::new(
            "Requests",
            "reqps",
            format!("sum by (job) (rate({requests}{{$all}}[5m]))"),
            "{{job}}",
        ),
        Panel::new(
            "Requests by status",
            "reqps",
            format!("sum by ({status}) (rate({requests}{{$all}}[5m]))"),
            "__auto",
        ),
        Panel::new("Failed requests", "percentunit", format!("{ERRORS}{{$all}}"), "{{job}}"),
        Panel::new("Latency, 95th percentile", "s", format!("{LATENCY}{{$all}}"), "{{job}}"),
        Panel::new("CPU", "none", format!("sum by (job) ({cpu})"), "{{job}}"),
        Panel::new(
            "CPU of the limit, highest pod",
            "percentunit",
            of_limit(cpu, CPU_LIMIT),
            "{{job}}",
        ),
        Panel::new("Memory", "bytes", format!("sum by (job) ({memory})"), "{{job}}"),
        Panel::new(
            "Memory of the limit, highest pod",
            "percentunit",
            of_limit(memory, MEMORY_LIMIT),
            "{{job}}",
        ),
        Panel::new("Pods that answer", "none", "sum by (job) (up{$all})", "{{job}}"),
        Panel::new(
            "Restarts in 15 minutes",
            "none",
            "sum by (job) (changes(process_start_time_seconds{$all}[15m]))",
            "{{job}}",
        ),
    ];
    Dashboard::new("services", "Services", watched.namespace, names, panels)
}
