//! The rules of a release: what every platform wants to know of services and datastores.
//!
//! A rule is there only if the release runs what it is about. Rules know components by the labels
//! `namespace` and `job` alone, which are the same whoever scrapes.

mod certificate;
mod declared;
mod delivery;
mod down;
mod nats;
mod own;
mod postgresql;
mod process;
mod redis;
mod service;
mod storage;
#[cfg(test)]
mod tests;

pub(super) use self::{
    declared::{CPU_LIMIT, MEMORY_LIMIT},
    service::{ERRORS, LATENCY},
    storage::USED,
};
use super::{
    Watched,
    rule::{Group, Rule},
};

/// Names of all built-in alerts, whatever a release runs.
pub(crate) const NAMES: [&str; 31] = [
    "AlertsNotDelivered",
    "AlertsNotSent",
    "AutoscalerAtMaximum",
    "AvailabilityBudgetBurnsFast",
    "AvailabilityBudgetBurnsSlowly",
    "CertificateNearExpiry",
    "ContainerRestarts",
    "CpuSaturated",
    "ErrorRateHigh",
    "LatencyHigh",
    "MemorySaturated",
    "MonitoringDown",
    "NatsDown",
    "NatsSlowConsumers",
    "NatsWithoutLeader",
    "PersistentVolumeFilling",
    "PostgresqlBackupMissing",
    "PostgresqlConnectionsSaturated",
    "PostgresqlDown",
    "PostgresqlReplicaAway",
    "PostgresqlReplicationLag",
    "RedisDown",
    "RedisMemorySaturated",
    "RedisReplicationBroken",
    "RedisReplicationLag",
    "RulesFail",
    "ServiceDown",
    "TargetDown",
    "VolumeFilling",
    "VolumeNearlyFull",
    "Watchdog",
];

/// Returns the rules for what is `watched`, with the alerts that are not wanted left out.
pub(crate) fn groups(watched: &Watched) -> Vec<Group> {
    let monitoring = watched.monitoring;
    let is_wanted = |rule: &Rule| {
        let Some(name) = rule.alert_name() else {
            return true;
        };
        let is_replaced = monitoring.alerts.keys().any(|own| own.as_ref() == name);
        !is_replaced && !monitoring.without.iter().any(|unwanted| unwanted.as_ref() == name)
    };
    let mut groups = built_in(watched);
    for group in &mut groups {
        group.rules.retain(is_wanted);
    }
    groups.push(Group { name: "own", rules: own::rules(watched) });
    groups.retain(|group| !group.rules.is_empty());
    for rule in groups.iter_mut().flat_map(|group| &mut group.rules) {
        if rule.alert_name().is_some() {
            // By this label an operator's Alertmanager tells whose the alert is.
            *rule = rule.clone().label("namespace", watched.namespace);
        }
    }
    groups
}

fn built_in(watched: &Watched) -> Vec<Group> {
    let groups = [
        ("declared", declared::rules(watched)),
        ("services", service::rules(watched)),
        ("processes", process::rules(watched)),
        ("down", down::rules(watched)),
        ("storage", storage::rules(watched)),
        ("postgresql", postgresql::rules(watched)),
        ("nats", nats::rules(watched)),
        ("redis", redis::rules(watched)),
        ("certificates", certificate::rules(watched)),
        ("delivery", delivery::rules(watched)),
    ];
    groups.into_iter().map(|(name, rules)| Group { name, rules }).collect()
}
