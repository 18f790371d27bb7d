//! What the environment declares, as series, so that rules and dashboards can compare with it.

use super::super::{Watched, rule::Rule};
use crate::{component::Component, quantity::Cpu};

/// Cores that the container which the component is about may use.
pub(crate) const CPU_LIMIT: &str = "declared:cpu_limit:cores";

/// Memory that it may use.
pub(crate) const MEMORY_LIMIT: &str = "declared:memory_limit:bytes";

/// Size of the volumes of each pod.
pub(crate) const STORAGE: &str = "declared:storage:bytes";

/// Greatest number of pods, of what has an autoscaler.
pub(crate) const MAX_REPLICAS: &str = "declared:replicas:max";

pub(super) fn rules(watched: &Watched) -> Vec<Rule> {
    watched.scraped().into_iter().flat_map(|component| declared(watched, component)).collect()
}

fn declared(watched: &Watched, component: &Component) -> Vec<Rule> {
    let limits = component.pod.containers.first().map(|container| &container.limits);
    let storage: u64 = component.claims().iter().map(|claim| claim.size.bytes()).sum();
    let values = [
        (CPU_LIMIT, limits.map(|limits| cores(limits.cpu))),
        (MEMORY_LIMIT, limits.map(|limits| limits.memory.bytes().to_string())),
        (STORAGE, (storage > 0).then(|| storage.to_string())),
        (
            MAX_REPLICAS,
            component.autoscaling.as_ref().map(|_| component.replicas.most().to_string()),
        ),
    ];
    let record = |(name, value): (&str, Option<String>)| {
        let rule = Rule::record(name, format!("vector({})", value?));
        Some(rule.label("namespace", watched.namespace).label("job", &component.name))
    };
    values.into_iter().filter_map(record).collect()
}

fn cores(cpu: Cpu) -> String {
    let text = format!("{}.{:03}", cpu.millicores() / 1000, cpu.millicores() % 1000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
