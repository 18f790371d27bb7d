//! Redis, as `redis_exporter` tells of it.

use super::{
    super::{Watched, rule::Rule},
    down::all_down,
};
use crate::{component::Role, environment::monitoring::Severity};

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let caches = watched.with_role(&[Role::Cache]);
    if caches.is_empty() {
        return Vec::new();
    }
    let matchers = watched.matchers(&caches);
    let thresholds = &watched.monitoring.thresholds;
    let (lag, percent) = (thresholds.replication_lag_seconds, thresholds.saturation_percent);
    vec![
        Rule::alert(
            "RedisDown",
            Severity::Critical,
            format!("redis_up{{{matchers}}} == 0 or {}", all_down(watched, &caches)),
        )
        .pending("3m")
        .says(
            "Redis {{ $labels.job }} is down",
            "It does not answer{{ with $labels.instance }} at {{ . }}{{ end }}. Look at the logs \
             of its pod and at its volume.",
        ),
        Rule::alert(
            "RedisReplicationBroken",
            Severity::Warning,
            format!("redis_master_link_up{{{matchers}}} == 0"),
        )
        .pending("5m")
        .says(
            "A replica of Redis {{ $labels.job }} has lost its master",
            "{{ $labels.instance }} gets no changes: reads from it are old.",
        ),
        Rule::alert(
            "RedisReplicationLag",
            Severity::Warning,
            format!("redis_connected_slave_lag_seconds{{{matchers}}} > {lag}"),
        )
        .pending("5m")
        .says(
            &format!("A replica of Redis {{{{ $labels.job }}}} is over {lag} s behind"),
            "{{ $labels.slave_ip }} is {{ $value | humanizeDuration }} behind.",
        ),
        // With any other policy, full memory is how a cache works.
        Rule::alert(
            "RedisMemorySaturated",
            Severity::Warning,
            format!(
                "redis_memory_used_bytes{{{matchers}}} / (redis_memory_max_bytes{{{matchers}}} > 0) \
                 > {percent} / 100 and on (namespace, job, instance) \
                 redis_instance_info{{{matchers},maxmemory_policy=\"noeviction\"}}"
            ),
        )
        .pending("5m")
        .says(
            "Redis {{ $labels.job }} uses nearly all the memory it may",
            "{{ $labels.instance }} uses {{ $value | humanizePercentage }}, and refuses writes \
             beyond it, because its policy is `noeviction`.",
        ),
    ]
}
