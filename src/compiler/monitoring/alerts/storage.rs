//! How full volumes are: as the programs on them tell it, and as the kubelet does where a cluster's
//! Prometheus asks it.

use super::{
    super::{PROMETHEUS, Watched, rule::Rule},
    declared::STORAGE,
};
use crate::{
    component::{Component, Role},
    environment::monitoring::{Scraper, Severity},
};

/// Use of the volume of each pod that has one, as a share.
pub(crate) const USED: &str = "storage:used:ratio";

/// Use, in percent, beyond which it is nearly too late.
const NEARLY_FULL: u32 = 95;

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    let mut rules: Vec<_> = used(watched).into_iter().collect();
    let limit = watched.monitoring.thresholds.volume_percent;
    if !rules.is_empty() {
        let above =
            |percent| format!("{USED}{{namespace=\"{}\"}} > {percent} / 100", watched.namespace);
        rules.extend([
            Rule::alert("VolumeFilling", Severity::Warning, above(limit)).pending("15m").says(
                &format!("A volume of {{{{ $labels.job }}}} is over {limit} % full"),
                "{{ $labels.instance }} uses {{ $value | humanizePercentage }}. Give it more \
                 `storage`, if its class allows that, or remove data.",
            ),
            Rule::alert("VolumeNearlyFull", Severity::Critical, above(NEARLY_FULL)).pending("5m").says(
                &format!("A volume of {{{{ $labels.job }}}} is over {NEARLY_FULL} % full"),
                "{{ $labels.instance }} uses {{ $value | humanizePercentage }}, and stops when it \
                 is full.",
            ),
        ]);
    }
    if watched.scraper == Scraper::Operator
        && watched.components.iter().any(|one| !one.claims().is_empty())
    {
        let of = |series: &str| format!("{series}{{namespace=\"{}\"}}", watched.namespace);
        let (used, capacity) =
            (of("kubelet_volume_stats_used_bytes"), of("kubelet_volume_stats_capacity_bytes"));
        let expr = format!("{used} / {capacity} > {limit} / 100");
        rules.push(
            Rule::alert("PersistentVolumeFilling", Severity::Warning, expr).pending("15m").says(
                &format!("Volume {{{{ $labels.persistentvolumeclaim }}}} is over {limit} % full"),
                "It is {{ $value | humanizePercentage }} full, as the kubelet of its node tells.",
            ),
        );
    }
    rules
}

/// Records how much of its volume each pod uses, as far as its kind tells it.
fn used(watched: &Watched) -> Option<Rule> {
    let with_claims = |role: Role| {
        let mut components = watched.with_role(&[role]);
        components.retain(|component| !component.claims().is_empty());
        components
    };
    let mut prometheus = with_claims(Role::Monitoring);
    prometheus.retain(|component| component.name == PROMETHEUS);
    let of_kinds: Vec<_> = [
        (with_claims(Role::Database), "pg_database_size_bytes|pg_wal_size_bytes"),
        (with_claims(Role::Cache), "redis_aof_current_size_bytes"),
        (
            prometheus,
            "prometheus_tsdb_storage_blocks_bytes|prometheus_tsdb_wal_storage_size_bytes|prometheus_tsdb_head_chunks_storage_size_bytes",
        ),
    ]
    .into_iter()
    .filter_map(|(components, series)| of_claim(watched, &components, series))
    .chain(of_jetstream(watched, &with_claims(Role::Messaging)))
    .collect();
    (!of_kinds.is_empty()).then(|| Rule::record(USED, of_kinds.join(" or ")))
}

/// The sum of `series`, by their names, as a share of what is declared.
fn of_claim(watched: &Watched, components: &[&Component], series: &str) -> Option<String> {
    if components.is_empty() {
        return None;
    }
    let matchers = watched.matchers(components);
    let sum = format!("sum by (namespace, job, instance) ({{__name__=~\"{series}\",{matchers}}})");
    Some(format!("{sum} / on (namespace, job) group_left () {STORAGE}"))
}

/// `JetStream` has a limit of its own below the size of its volume, and refuses more.
fn of_jetstream(watched: &Watched, components: &[&Component]) -> Option<String> {
    if components.is_empty() {
        return None;
    }
    let matchers = watched.matchers(components);
    let of = |series: &str| {
        format!("max by (namespace, job, instance) (gnatsd_varz_jetstream_{series}{{{matchers}}})")
    };
    Some(format!("{} / {}", of("stats_storage"), of("config_max_storage")))
}
