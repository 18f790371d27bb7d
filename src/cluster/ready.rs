//! When an object is ready, told from the object alone.
//!
//! The rules are those of kstatus (sigs.k8s.io/cli-utils `pkg/kstatus`), and for kinds that it
//! does not know, rules that the release brings. Where they differ from kstatus, it is because a
//! release counts as applied when this says so:
//!
//! - A Job is ready when it is complete, not when it has started.
//! - A load balancer is ready when it has an address.
//! - With the strategy `OnDelete` the pods have to be ready, of whatever revision they are.
//! - A `PersistentVolumeClaim` is not waited for by itself: with `WaitForFirstConsumer` it is bound
//!   when a pod wants it, which is later. The workload that uses it is waited for, and what holds
//!   up the claim is then told (see `explain`).

use a4co_bundle::{ObjectRef, Readiness, ReadinessRule};
use serde_json::Value;

use crate::{conditions, plan, rollout};

/// Whether an object is ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It is.
    Ready,
    /// Not yet, because of this.
    Progressing(String),
    /// It will never be, because of this.
    Failed(String),
}

impl Status {
    /// Ready if `is_ready`; otherwise on the way, because of `why`.
    pub(crate) fn expect(is_ready: bool, why: impl FnOnce() -> String) -> Self {
        if is_ready { Self::Ready } else { Self::Progressing(why()) }
    }
}

const UNSEEN: &str = "its controller has not seen the change yet";

/// API groups of Kubernetes 1.36 itself. What they hold besides workloads is ready when it exists;
/// every other group is of custom resources.
const BUILT_IN: [&str; 22] = [
    "",
    "admissionregistration.k8s.io",
    "apiextensions.k8s.io",
    "apiregistration.k8s.io",
    "apps",
    "authentication.k8s.io",
    "authorization.k8s.io",
    "autoscaling",
    "batch",
    "certificates.k8s.io",
    "coordination.k8s.io",
    "discovery.k8s.io",
    "events.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "networking.k8s.io",
    "node.k8s.io",
    "policy",
    "rbac.authorization.k8s.io",
    "resource.k8s.io",
    "scheduling.k8s.io",
    "storage.k8s.io",
    "storagemigration.k8s.io",
];

/// Returns whether objects like this one have to be waited for at all.
pub(crate) fn is_awaited(object: &ObjectRef, rules: &[ReadinessRule]) -> bool {
    if let Some(rule) = rule_for(object, rules) {
        return *rule != Readiness::None;
    }
    match (object.group(), object.kind.as_str()) {
        ("", kind) => matches!(kind, "Namespace" | "Pod" | "ReplicationController" | "Service"),
        ("apps", kind) => kind != "ControllerRevision",
        ("batch", kind) => kind == "Job",
        ("apiextensions.k8s.io" | "apiregistration.k8s.io", _) => true,
        (group, _) => !BUILT_IN.contains(&group),
    }
}

/// Tells whether `object` is ready.
pub(crate) fn status(reference: &ObjectRef, object: &Value, rules: &[ReadinessRule]) -> Status {
    if object["metadata"]["deletionTimestamp"].is_string() {
        // With a short time to live, a Job that has ended is deleted at once.
        let ends = ["Complete", "Failed"];
        let has_ended = ends.iter().any(|end| conditions::holding(object, end).is_some());
        if !(has_ended && plan::is_job(reference)) {
            return Status::Progressing("is being deleted".to_owned());
        }
    }
    if is_stale(object, &object["status"]) {
        return Status::Progressing(UNSEEN.to_owned());
    }
    // Whoever sets these two conditions says all there is to say.
    let holding = |wanted| {
        conditions::holding(object, wanted).filter(|condition| !is_stale(object, condition))
    };
    if let Some(stalled) = holding("Stalled") {
        return Status::Failed(conditions::words(stalled, "is stalled"));
    }
    if let Some(reconciling) = holding("Reconciling") {
        return Status::Progressing(conditions::words(reconciling, "is being reconciled"));
    }
    if let Some(Readiness::Condition(wanted)) = rule_for(reference, rules) {
        return by_condition(object, wanted);
    }
    match (reference.group(), reference.kind.as_str()) {
        ("apps", "Deployment") => rollout::deployment(object),
        ("apps", "StatefulSet") => rollout::stateful_set(object),
        ("apps", "DaemonSet") => rollout::daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => rollout::replica_set(object),
        ("batch", "Job") => rollout::job(object),
        ("", "Pod") => pod(object),
        ("", "Namespace") => {
            Status::expect(object["status"]["phase"] == "Active", || "is not active yet".into())
        }
        ("", "Service") => service(object),
        ("", "PersistentVolumeClaim") => claim(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(object),
        ("apiregistration.k8s.io", "APIService") => by_condition(object, "Available"),
        _ => by_convention(object),
    }
}

fn rule_for<'a>(object: &ObjectRef, rules: &'a [ReadinessRule]) -> Option<&'a Readiness> {
    let matches = |rule: &&ReadinessRule| rule.group == object.group() && rule.kind == object.kind;
    rules.iter().find(matches).map(|rule| &rule.ready)
}

/// Whether `said`, the status or a condition of it, is about an earlier generation of `object`.
fn is_stale(object: &Value, said: &Value) -> bool {
    let seen = said["observedGeneration"].as_i64();
    seen.zip(object["metadata"]["generation"].as_i64()).is_some_and(|(seen, now)| seen < now)
}

fn pod(object: &Value) -> Status {
    match object["status"]["phase"].as_str() {
        Some("Succeeded") => Status::Ready,
        Some("Failed") => Status::Failed(conditions::words(&object["status"], "failed")),
        _ => by_condition(object, "Ready"),
    }
}

fn service(object: &Value) -> Status {
    let is_filled = |list: &Value| list.as_array().is_some_and(|items| !items.is_empty());
    let is_balanced = object["spec"]["type"] == "LoadBalancer";
    let has_address = is_filled(&object["status"]["loadBalancer"]["ingress"])
        || is_filled(&object["spec"]["externalIPs"]);
    Status::expect(!is_balanced || has_address, || "has no load balancer address yet".into())
}

fn claim(object: &Value) -> Status {
    match object["status"]["phase"].as_str() {
        Some("Lost") => Status::Failed("lost its volume".to_owned()),
        // Nobody may want it yet.
        _ => Status::Ready,
    }
}

fn definition(object: &Value) -> Status {
    let refused = |wanted: &str| {
        conditions::find(object, wanted).filter(|condition| condition["status"] == "False")
    };
    if let Some(names) = refused("NamesAccepted") {
        return Status::Failed(conditions::words(names, "its names are taken"));
    }
    match refused("Established").filter(|condition| condition["reason"] != "Installing") {
        Some(condition) => Status::Failed(conditions::words(condition, "is not established")),
        None => by_condition(object, "Established"),
    }
}

/// Custom resources by the conventions that kstatus expects of them.
fn by_convention(object: &Value) -> Status {
    match conditions::find(object, "Ready") {
        Some(_) => by_condition(object, "Ready"),
        None => Status::Ready,
    }
}

fn by_condition(object: &Value, wanted: &str) -> Status {
    match conditions::find(object, wanted) {
        None => Status::Progressing(format!("has no condition {wanted} yet")),
        Some(condition) if is_stale(object, condition) => Status::Progressing(UNSEEN.to_owned()),
        Some(condition) if condition["status"] == "True" => Status::Ready,
        Some(condition) => {
            let otherwise = format!("condition {wanted} is not True");
            Status::Progressing(conditions::words(condition, &otherwise))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference(api_version: &str, kind: &str) -> ObjectRef {
        ObjectRef {
            kind: kind.to_owned(),
            api_version: api_version.to_owned(),
            namespace: None,
            name: "x".to_owned(),
        }
    }

    fn waits(why: &str) -> Status {
        Status::Progressing(why.to_owned())
    }

    fn failed(why: &str) -> Status {
        Status::Failed(why.to_owned())
    }

    fn with(conditions: &Value) -> Value {
        json!({ "metadata": { "generation": 2 }, "status": { "conditions": conditions } })
    }

    #[test]
    fn each_kind_has_its_own_rule() {
        let crd = "apiextensions.k8s.io/v1 CustomResourceDefinition";
        let condition = |kind: &str, status: &str, reason: &str| json!({ "type": kind, "status": status, "reason": reason });
        for (case, kind, object, expected) in [
            (
                "a pod that is ready",
                "v1 Pod",
                with(&json!([condition("Ready", "True", "")])),
                Status::Ready,
            ),
            (
                "a pod that has done its work",
                "v1 Pod",
                json!({ "status": { "phase": "Succeeded" } }),
                Status::Ready,
            ),
            (
                "a pod that was thrown out",
                "v1 Pod",
                json!({ "status": { "phase": "Failed", "reason": "Evicted" } }),
                failed("Evicted"),
            ),
            (
                "a namespace that is active",
                "v1 Namespace",
                json!({ "status": { "phase": "Active" } }),
                Status::Ready,
            ),
            (
                "a service within the cluster",
                "v1 Service",
                json!({ "spec": { "type": "ClusterIP" } }),
                Status::Ready,
            ),
            (
                "a load balancer without an address",
                "v1 Service",
                json!({ "spec": { "type": "LoadBalancer" } }),
                waits("has no load balancer address yet"),
            ),
            (
                "a load balancer that was given its address",
                "v1 Service",
                json!({ "spec": { "type": "LoadBalancer", "externalIPs": ["192.0.2.1"] } }),
                Status::Ready,
            ),
            (
                "a claim that lost its volume",
                "v1 PersistentVolumeClaim",
                json!({ "status": { "phase": "Lost" } }),
                failed("lost its volume"),
            ),
            (
                "a definition on its way",
                crd,
                with(&json!([condition("Established", "False", "Installing")])),
                waits("Installing"),
            ),
            (
                "a definition whose names are taken",
                crd,
                with(&json!([condition("NamesAccepted", "False", "PluralConflict")])),
                failed("PluralConflict"),
            ),
            (
                "a definition that is established",
                crd,
                with(&json!([condition("Established", "True", "InitialNamesAccepted")])),
                Status::Ready,
            ),
            (
                "an API service that is not reached",
                "apiregistration.k8s.io/v1 APIService",
                with(&json!([condition("Available", "False", "MissingEndpoints")])),
                waits("MissingEndpoints"),
            ),
            (
                "something that is being deleted",
                "v1 Namespace",
                json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" },
                    "status": { "phase": "Active" } }),
                waits("is being deleted"),
            ),
        ] {
            let (api_version, kind) = kind.split_once(' ').unwrap();
            assert_eq!(status(&reference(api_version, kind), &object, &[]), expected, "{case}");
        }
    }

    #[test]
    fn a_job_that_is_being_deleted_may_have_ended() {
        for (case, condition, expected) in [
            ("it succeeded", "Complete", Status::Ready),
            ("it failed", "Failed", failed("words")),
            ("it was at work", "FailureTarget", waits("is being deleted")),
            ("it was suspended", "Suspended", waits("is being deleted")),
        ] {
            let condition = json!([{ "type": condition, "status": "True", "message": "words" }]);
            let job = json!({ "metadata": { "deletionTimestamp": "2026-01-01T00:00:00Z" },
                "spec": { "suspend": true }, "status": { "conditions": condition } });
            assert_eq!(status(&reference("batch/v1", "Job"), &job, &[]), expected, "{case}");
        }
    }

    #[test]
    fn custom_resources_follow_the_rules_of_the_release() {
        let secret = reference("external-secrets.io/v1", "ExternalSecret");
        let rule = |ready| ReadinessRule {
            group: "external-secrets.io".to_owned(),
            kind: "ExternalSecret".to_owned(),
            ready,
        };
        let rules = [rule(Readiness::Condition("Ready".to_owned()))];
        assert!(is_awaited(&secret, &rules));
        assert!(!is_awaited(&secret, &[rule(Readiness::None)]));
        let condition = |status: &str, seen: u32| {
            json!({ "type": "Ready", "status": status, "message": "no secret",
                "observedGeneration": seen })
        };
        let stalled = json!({ "type": "Stalled", "status": "True", "message": "gave up" });
        let before =
            |kind: &str| json!({ "type": kind, "status": "True", "observedGeneration": 1 });
        for (case, object, expected) in [
            ("its condition holds", with(&json!([condition("True", 2)])), Status::Ready),
            (
                "its condition does not hold",
                with(&json!([condition("False", 2)])),
                waits("no secret"),
            ),
            (
                "its condition is about an earlier generation",
                with(&json!([condition("True", 1)])),
                waits(UNSEEN),
            ),
            (
                "its status is about an earlier generation",
                json!({ "metadata": { "generation": 2 }, "status": {
                    "observedGeneration": 1, "conditions": [condition("True", 2)] } }),
                waits(UNSEEN),
            ),
            ("it has no status", json!({}), waits("has no condition Ready yet")),
            (
                "it says that it is stuck",
                with(&json!([condition("False", 2), stalled])),
                failed("gave up"),
            ),
            (
                "it said of an earlier generation that it is stuck, or at work",
                with(&json!([condition("True", 2), before("Stalled"), before("Reconciling")])),
                Status::Ready,
            ),
        ] {
            assert_eq!(status(&secret, &object, &rules), expected, "{case}");
        }
    }

    #[test]
    fn custom_resources_without_a_rule_follow_the_conventions() {
        let widget = reference("example.com/v1", "Widget");
        for (case, conditions, expected) in [
            ("no condition", json!([]), Status::Ready),
            ("ready", json!([{ "type": "Ready", "status": "True" }]), Status::Ready),
            (
                "not ready",
                json!([{ "type": "Ready", "status": "False", "reason": "NoPeers" }]),
                waits("NoPeers"),
            ),
            (
                "at work",
                json!([{ "type": "Reconciling", "status": "True", "message": "half done" }]),
                waits("half done"),
            ),
        ] {
            assert_eq!(status(&widget, &with(&conditions), &[]), expected, "{case}");
        }
    }

    #[test]
    fn what_means_nothing_by_itself_is_not_waited_for() {
        for (api_version, kind, expected) in [
            ("v1", "ConfigMap", false),
            ("v1", "ServiceAccount", false),
            ("v1", "PersistentVolumeClaim", false),
            ("networking.k8s.io/v1", "Ingress", false),
            ("rbac.authorization.k8s.io/v1", "Role", false),
            ("policy/v1", "PodDisruptionBudget", false),
            ("autoscaling/v2", "HorizontalPodAutoscaler", false),
            ("batch/v1", "CronJob", false),
            ("apps/v1", "Deployment", true),
            ("batch/v1", "Job", true),
            ("cert-manager.io/v1", "Certificate", true),
            ("gateway.networking.k8s.io/v1", "Gateway", true),
            ("snapshot.storage.k8s.io/v1", "VolumeSnapshot", true),
        ] {
            assert_eq!(is_awaited(&reference(api_version, kind), &[]), expected, "{kind}");
        }
    }
}
