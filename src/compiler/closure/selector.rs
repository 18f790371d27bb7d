//! What selects something selects something of the release.

use serde_json::{Value, json};

use super::{
    Fault, Faults, View,
    pods::{has_all, is_empty, selects},
};
use crate::member::Member;

/// Labels of pods that controllers make, and that no object of a release describes: solvers of
/// cert-manager, and gateways.
const PASSING: [&str; 2] =
    ["acme.cert-manager.io/http01-solver", "gateway.networking.k8s.io/gateway-name"];

pub(super) fn check(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    check_own_pods(view, faults);
    for service in view.of_kind("", "Service") {
        let spec = &service.manifest["spec"];
        let has_selector = spec["selector"].as_object().is_some_and(|labels| !labels.is_empty());
        if spec["type"] != "ExternalName" && has_selector {
            let is_selected = |labels: &Value| has_all(&spec["selector"], labels);
            expect_pods(view, service, &["spec", "selector"], is_selected, faults);
        }
    }
    for (group, kind, key) in [
        ("policy", "PodDisruptionBudget", "selector"),
        ("networking.k8s.io", "NetworkPolicy", "podSelector"),
        ("monitoring.coreos.com", "PodMonitor", "selector"),
    ] {
        for member in view.of_kind(group, kind) {
            let selector = &member.manifest["spec"][key];
            if !is_empty(selector) && !is_passing(selector) && !looks_elsewhere(member) {
                let is_selected = |labels: &Value| selects(selector, labels);
                expect_pods(view, member, &["spec", key], is_selected, faults);
            }
        }
    }
    for monitor in view.of_kind("monitoring.coreos.com", "ServiceMonitor") {
        if !looks_elsewhere(monitor) && monitored(view, monitor).next().is_none() {
            let fault = Fault::SelectsNothing { what: "Services" };
            faults.add(monitor, &["spec", "selector"], fault);
        }
    }
}

/// Returns the Services that a `ServiceMonitor` selects.
pub(super) fn monitored<'a>(
    view: &View<'a>,
    monitor: &'a Member,
) -> impl Iterator<Item = &'a Member> {
    let selector = &monitor.manifest["spec"]["selector"];
    view.of_kind("", "Service")
        .filter(|service| service.namespace() == monitor.namespace())
        .filter(|service| selects(selector, service.labels()))
}

/// Returns whether a monitor looks into namespaces of others, too.
pub(super) fn looks_elsewhere(member: &Member) -> bool {
    let namespaces = &member.manifest["spec"]["namespaceSelector"];
    let names = namespaces["matchNames"].as_array();
    namespaces["any"] == true || names.is_some_and(|names| *names != [json!(member.namespace())])
}

fn is_passing(selector: &Value) -> bool {
    PASSING.iter().any(|label| selector["matchLabels"].get(label).is_some())
}

/// Reports workloads that the API server would refuse, since they do not select their own pods.
fn check_own_pods(view: &View<'_>, faults: &mut Faults<'_, '_>) {
    for pods in view.pods() {
        let is_selecting =
            matches!(pods.member.kind(), "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet");
        let selector = &pods.member.manifest["spec"]["selector"];
        if is_selecting && (is_empty(selector) || !selects(selector, pods.labels())) {
            faults.add(pods.member, &["spec", "selector"], Fault::ForeignPods);
        }
    }
}

fn expect_pods(
    view: &View<'_>,
    member: &Member,
    path: &[&str],
    is_selected: impl Fn(&Value) -> bool,
    faults: &mut Faults<'_, '_>,
) {
    let mut pods = view.pods().filter(|pods| pods.member.namespace() == member.namespace());
    if !pods.any(|pods| is_selected(pods.labels())) {
        faults.add(member, path, Fault::SelectsNothing { what: "pods" });
    }
}
