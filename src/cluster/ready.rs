//! When an object is ready, told from the object alone.
//!
//! The rules are those of kstatus (sigs.k8s.io/cli-utils `pkg/kstatus`), and for kinds that it
//! does not know, rules that the release brings.

use a4co_bundle::{ObjectRef, Readiness, ReadinessRule};
use serde_json::Value;

use crate::text;

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

/// Returns whether objects like this one have to be waited for at all.
pub(crate) fn is_awaited(object: &ObjectRef, rules: &[ReadinessRule]) -> bool {
    if let Some(rule) = rule_for(object, rules) {
        return *rule != Readiness::None;
    }
    match object.group() {
        "" => matches!(
            object.kind.as_str(),
            "Namespace" | "Pod" | "ReplicationController" | "Service"
        ),
        "apps" => object.kind != "ControllerRevision",
        "batch" => object.kind == "Job",
        "apiextensions.k8s.io" | "apiregistration.k8s.io" => true,
        group => !is_built_in(group),
    }
}

/// Tells whether `object` is ready.
pub(crate) fn status(reference: &ObjectRef, object: &Value, rules: &[ReadinessRule]) -> Status {
    if let Some(Readiness::Condition(wanted)) = rule_for(reference, rules) {
        return by_condition(object, wanted);
    }
    if let Some(stale) = stale(object) {
        return stale;
    }
    match (reference.group(), reference.kind.as_str()) {
        ("apps", "Deployment") => deployment(object),
        ("apps", "StatefulSet") => stateful_set(object),
        ("apps", "DaemonSet") => daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replica_set(object),
        ("batch", "Job") => job(object),
        ("", "Pod") => pod(object),
        ("", "Namespace") => {
            expect(object["status"]["phase"] == "Active", || "is not active yet".into())
        }
        ("", "Service") => service(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => by_condition(object, "Established"),
        ("apiregistration.k8s.io", "APIService") => by_condition(object, "Available"),
        _ => by_convention(object),
    }
}

fn rule_for<'a>(object: &ObjectRef, rules: &'a [ReadinessRule]) -> Option<&'a Readiness> {
    let matches = |rule: &&ReadinessRule| rule.group == object.group() && rule.kind == object.kind;
    rules.iter().find(matches).map(|rule| &rule.ready)
}

/// Groups of Kubernetes itself; what they hold besides workloads is ready when it exists.
fn is_built_in(group: &str) -> bool {
    group.ends_with(".k8s.io") && !group.contains("gateway") || !group.contains('.')
}

fn stale(object: &Value) -> Option<Status> {
    let seen = object["status"]["observedGeneration"].as_i64()?;
    let wanted = object["metadata"]["generation"].as_i64()?;
    (seen < wanted)
        .then(|| Status::Progressing("its controller has not seen the change yet".into()))
}

fn deployment(object: &Value) -> Status {
    if object["status"]["observedGeneration"].is_null() {
        return Status::Progressing("its controller has not seen it yet".into());
    }
    if let Some(condition) = condition(object, "Progressing")
        && condition["reason"] == "ProgressDeadlineExceeded"
    {
        return Status::Failed(text(condition, "message", "exceeded its progress deadline"));
    }
    let (wanted, status) = (replicas(object), &object["status"]);
    let (updated, total) = (count(status, "updatedReplicas"), count(status, "replicas"));
    let available = count(status, "availableReplicas");
    if updated < wanted {
        Status::Progressing(format!("{updated} of {wanted} pods are updated"))
    } else if total > updated {
        Status::Progressing(format!("{} old pods have yet to go", total - updated))
    } else {
        expect(available >= wanted, || format!("{available} of {wanted} pods are available"))
    }
}

fn stateful_set(object: &Value) -> Status {
    let status = &object["status"];
    if object["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return Status::Ready;
    }
    let wanted = replicas(object);
    let partition =
        object["spec"]["updateStrategy"]["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    let updated = count(status, "updatedReplicas");
    let ready = count(status, "readyReplicas");
    if ready < wanted {
        Status::Progressing(format!("{ready} of {wanted} pods are ready"))
    } else {
        let wanted = (wanted - partition).max(0);
        expect(updated >= wanted, || format!("{updated} of {wanted} pods are updated"))
    }
}

fn daemon_set(object: &Value) -> Status {
    let status = &object["status"];
    if status["observedGeneration"].is_null() {
        return Status::Progressing("its controller has not seen it yet".into());
    }
    let wanted = count(status, "desiredNumberScheduled");
    let updated = count(status, "updatedNumberScheduled");
    let available = count(status, "numberAvailable");
    if updated < wanted {
        Status::Progressing(format!("{updated} of {wanted} pods are updated"))
    } else {
        expect(available >= wanted, || format!("{available} of {wanted} pods are available"))
    }
}

fn replica_set(object: &Value) -> Status {
    let (wanted, available) = (replicas(object), count(&object["status"], "availableReplicas"));
    expect(available >= wanted, || format!("{available} of {wanted} pods are available"))
}

fn job(object: &Value) -> Status {
    if let Some(failed) =
        condition(object, "Failed").filter(|condition| condition["status"] == "True")
    {
        return Status::Failed(text(failed, "message", "failed"));
    }
    let complete =
        condition(object, "Complete").is_some_and(|condition| condition["status"] == "True");
    let status = &object["status"];
    expect(complete, || {
        format!("{} running, {} failed so far", count(status, "active"), count(status, "failed"))
    })
}

fn pod(object: &Value) -> Status {
    match object["status"]["phase"].as_str() {
        Some("Succeeded") => Status::Ready,
        Some("Failed") => Status::Failed(text(&object["status"], "message", "failed")),
        _ => by_condition(object, "Ready"),
    }
}

fn service(object: &Value) -> Status {
    let is_balanced = object["spec"]["type"] == "LoadBalancer";
    let ingress = object["status"]["loadBalancer"]["ingress"].as_array();
    let has_address = ingress.is_some_and(|addresses| !addresses.is_empty());
    expect(!is_balanced || has_address, || "has no load balancer address yet".into())
}

/// Custom resources by the conventions that kstatus expects of them.
fn by_convention(object: &Value) -> Status {
    if let Some(stalled) =
        condition(object, "Stalled").filter(|condition| condition["status"] == "True")
    {
        return Status::Failed(text(stalled, "message", "is stalled"));
    }
    match condition(object, "Ready") {
        Some(_) => by_condition(object, "Ready"),
        None => Status::Ready,
    }
}

fn by_condition(object: &Value, wanted: &str) -> Status {
    match condition(object, wanted) {
        Some(condition) if condition["status"] == "True" => Status::Ready,
        Some(condition) => {
            let missing = format!("condition {wanted} is not True");
            Status::Progressing(text(condition, "message", &missing))
        }
        None => Status::Progressing(format!("has no condition {wanted} yet")),
    }
}

fn expect(is_ready: bool, why: impl FnOnce() -> String) -> Status {
    if is_ready { Status::Ready } else { Status::Progressing(why()) }
}

fn condition<'a>(object: &'a Value, wanted: &str) -> Option<&'a Value> {
    let conditions = object["status"]["conditions"].as_array()?;
    conditions.iter().find(|condition| condition["type"] == wanted)
}

fn replicas(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn count(status: &Value, field: &str) -> i64 {
    status[field].as_i64().unwrap_or(0)
}

fn text(value: &Value, field: &str, otherwise: &str) -> String {
    text::clean(value[field].as_str().filter(|text| !text.is_empty()).unwrap_or(otherwise))
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

    #[test]
    fn a_workload_is_ready_when_its_rollout_is_complete() {
        let ready = || Ok(());
        let waits = |why: &str| Err(why.to_owned());
        let status = |updated, total, available| {
            json!({ "observedGeneration": 2,
            "updatedReplicas": updated, "replicas": total, "availableReplicas": available })
        };
        for (case, status, expected) in [
            ("complete", status(3, 3, 3), ready()),
            ("not all updated", status(1, 4, 3), waits("1 of 3 pods are updated")),
            ("old pods left", status(3, 4, 3), waits("1 old pods have yet to go")),
            ("not all available", status(3, 3, 2), waits("2 of 3 pods are available")),
            (
                "status of the generation before",
                json!({ "observedGeneration": 1 }),
                waits("its controller has not seen the change yet"),
            ),
            ("no status", json!({}), waits("its controller has not seen it yet")),
        ] {
            let object = json!({
                "metadata": { "generation": 2 }, "spec": { "replicas": 3 }, "status": status,
            });
            let found = match super::status(&reference("apps/v1", "Deployment"), &object, &[]) {
                Status::Ready => Ok(()),
                Status::Progressing(why) | Status::Failed(why) => Err(why),
            };
            assert_eq!(found, expected, "{case}");
        }
    }

    #[test]
    fn a_failure_that_cannot_heal_is_told_at_once() {
        for (kind, condition) in [
            (
                reference("apps/v1", "Deployment"),
                json!({ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                    "message": "gave up" }),
            ),
            (
                reference("batch/v1", "Job"),
                json!({ "type": "Failed", "status": "True", "message": "gave up" }),
            ),
            (
                reference("example.com/v1", "Widget"),
                json!({ "type": "Stalled", "status": "True", "message": "gave up" }),
            ),
        ] {
            let object =
                json!({ "status": { "observedGeneration": 1, "conditions": [condition] } });
            assert_eq!(status(&kind, &object, &[]), Status::Failed("gave up".into()), "{kind}");
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
        let ready = rule(Readiness::Condition("Ready".to_owned()));
        assert!(is_awaited(&secret, std::slice::from_ref(&ready)));
        assert!(!is_awaited(&secret, &[rule(Readiness::None)]));
        let object = |status: &str| {
            json!({ "status": { "conditions": [
            { "type": "Ready", "status": status, "message": "could not get secret" }] } })
        };
        assert_eq!(status(&secret, &object("True"), std::slice::from_ref(&ready)), Status::Ready);
        assert_eq!(
            status(&secret, &object("False"), &[ready]),
            Status::Progressing("could not get secret".into())
        );
    }

    #[test]
    fn plain_configuration_is_never_waited_for() {
        for (api_version, kind) in [
            ("v1", "ConfigMap"),
            ("v1", "ServiceAccount"),
            ("networking.k8s.io/v1", "Ingress"),
            ("rbac.authorization.k8s.io/v1", "Role"),
            ("policy/v1", "PodDisruptionBudget"),
            ("autoscaling/v2", "HorizontalPodAutoscaler"),
        ] {
            assert!(!is_awaited(&reference(api_version, kind), &[]), "{kind}");
        }
    }
}
