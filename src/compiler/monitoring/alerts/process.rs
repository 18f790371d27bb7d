//! How processes are: whether they start again and again, and how near they are to their limits.
//!
//! A datastore is asked for its own process through its exporter, whose process is another one.

use super::{
    super::{Watched, rule::Rule},
    declared::{CPU_LIMIT, MAX_REPLICAS, MEMORY_LIMIT},
};
use crate::{component::Role, environment::monitoring::Severity};

/// What tells of the processes of components with these roles. `$` stands for label matchers.
struct Process {
    roles: &'static [Role],
    /// How often they have started within 15 minutes.
    starts: &'static str,
    /// Cores in use, if anything tells that.
    cpu: Option<&'static str>,
    /// Bytes in use, if anything tells that.
    memory: Option<&'static str>,
}

/// By whom it is told: the client libraries of Prometheus, `postgres_exporter` with its collector
/// `postmaster`, `prometheus-nats-exporter`, `redis_exporter`, and the collector in Jaeger.
///
/// What `redis_exporter` gives as the start is reckoned from the uptime at each scrape, and may be
/// a second more or less each time. The collector adds units and kinds to names, or not.
const PROCESSES: [Process; 5] = [
    Process {
        roles: &[Role::Service, Role::Monitoring],
        starts: "changes(process_start_time_seconds{$}[15m])",
        cpu: Some("rate(process_cpu_seconds_total{$}[5m])"),
        memory: Some("process_resident_memory_bytes{$}"),
    },
    Process {
        roles: &[Role::Database],
        starts: "changes(pg_postmaster_start_time_seconds{$}[15m])",
        cpu: None,
        memory: None,
    },
    Process {
        roles: &[Role::Messaging],
        starts: "changes(gnatsd_varz_start{$}[15m])",
        cpu: Some("avg_over_time(gnatsd_varz_cpu{$}[5m]) / 100"),
        memory: Some("gnatsd_varz_mem{$}"),
    },
    Process {
        roles: &[Role::Cache],
        starts: "resets(redis_uptime_in_seconds{$}[15m])",
        cpu: Some(
            "rate(redis_cpu_user_seconds_total{$}[5m]) + rate(redis_cpu_sys_seconds_total{$}[5m])",
        ),
        memory: Some("redis_memory_used_rss_bytes{$}"),
    },
    Process {
        roles: &[Role::Tracing],
        starts: "resets({__name__=~\"otelcol_process_uptime(_seconds)?(_total)?\",$}[15m])",
        cpu: Some("rate({__name__=~\"otelcol_process_cpu_seconds(_total)?\",$}[5m])"),
        memory: Some("{__name__=~\"otelcol_process_memory_rss(_bytes)?\",$}"),
    },
];

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let thresholds = &watched.monitoring.thresholds;
    let (percent, restarts) = (thresholds.saturation_percent, thresholds.restarts);
    let mut rules = Vec::new();
    if let Some(starts) = of_all(watched, |process| Some(process.starts)) {
        let expr = format!("sum by (namespace, job) ({starts}) >= {restarts}");
        rules.push(Rule::alert("ContainerRestarts", Severity::Warning, expr).says(
            "Containers of {{ $labels.job }} start again and again",
            "{{ $value }} restarts within 15 minutes. `kubectl describe` a pod tells the reason of \
             the last one, and `kubectl logs --previous` what it said.",
        ));
    }
    let near = |name, used: Option<String>, limit: &str| {
        let used = used?;
        let expr =
            format!("({used}) / on (namespace, job) group_left () {limit} > {percent} / 100");
        Some(Rule::alert(name, Severity::Warning, expr).pending("15m"))
    };
    let cpu = near("CpuSaturated", of_all(watched, |process| process.cpu), CPU_LIMIT);
    rules.extend(cpu.map(|rule| {
        rule.says(
            "{{ $labels.job }} uses nearly all the CPU it may",
            "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its limit, and is \
             slowed down. Raise the limit, or the number of pods.",
        )
    }));
    let memory = near("MemorySaturated", of_all(watched, |process| process.memory), MEMORY_LIMIT);
    rules.extend(memory.map(|rule| {
        rule.says(
            "{{ $labels.job }} uses nearly all the memory it may",
            "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its limit, and is \
             killed beyond it. Raise the limit, or find the leak.",
        )
    }));
    rules.extend(at_maximum(watched));
    rules
}

/// Returns what `told` gives of all processes together, if there are any of which it is told.
fn of_all(watched: &Watched, told: fn(&Process) -> Option<&'static str>) -> Option<String> {
    let of_roles = |process: &Process| {
        let components = watched.with_role(process.roles);
        let expr = told(process).filter(|_| !components.is_empty())?;
        Some(expr.replace('$', &watched.matchers(&components)))
    };
    let all: Vec<_> = PROCESSES.iter().filter_map(of_roles).collect();
    (!all.is_empty()).then(|| all.join(" or "))
}

fn at_maximum(watched: &Watched) -> Option<Rule> {
    let mut scaled = watched.scraped();
    scaled.retain(|component| component.autoscaling.is_some());
    if scaled.is_empty() {
        return None;
    }
    let pods = format!("count by (namespace, job) (up{{{}}})", watched.matchers(&scaled));
    let expr = format!("{pods} >= on (namespace, job) {MAX_REPLICAS}");
    Some(Rule::alert("AutoscalerAtMaximum", Severity::Warning, expr).pending("15m").says(
        "{{ $labels.job }} has as many pods as it may",
        "Its {{ $value }} pods are its greatest number: more load will not be met by more pods. \
         Raise `replicas.max`.",
    ))
}
