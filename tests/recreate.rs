//! What can never change is deleted and created anew where the release allows it, keeps running
//! where that is possible, and comes back when the release fails.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use a4co_bundle::Release;
use kit::{
    BAD_IMAGE, GOOD_IMAGE, Site,
    foreign::{essence, owners},
    path,
};
use serde_json::{Value, json};

type Listed = (u8, Value);

fn recreated((wave, mut manifest): Listed) -> Listed {
    manifest["metadata"]["annotations"]["a4co.dev/on-immutable-change"] = json!("recreate");
    (wave, manifest)
}

fn web(site: &Site, label: &str) -> Listed {
    let (wave, mut web) = site.web();
    let labels = json!({ "app": "web", "side": label });
    web["spec"]["selector"]["matchLabels"] = labels.clone();
    web["spec"]["template"]["metadata"]["labels"] = labels;
    (wave, web)
}

/// A set of two pods whose disks have this storage.
fn database(site: &Site, storage: &str) -> Listed {
    let labels = json!({ "app": "database" });
    let mount = json!({ "name": "disk", "mountPath": "/data" });
    let container = json!({ "name": "db", "image": GOOD_IMAGE, "volumeMounts": [mount] });
    let disk = json!({
        "metadata": { "name": "disk" },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": { "requests": { "storage": storage } },
        },
    });
    let manifest = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": site.metadata("database"),
        "spec": {
            "replicas": 2,
            "serviceName": "database",
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [container] },
            },
            "volumeClaimTemplates": [disk],
        },
    });
    (5, manifest)
}

fn binding(site: &Site, role: &str) -> Listed {
    let group = "rbac.authorization.k8s.io";
    let manifest = json!({
        "apiVersion": format!("{group}/v1"), "kind": "RoleBinding",
        "metadata": site.metadata("reads"),
        "roleRef": { "apiGroup": group, "kind": "ClusterRole", "name": role },
        "subjects": [{ "apiGroup": group, "kind": "User", "name": "ann" }],
    });
    (1, manifest)
}

fn headless(site: &Site, is_headless: bool) -> Listed {
    let mut manifest = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": site.metadata("web"),
        "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] },
    });
    if is_headless {
        manifest["spec"]["clusterIP"] = json!("None");
    }
    (3, manifest)
}

fn job(site: &Site, image: &str) -> Listed {
    let container = json!({ "name": "job", "image": image });
    let spec = json!({ "template": { "spec": {
        "restartPolicy": "Never", "containers": [container],
    }}});
    let metadata = site.metadata("migrate");
    (4, json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec }))
}

/// One kind of object and a change that it does not take.
struct Case {
    name: &'static str,
    kind: &'static str,
    object: &'static str,
    old: fn(&Site) -> Listed,
    new: fn(&Site) -> Listed,
    /// Field that cannot change.
    field: &'static str,
}

const CASES: [Case; 5] = [
    Case {
        name: "the selector of a deployment",
        kind: "deployment",
        object: "web",
        old: |site| web(site, "a"),
        new: |site| web(site, "b"),
        field: "spec.selector.matchLabels.side: \"a\" → \"b\"",
    },
    Case {
        name: "the disks of a stateful set",
        kind: "statefulset",
        object: "database",
        old: |site| database(site, "1Gi"),
        new: |site| database(site, "2Gi"),
        field: "storage: \"1Gi\" → \"2Gi\"",
    },
    Case {
        name: "the role of a binding",
        kind: "rolebinding",
        object: "reads",
        old: |site| binding(site, "view"),
        new: |site| binding(site, "edit"),
        field: "roleRef.name: \"view\" → \"edit\"",
    },
    Case {
        name: "a service that is headless no more, which the API server ignores",
        kind: "service",
        object: "web",
        old: |site| headless(site, true),
        new: |site| headless(site, false),
        field: "spec.clusterIP: \"None\" is gone",
    },
    Case {
        name: "the template of a job",
        kind: "job",
        object: "migrate",
        old: |site| job(site, GOOD_IMAGE),
        new: |site| job(site, kit::OTHER_IMAGE),
        field: "spec.template.spec.containers[job].image",
    },
];

fn uid(object: &Value) -> &Value {
    &object["metadata"]["uid"]
}

/// An object without what tells one creation of it from another.
fn comparable(object: Value) -> Value {
    let mut object = essence(object);
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.retain(|name, _| name != "uid" && name != "creationTimestamp");
    object
}

/// A release of one object and a text that shows which release the cluster has.
fn release(site: &Site, text: &str, object: Listed, more: Option<Listed>) -> Release {
    let objects = [site.config_map("settings", text), object].into_iter().chain(more);
    site.release(objects.collect())
}

#[test]
fn an_object_is_recreated_where_the_release_allows_it_and_refused_elsewhere() {
    for case in CASES {
        let Case { name, kind, object, old, new, field } = case;
        let site = Site::new("recreated");
        let before = release(&site, "old", old(&site), None);
        site.apply(&before).expect(0);
        let first = site.get(kind, object);

        let forbidden = site.bundle(&release(&site, "new", new(&site), None));
        for command in ["plan", "apply"] {
            let ran = site.run(&[command, path(&forbidden)]);
            assert_eq!(ran.code, 1, "{name}: {}", ran.stderr);
            ran.expect_told(&["cannot change where this release changes it", field]);
            ran.expect_told(&["a4co.dev/on-immutable-change: recreate", "not touched"]);
        }
        assert_eq!(uid(&site.get(kind, object)), uid(&first), "{name}");
        assert_eq!(site.text("settings"), "old", "{name}");

        let after = release(&site, "new", recreated(new(&site)), None);
        let shown = site.run(&["plan", path(&site.bundle(&after))]).expect(0).stdout;
        for fragment in [
            "1 to update, 1 to recreate",
            "way back: barred",
            "it would be refused: fields cannot change back",
            field,
        ] {
            assert!(shown.contains(fragment), "{name}: `{fragment}` is not in\n{shown}");
        }
        site.apply(&after).expect(0);
        let second = site.get(kind, object);
        assert_ne!(uid(&second), uid(&first), "{name}");
        let owners = owners(&second);
        assert!(owners.contains(&"a4co Apply".to_owned()), "{name}: {owners:?}");
        site.apply(&after).expect(0);
        assert_eq!(uid(&site.get(kind, object)), uid(&second), "{name}: once is enough");

        // The plan said so: the release before does not allow it.
        let ran = site.rollback(&before.id().short()).expect(1);
        ran.expect_told(&["cannot change where this release changes it"]);
        let back = release(&site, "old", recreated(old(&site)), None);
        let shown = site.run(&["plan", path(&site.bundle(&back))]).expect(0).stdout;
        let again = if kind == "job" { "runs again" } else { "recreate" };
        assert!(shown.contains(&format!("way back: {again}")), "{name}: {shown}");
        site.apply(&back).expect(0);
        site.rollback(&after.id().short()).expect(0);
        assert_eq!(site.text("settings"), "new", "{name}");
    }
}

#[test]
fn the_pods_of_a_stateful_set_run_on_and_belong_to_the_new_one() {
    let site = Site::new("orphans");
    site.apply(&release(&site, "old", database(&site, "1Gi"), None)).expect(0);
    site.until_ready("statefulset", "database", 2);
    let pods = site.pods();
    assert_eq!(pods.len(), 2);
    let new = release(&site, "new", recreated(database(&site, "2Gi")), None);
    site.apply(&new).expect(0).expect_told(&["to recreate"]);
    site.until_ready("statefulset", "database", 2);
    assert_eq!(site.pods(), pods, "the same pods run");
    let owner = uid(&site.get("statefulset", "database")).clone();
    for name in ["database-0", "database-1"] {
        let pod = site.get("pod", name);
        assert_eq!(pod["metadata"]["ownerReferences"][0]["uid"], owner, "{name}");
    }
}

#[test]
fn a_release_that_fails_after_a_recreation_is_undone() {
    for case in CASES {
        let Case { name, kind, object, old, new, .. } = case;
        let site = Site::new("undone");
        let before = release(&site, "old", old(&site), None);
        site.apply(&before).expect(0);
        if kind == "statefulset" {
            site.until_ready(kind, object, 2);
        }
        let (first, pods) = (site.get(kind, object), site.pods());
        // It never becomes ready, in a later wave than all others.
        let (_, bad) = site.deployment("bad", BAD_IMAGE, Some(1));
        let failing = release(&site, "new", recreated(new(&site)), Some((7, bad)));
        let ran = site.apply_within(&failing, "5s");
        assert_eq!(ran.code, 3, "{name}: {}", ran.stderr);
        let second = site.get(kind, object);
        if kind == "job" {
            ran.expect_told(&["1 gone, for a job that has run is not run again"]);
            assert!(second.is_null(), "{name}: {second}");
        } else {
            assert_ne!(uid(&second), uid(&first), "{name}: it had to be created again");
            assert_eq!(comparable(second.clone()), comparable(first), "{name}");
        }
        assert_eq!(site.text("settings"), "old", "{name}");
        assert!(site.get("deployment", "bad").is_null(), "{name}");
        assert_eq!(site.head()["state"], "idle", "{name}");
        if kind == "statefulset" {
            assert_eq!(site.pods(), pods, "{name}: the same pods run");
        }
        site.apply(&before).expect(0);
        assert_eq!(uid(&site.get(kind, object)), uid(&second), "{name}: all is as released");
    }
}
