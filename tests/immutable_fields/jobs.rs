//! Jobs.

use serde_json::{Value, json};

use crate::{
    kit::api::merge,
    stage::{
        Stage, Subject,
        Verdict::{Accepted, Default, Refused},
    },
    workloads,
};

pub(crate) fn jobs(stage: &Stage) -> Vec<Subject> {
    let job = |name: &str, more: Value| {
        let mut manifest = stage.manifest(
            "batch/v1",
            "Job",
            name,
            json!({ "spec": {
                "template": workloads::pod_template(),
            }}),
        );
        manifest["spec"]["template"]["spec"]["restartPolicy"] = json!("Never");
        merge(&mut manifest["spec"], more);
        manifest
    };
    let of_spec = |case, spec: Value, verdict| (case, json!({ "spec": spec }), verdict);
    let template = |case, spec: Value, verdict| {
        (case, json!({ "spec": { "template": { "spec": spec } } }), verdict)
    };
    let image = || json!({ "containers": [{ "name": "c", "image": "never-ready:2" }] });
    let resources = || {
        json!({ "containers": [{ "name": "c", "image": "never-ready:1",
            "resources": { "requests": { "cpu": "1m" } } }] })
    };
    let toleration = || json!({ "tolerations": [{ "key": "a", "operator": "Exists" }] });
    let disruption = json!({ "rules": [{ "action": "Ignore",
        "onPodConditions": [{ "type": "DisruptionTarget", "status": "True" }] }] });
    vec![
        Subject {
            // A policy for failures needs this one for replacements.
            manifest: job("started", json!({ "podReplacementPolicy": "Failed" })),
            changes: vec![
                template("another image", image(), Refused),
                template("resources", resources(), Refused),
                template("a toleration", toleration(), Refused),
                of_spec("more completions", json!({ "completions": 5, "parallelism": 5 }), Refused),
                of_spec(
                    "indexed completions",
                    json!({ "completions": 1, "completionMode": "Indexed" }),
                    Refused,
                ),
                of_spec("the default mode", json!({ "completionMode": "NonIndexed" }), Default),
                of_spec(
                    "a policy for failures",
                    json!({ "podFailurePolicy": disruption }),
                    Refused,
                ),
                of_spec("another controller", json!({ "managedBy": "example.com/x" }), Refused),
                of_spec("more at once", json!({ "parallelism": 2 }), Accepted),
                of_spec("fewer attempts", json!({ "backoffLimit": 2 }), Accepted),
                of_spec("a pause", json!({ "suspend": true }), Accepted),
                of_spec("a deadline", json!({ "activeDeadlineSeconds": 999 }), Accepted),
                of_spec("an end", json!({ "ttlSecondsAfterFinished": 999 }), Accepted),
            ],
        },
        Subject {
            manifest: job("suspended", json!({ "suspend": true })),
            changes: vec![
                template("another image", image(), Refused),
                template("a toleration", toleration(), Accepted),
                template("a node", json!({ "nodeSelector": { "a": "b" } }), Accepted),
                template("resources", resources(), Accepted),
                of_spec(
                    "a label of its pods",
                    json!({ "template": { "metadata": { "labels": { "a": "b" } } } }),
                    Accepted,
                ),
            ],
        },
        Subject {
            manifest: job(
                "indexed",
                json!({ "completions": 2, "parallelism": 2, "completionMode": "Indexed" }),
            ),
            changes: vec![
                of_spec("more completions", json!({ "completions": 3 }), Refused),
                of_spec("growth", json!({ "completions": 3, "parallelism": 3 }), Accepted),
                of_spec("attempts of each", json!({ "backoffLimitPerIndex": 2 }), Refused),
                of_spec(
                    "an early success",
                    json!({ "successPolicy": { "rules": [{ "succeededCount": 1 }] } }),
                    Refused,
                ),
            ],
        },
        Subject {
            manifest: job(
                "selected",
                json!({
                    "manualSelector": true,
                    "selector": { "matchLabels": { "app": "x" } },
                    "template": { "metadata": { "labels": { "more": "y" } } },
                }),
            ),
            changes: vec![of_spec(
                "another selector",
                json!({ "selector": { "matchLabels": { "more": "y" } } }),
                Refused,
            )],
        },
    ]
}
