//! Beside a quota, Services are open to the outside through the ingress controller only.

use super::{Fault, Faults, View};

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    if view.environment.quota.is_none() {
        return;
    }
    for service in view.of_kind("", "Service").filter(|it| it.namespace() == view.namespace) {
        if let Some(kind @ ("LoadBalancer" | "NodePort")) =
            service.manifest["spec"]["type"].as_str()
        {
            let fault = Fault::OutsideQuota { kind: kind.to_owned() };
            faults.add(service, &["spec", "type"], fault);
        }
    }
}
