//! Stateful sets, daemon sets and jobs.

use serde_json::{Value, json};

use crate::{
    kit::Site,
    pair::{Base, Pair, container, pods, spec, with, workload},
};

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn workloads(site: &Site) -> Vec<Pair> {
    let stateful = workload("StatefulSet", spec(json!({ "replicas": 0, "serviceName": "x" })));
    // No node has this label, so that no pods have to come and go.
    let daemon = workload("DaemonSet", pods(json!({ "nodeSelector": { "example.com/a": "a" } })));
    let job_pods = json!({ "template": { "spec": {
        "restartPolicy": "Never", "containers": [with("web", json!({}))] } } });
    let job: Base = (4, json!({ "apiVersion": "batch/v1", "kind": "Job", "spec": job_pods }));
    let cron: Base = (
        5,
        json!({
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "spec": { "schedule": "0 0 1 1 *", "jobTemplate": { "spec": job_pods } },
        }),
    );
    let jobs = |spec: Value| json!({ "spec": { "jobTemplate": { "spec": spec } } });
    let one = |case, base, before, after| Pair::new(site, case, base, before, after);
    let update = |update: Value| spec(json!({ "updateStrategy": update }));
    let on_delete = || update(json!({ "type": "OnDelete" }));
    let image = || container(json!({ "image": "registry.example/web:2" }));
    let account = || pods(json!({ "serviceAccountName": "a" }));
    let unnamed = |image: &str| container(json!({ "image": image, "imagePullPolicy": null }));
    vec![
        one("Stateful image", &stateful, json!({}), image()),
        one("Stateful account", &stateful, json!({}), account()),
        one(
            "Stateful image gets a tag",
            &stateful,
            unnamed("registry.example/web"),
            unnamed("registry.example/web:2"),
        ),
        one("Stateful default update becomes OnDelete", &stateful, json!({}), on_delete()),
        one("Stateful OnDelete becomes the default", &stateful, on_delete(), json!({})),
        one(
            "Stateful partition becomes OnDelete",
            &stateful,
            update(json!({ "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } })),
            on_delete(),
        ),
        one(
            "Stateful claims go with their pods",
            &stateful,
            json!({}),
            spec(json!({ "persistentVolumeClaimRetentionPolicy": { "whenScaled": "Delete" } })),
        ),
        one(
            "Stateful pods are numbered otherwise",
            &stateful,
            json!({}),
            spec(json!({ "ordinals": { "start": 3 } })),
        ),
        one("Daemon image", &daemon, json!({}), image()),
        one("Daemon account", &daemon, json!({}), account()),
        one("Daemon default update becomes OnDelete", &daemon, json!({}), on_delete()),
        one("Daemon OnDelete becomes the default", &daemon, on_delete(), json!({})),
        one(
            "Daemon updates more at once",
            &daemon,
            json!({}),
            update(json!({ "type": "RollingUpdate", "rollingUpdate": { "maxUnavailable": 2 } })),
        ),
        one(
            "Job pods at once",
            &job,
            spec(json!({ "completions": 2, "parallelism": 1 })),
            spec(json!({ "completions": 2, "parallelism": 2, "backoffLimit": 2 })),
        ),
        one("Job end", &job, json!({}), spec(json!({ "ttlSecondsAfterFinished": 9999 }))),
        one(
            "Cron schedule",
            &cron,
            json!({}),
            spec(json!({
                "schedule": "0 0 2 1 *",
                "timeZone": "Etc/UTC",
                "concurrencyPolicy": "Forbid",
                "successfulJobsHistoryLimit": 1,
                "startingDeadlineSeconds": 99,
            })),
        ),
        one("Cron pause", &cron, json!({}), spec(json!({ "suspend": true }))),
        one(
            "Cron account",
            &cron,
            json!({}),
            jobs(json!({ "template": { "spec": { "serviceAccountName": "a" } } })),
        ),
        one(
            "Cron image gets a tag",
            &cron,
            jobs(json!({ "template": { "spec": { "containers": [
                with("web", json!({
                    "image": "registry.example/web", "imagePullPolicy": null }))] } } })),
            jobs(json!({ "template": { "spec": { "containers": [
                with("web", json!({ "imagePullPolicy": null }))] } } })),
        ),
        one(
            "Cron job fields",
            &cron,
            json!({}),
            jobs(json!({ "completions": 3, "parallelism": 3, "completionMode": "Indexed" })),
        ),
    ]
}
