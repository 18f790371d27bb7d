//! Containers that run for ever say how they do.

use super::{Fault, Faults, View};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for pods in view.pods().filter(super::Pods::run_for_ever) {
        for container in pods.containers() {
            for probe in ["livenessProbe", "readinessProbe"] {
                if !container.value[probe].is_object() {
                    let container_name = container.name().to_owned();
                    let fault = Fault::NoProbe { probe, container: container_name };
                    faults.add(pods.member, &container.at(&pods, &["name"]), fault);
                }
            }
        }
    }
}
