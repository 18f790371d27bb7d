//! No Service is of a type of which a quota of its namespace allows none.

use super::{Fault, Faults, View};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for service in view.of_kind("", "Service") {
        let (kind, counts): (_, &[&str]) = match service.manifest["spec"]["type"].as_str() {
            Some("NodePort") => ("NodePort", &["services.nodeports"]),
            // It takes a port of every node, too.
            Some("LoadBalancer") => {
                ("LoadBalancer", &["services.loadbalancers", "services.nodeports"])
            }
            _ => continue,
        };
        let mut quotas = view.of_kind("", "ResourceQuota");
        let is_refused = quotas.any(|quota| {
            let hard = &quota.manifest["spec"]["hard"];
            quota.namespace() == service.namespace()
                && counts.iter().any(|count| hard[*count] == "0" || hard[*count] == 0)
        });
        if is_refused {
            faults.add(service, &["spec", "type"], Fault::OutsideQuota { kind: kind.to_owned() });
        }
    }
}
