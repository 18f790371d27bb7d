//! Containers say what they need, and what they may not exceed.

use super::{Fault, Faults, View};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for pods in view.pods() {
        for container in pods.all_containers().filter(|it| it.list != "ephemeralContainers") {
            let resources = &container.value["resources"];
            for (kind, resource) in [
                ("requests", "cpu"),
                ("requests", "memory"),
                ("limits", "cpu"),
                ("limits", "memory"),
            ] {
                // A limit stands for a request that is not there.
                let is_implied = kind == "requests" && !resources["limits"][resource].is_null();
                if resources[kind][resource].is_null() && !is_implied {
                    let field = format!("resources.{kind}.{resource}");
                    let fault = Fault::NoResource { field, container: container.name().to_owned() };
                    faults.add(pods.member, &container.at(&pods, &["resources", kind]), fault);
                }
            }
        }
    }
}
