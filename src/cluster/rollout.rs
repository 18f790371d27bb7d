//! When a workload is ready: its controller has seen the change, every pod is of it, and old pods
//! are gone.

use serde_json::Value;

use crate::{conditions, ready::Status};

const UNSEEN: &str = "its controller has not seen it yet";

pub(crate) fn deployment(object: &Value) -> Status {
    if is_unseen(object) {
        return Status::Progressing(UNSEEN.to_owned());
    }
    if let Some(condition) = conditions::find(object, "Progressing")
        && condition["reason"] == "ProgressDeadlineExceeded"
    {
        return Status::Failed(conditions::words(condition, "exceeded its progress deadline"));
    }
    let (wanted, status) = (replicas(object), &object["status"]);
    let (updated, total) = (count(status, "updatedReplicas"), count(status, "replicas"));
    let available = count(status, "availableReplicas");
    if updated < wanted && object["spec"]["paused"] == true {
        Status::Progressing("its rollout is paused (spec.paused)".to_owned())
    } else if updated < wanted {
        Status::Progressing(of_pods(updated, wanted, "updated"))
    } else if total > updated {
        Status::Progressing(yet_to_go(total - updated))
    } else if total > wanted {
        Status::Progressing(yet_to_go(total - wanted))
    } else {
        Status::expect(available >= wanted, || of_pods(available, wanted, "available"))
    }
}

pub(crate) fn stateful_set(object: &Value) -> Status {
    if is_unseen(object) {
        return Status::Progressing(UNSEEN.to_owned());
    }
    let (wanted, status) = (replicas(object), &object["status"]);
    let strategy = &object["spec"]["updateStrategy"];
    // Without a minimum, a pod is available as soon as it is ready.
    let has_minimum = object["spec"]["minReadySeconds"].as_i64().unwrap_or(0) > 0;
    let (field, word) =
        if has_minimum { ("availableReplicas", "available") } else { ("readyReplicas", "ready") };
    let good = count(status, field);
    let total = count(status, "replicas");
    if good < wanted {
        return Status::Progressing(of_pods(good, wanted, word));
    }
    if total > wanted {
        return Status::Progressing(yet_to_go(total - wanted));
    }
    if is_updated_by_hand(object) {
        return Status::Ready;
    }
    let partition = strategy["rollingUpdate"]["partition"].as_i64().unwrap_or(0);
    let (updated, wanted) = (count(status, "updatedReplicas"), (wanted - partition).max(0));
    Status::expect(updated >= wanted, || of_pods(updated, wanted, "updated"))
}

pub(crate) fn daemon_set(object: &Value) -> Status {
    if is_unseen(object) {
        return Status::Progressing(UNSEEN.to_owned());
    }
    let status = &object["status"];
    let wanted = count(status, "desiredNumberScheduled");
    let updated = count(status, "updatedNumberScheduled");
    let available = count(status, "numberAvailable");
    if updated < wanted && !is_updated_by_hand(object) {
        Status::Progressing(of_pods(updated, wanted, "updated"))
    } else {
        Status::expect(available >= wanted, || of_pods(available, wanted, "available"))
    }
}

pub(crate) fn replica_set(object: &Value) -> Status {
    if is_unseen(object) {
        return Status::Progressing(UNSEEN.to_owned());
    }
    let (wanted, status) = (replicas(object), &object["status"]);
    let (available, total) = (count(status, "availableReplicas"), count(status, "replicas"));
    if total > wanted {
        return Status::Progressing(yet_to_go(total - wanted));
    }
    Status::expect(available >= wanted, || of_pods(available, wanted, "available"))
}

pub(crate) fn job(object: &Value) -> Status {
    if let Some(failed) = conditions::holding(object, "Failed") {
        return Status::Failed(conditions::words(failed, "failed"));
    }
    let (spec, status) = (&object["spec"], &object["status"]);
    let holds = |condition| conditions::holding(object, condition).is_some();
    // One that the release suspends is as the release has it. The condition alone may be of the
    // time before: a Job does not say which generation its controller has seen.
    let is_done = holds("Complete") || (spec["suspend"] == true && holds("Suspended"));
    let wanted = spec["completions"].as_i64().or_else(|| spec["parallelism"].as_i64()).unwrap_or(1);
    Status::expect(is_done, || {
        let (running, failed) = (count(status, "active"), count(status, "failed"));
        let succeeded = count(status, "succeeded");
        format!("{succeeded} of {wanted} pods succeeded, {running} running, {failed} failed so far")
    })
}

/// How far a workload is, as numbers of which each only grows while it gets on: updated pods,
/// good pods, and old pods, negative.
pub(crate) fn progress(object: &Value) -> [i64; 3] {
    let status = &object["status"];
    let most = |fields: &[&str]| fields.iter().map(|field| count(status, field)).max().unwrap_or(0);
    let updated = most(&["updatedReplicas", "updatedNumberScheduled"]);
    let good = most(&["availableReplicas", "readyReplicas", "numberAvailable", "succeeded"]);
    [updated, good, -(count(status, "replicas") - updated).max(0)]
}

fn is_unseen(object: &Value) -> bool {
    object["status"]["observedGeneration"].is_null()
}

/// Whether it is people who replace old pods.
fn is_updated_by_hand(object: &Value) -> bool {
    object["spec"]["updateStrategy"]["type"] == "OnDelete"
}

fn of_pods(some: i64, all: i64, what: &str) -> String {
    format!("{some} of {all} pods are {what}")
}

fn yet_to_go(count: i64) -> String {
    if count == 1 {
        "1 old pod has yet to go".into()
    } else {
        format!("{count} old pods have yet to go")
    }
}

fn replicas(object: &Value) -> i64 {
    object["spec"]["replicas"].as_i64().unwrap_or(1)
}

fn count(status: &Value, field: &str) -> i64 {
    status[field].as_i64().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    type Rule = fn(&Value) -> Status;

    /// A workload of three pods with this status.
    fn of_three(status: &Value) -> Value {
        json!({ "spec": { "replicas": 3 }, "status": status })
    }

    fn seen(mut status: Value) -> Value {
        status["observedGeneration"] = json!(2);
        status
    }

    fn waits(why: &str) -> Status {
        Status::Progressing(why.to_owned())
    }

    fn failed(why: &str) -> Status {
        Status::Failed(why.to_owned())
    }

    fn check(rule: Rule, cases: &[(&str, Value, Status)]) {
        for (case, object, expected) in cases {
            assert_eq!(rule(object), *expected, "{case}");
        }
    }

    #[test]
    fn a_deployment_is_ready_when_its_rollout_is_complete() {
        let status = |updated: u32, total: u32, available: u32| {
            of_three(&seen(json!({ "updatedReplicas": updated, "replicas": total,
                "availableReplicas": available })))
        };
        let mut paused = status(0, 3, 3);
        paused["spec"]["paused"] = json!(true);
        let mut late = status(1, 3, 3);
        late["status"]["conditions"] = json!([{ "type": "Progressing", "status": "False",
            "reason": "ProgressDeadlineExceeded", "message": "gave up" }]);
        check(
            deployment,
            &[
                ("complete", status(3, 3, 3), Status::Ready),
                ("not all updated", status(1, 4, 3), waits("1 of 3 pods are updated")),
                ("an old pod left", status(3, 4, 3), waits("1 old pod has yet to go")),
                ("scaled down", status(5, 5, 5), waits("2 old pods have yet to go")),
                ("not all available", status(3, 3, 2), waits("2 of 3 pods are available")),
                ("paused", paused, waits("its rollout is paused (spec.paused)")),
                ("late", late, failed("gave up")),
                ("no status", of_three(&json!({})), waits(UNSEEN)),
            ],
        );
    }

    #[test]
    fn a_stateful_set_is_ready_when_its_pods_are_ready_and_updated_down_to_the_partition() {
        let status = |updated: u32, total: u32, ready: u32| {
            of_three(&seen(json!({ "updatedReplicas": updated, "replicas": total,
                "readyReplicas": ready, "availableReplicas": 1 })))
        };
        let with = |strategy: Value, mut object: Value| {
            object["spec"]["updateStrategy"] = strategy;
            object
        };
        let partition = json!({ "rollingUpdate": { "partition": 2 } });
        let by_hand = json!({ "type": "OnDelete" });
        let mut minimum = status(3, 3, 3);
        minimum["spec"]["minReadySeconds"] = json!(30);
        check(
            stateful_set,
            &[
                ("complete", status(3, 3, 3), Status::Ready),
                ("not all ready", status(3, 3, 2), waits("2 of 3 pods are ready")),
                ("not all updated", status(1, 3, 3), waits("1 of 3 pods are updated")),
                ("too many", status(3, 5, 5), waits("2 old pods have yet to go")),
                (
                    "a part of it updated, as wished",
                    with(partition, status(1, 3, 3)),
                    Status::Ready,
                ),
                ("replaced by hand", with(by_hand.clone(), status(0, 3, 3)), Status::Ready),
                (
                    "replaced by hand, but not ready",
                    with(by_hand, status(0, 3, 1)),
                    waits("1 of 3 pods are ready"),
                ),
                ("not ready for long enough", minimum, waits("1 of 3 pods are available")),
                ("no status", of_three(&json!({})), waits(UNSEEN)),
            ],
        );
    }

    #[test]
    fn a_daemon_set_is_ready_when_every_node_has_its_pod() {
        let status = |updated: u32, available: u32| {
            json!({ "status": seen(json!({ "desiredNumberScheduled": 3,
                "updatedNumberScheduled": updated, "numberAvailable": available })) })
        };
        let mut by_hand = status(0, 3);
        by_hand["spec"] = json!({ "updateStrategy": { "type": "OnDelete" } });
        check(
            daemon_set,
            &[
                ("complete", status(3, 3), Status::Ready),
                ("not all updated", status(1, 3), waits("1 of 3 pods are updated")),
                ("not all available", status(3, 1), waits("1 of 3 pods are available")),
                ("replaced by hand", by_hand, Status::Ready),
                ("no status", json!({}), waits(UNSEEN)),
            ],
        );
    }

    #[test]
    fn a_replica_set_is_ready_when_its_pods_are_available() {
        let status = |total: u32, available: u32| {
            of_three(&seen(json!({ "replicas": total, "availableReplicas": available })))
        };
        check(
            replica_set,
            &[
                ("complete", status(3, 3), Status::Ready),
                ("not all available", status(3, 2), waits("2 of 3 pods are available")),
                ("too many", status(4, 3), waits("1 old pod has yet to go")),
            ],
        );
    }

    #[test]
    fn a_job_is_ready_when_it_is_complete() {
        let with = |condition: &str| {
            json!({ "status": { "conditions": [
                { "type": condition, "status": "True", "message": "gave up" }] } })
        };
        let status = json!({ "spec": { "completions": 2 },
            "status": { "active": 1, "failed": 3, "succeeded": 1 } });
        let suspended = |wanted: bool| {
            let mut job = with("Suspended");
            job["spec"]["suspend"] = json!(wanted);
            job
        };
        let resumed = waits("0 of 1 pods succeeded, 0 running, 0 failed so far");
        check(
            job,
            &[
                ("complete", with("Complete"), Status::Ready),
                ("suspended", suspended(true), Status::Ready),
                ("resumed, which its controller has not seen", suspended(false), resumed),
                ("failed", with("Failed"), failed("gave up")),
                ("at work", status, waits("1 of 2 pods succeeded, 1 running, 3 failed so far")),
            ],
        );
    }

    #[test]
    fn each_number_of_the_progress_grows_while_a_workload_gets_on() {
        let mut before = [i64::MIN; 3];
        for (updated, total, available) in [(0, 3, 3), (1, 4, 3), (1, 3, 3), (3, 3, 3)] {
            let object = json!({ "status": { "updatedReplicas": updated, "replicas": total,
                "availableReplicas": available } });
            let now = progress(&object);
            let grows = now.iter().zip(before).any(|(now, before)| *now > before);
            assert!(grows, "{before:?} to {now:?}");
            before = now;
        }
    }
}
