//! How processes are: whether they start again and again, and how near they are to their limits.

use super::{
    super::{Watched, rule::Rule},
    declared::{CPU_LIMIT, MAX_REPLICAS, MEMORY_LIMIT},
};
use crate::environment::monitoring::Severity;

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let scraped = watched.scraped();
    if scraped.is_empty() {
        return Vec::new();
    }
    let matchers = watched.matchers(&scraped);
    let thresholds = &watched.monitoring.thresholds;
    let (percent, restarts) = (thresholds.saturation_percent, thresholds.restarts);
    let is_near = |used: &str, limit: &str| {
        format!("{used} / on (namespace, job) group_left () {limit} > {percent} / 100")
    };
    let cpu = format!("rate(process_cpu_seconds_total{{{matchers}}}[5m])");
    let memory = format!("process_resident_memory_bytes{{{matchers}}}");
    let changes = format!("changes(process_start_time_seconds{{{matchers}}}[15m])");
    let mut rules = vec![
        Rule::alert(
            "ContainerRestarts",
            Severity::Warning,
            format!("sum by (namespace, job) ({changes}) >= {restarts}"),
        )
        .says(
            "Containers of {{ $labels.job }} start again and again",
            "{{ $value }} restarts within 15 minutes. `kubectl describe` a pod tells the reason of \
             the last one, and `kubectl logs --previous` what it said.",
        ),
        Rule::alert("CpuSaturated", Severity::Warning, is_near(&cpu, CPU_LIMIT))
            .pending("15m")
            .says(
                "{{ $labels.job }} uses nearly all the CPU it may",
                "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its limit, and \
                 is slowed down. Raise the limit, or the number of pods.",
            ),
        Rule::alert("MemorySaturated", Severity::Warning, is_near(&memory, MEMORY_LIMIT))
            .pending("15m")
            .says(
                "{{ $labels.job }} uses nearly all the memory it may",
                "{{ $labels.instance }} uses {{ $value | humanizePercentage }} of its limit, and \
                 is killed beyond it. Raise the limit, or find the leak.",
            ),
    ];
    rules.extend(at_maximum(watched));
    rules
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
