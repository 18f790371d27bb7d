//! NATS, as `prometheus-nats-exporter` tells of it.

use super::{
    super::{Watched, rule::Rule},
    down::all_down,
};
use crate::{component::Role, environment::monitoring::Severity};

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let servers = watched.with_role(&[Role::Messaging]);
    if servers.is_empty() {
        return Vec::new();
    }
    let matchers = watched.matchers(&servers);
    // The exporter goes on without its server, and then tells nothing of it.
    let silent = format!(
        "(up{{{matchers}}} == 1 unless on (namespace, job, instance) \
         gnatsd_varz_connections{{{matchers}}})"
    );
    let mut rules = vec![
        Rule::alert(
            "NatsDown",
            Severity::Critical,
            format!("{silent} or {}", all_down(watched, &servers)),
        )
        .pending("3m")
        .says(
            "NATS {{ $labels.job }} is down",
            "It does not answer{{ with $labels.instance }} at {{ . }}{{ end }}. Look at the logs \
             of its pod and at its volume.",
        ),
        Rule::alert(
            "NatsSlowConsumers",
            Severity::Warning,
            format!("increase(gnatsd_varz_slow_consumers{{{matchers}}}[5m]) > 0"),
        )
        .pending("5m")
        .says(
            "Clients of NATS {{ $labels.job }} do not keep up",
            "{{ $labels.instance }} closes connections of clients that read too slowly; they lose \
             messages outside of JetStream.",
        ),
    ];
    let mut clustered = servers;
    clustered.retain(|component| component.replicas.min > 1);
    if !clustered.is_empty() {
        let matchers = watched.matchers(&clustered);
        let expr = format!("jetstream_server_max_storage{{{matchers},meta_leader=\"\"}}");
        rules.push(Rule::alert("NatsWithoutLeader", Severity::Critical, expr).pending("3m").says(
            "JetStream of {{ $labels.job }} has no leader",
            "{{ $labels.instance }} knows of none: less than half of the servers see each other, \
             and streams can be neither made nor changed.",
        ));
    }
    rules
}
