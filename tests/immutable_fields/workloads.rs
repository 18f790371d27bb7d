//! Workloads and pods.

#![expect(clippy::too_many_lines, reason = "a table")]

use serde_json::{Value, json};

use crate::{
    kit::api::merge,
    stage::{
        Stage, Subject,
        Verdict::{Accepted, Default, Refused},
    },
};

pub(crate) fn pod_template() -> Value {
    json!({
        "metadata": { "labels": { "app": "x" } },
        "spec": { "containers": [{ "name": "c", "image": "never-ready:1" }] },
    })
}

pub(crate) fn workloads(stage: &Stage) -> Vec<Subject> {
    let spec = |more: Value| {
        let mut spec = json!({
            "selector": { "matchLabels": { "app": "x" } },
            "template": pod_template(),
        });
        merge(&mut spec, more);
        json!({ "spec": spec })
    };
    let other_selector = || {
        let labels = json!({ "app": "x", "more": "y" });
        json!({ "spec": {
            "selector": { "matchLabels": labels },
            "template": { "metadata": { "labels": labels } },
        }})
    };
    let common = || {
        vec![
            ("another selector", other_selector(), Refused),
            (
                "more labels of its pods",
                json!({ "spec": { "template": { "metadata": { "labels": { "more": "y" } } } } }),
                Accepted,
            ),
            ("a grace period", json!({ "spec": { "minReadySeconds": 3 } }), Accepted),
        ]
    };
    let mut subjects: Vec<Subject> = ["DaemonSet", "Deployment", "ReplicaSet"]
        .map(|kind| Subject {
            manifest: stage.manifest("apps/v1", kind, "fixed", spec(json!({}))),
            changes: common(),
        })
        .into();
    let claim = |storage: &str| {
        json!([{
            "metadata": { "name": "data" },
            "spec": {
                "accessModes": ["ReadWriteOnce"],
                "resources": { "requests": { "storage": storage } },
            },
        }])
    };
    let stateful = spec(json!({
        "replicas": 0,
        "serviceName": "x",
        "volumeClaimTemplates": claim("1Gi"),
        "updateStrategy": { "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } },
    }));
    let mut changes = common();
    let of_spec = |case, spec: Value, verdict| (case, json!({ "spec": spec }), verdict);
    changes.extend([
        of_spec("another governing service", json!({ "serviceName": "y" }), Refused),
        of_spec("no governing service", json!({ "serviceName": null }), Refused),
        of_spec("larger volumes", json!({ "volumeClaimTemplates": claim("2Gi") }), Refused),
        of_spec("all pods at once", json!({ "podManagementPolicy": "Parallel" }), Refused),
        of_spec(
            "one pod after the other",
            json!({ "podManagementPolicy": "OrderedReady" }),
            Default,
        ),
        of_spec("more pods", json!({ "replicas": 1 }), Accepted),
        of_spec("other numbers of pods", json!({ "ordinals": { "start": 3 } }), Accepted),
        of_spec("less history", json!({ "revisionHistoryLimit": 3 }), Accepted),
        of_spec(
            "another strategy",
            json!({ "updateStrategy": { "type": "OnDelete", "rollingUpdate": null } }),
            Accepted,
        ),
        of_spec(
            "volumes that go with their pods",
            json!({ "persistentVolumeClaimRetentionPolicy": { "whenScaled": "Delete" } }),
            Accepted,
        ),
        of_spec(
            "a longer end",
            json!({ "template": { "spec": { "terminationGracePeriodSeconds": 60 } } }),
            Accepted,
        ),
    ]);
    let manifest = stage.manifest("apps/v1", "StatefulSet", "fixed", stateful);
    subjects.push(Subject { manifest, changes });
    subjects.push(Subject {
        manifest: stage.manifest(
            "apps/v1",
            "ControllerRevision",
            "fixed",
            json!({
                "data": { "a": "b" }, "revision": 1,
            }),
        ),
        changes: vec![
            ("other data", json!({ "data": { "a": "c" } }), Refused),
            ("another number", json!({ "revision": 2 }), Accepted),
        ],
    });
    subjects.push(Subject {
        manifest: stage.manifest("v1", "Pod", "fixed", json!({ "spec": pod_template()["spec"] })),
        changes: vec![
            of_spec("a node", json!({ "nodeSelector": { "a": "b" } }), Refused),
            of_spec("never started again", json!({ "restartPolicy": "Never" }), Refused),
            of_spec("a shorter end", json!({ "terminationGracePeriodSeconds": 5 }), Refused),
            of_spec(
                "a variable",
                json!({ "containers": [{ "name": "c", "image": "never-ready:1",
                    "env": [{ "name": "a", "value": "b" }] }] }),
                Refused,
            ),
            of_spec(
                "another image",
                json!({ "containers": [{ "name": "c", "image": "never-ready:2" }] }),
                Accepted,
            ),
            of_spec("a deadline", json!({ "activeDeadlineSeconds": 999 }), Accepted),
            of_spec(
                "a toleration",
                json!({ "tolerations": [{ "key": "a", "operator": "Exists" }] }),
                Accepted,
            ),
            ("a label", json!({ "metadata": { "labels": { "a": "b" } } }), Accepted),
        ],
    });
    subjects
}
