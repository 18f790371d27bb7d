//! A plan shows what will be done and both ways back, checks what can be checked, and is right.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod kit;

use std::collections::BTreeMap;

use a4co_bundle::Release;
use kit::{GOOD_IMAGE, OTHER_IMAGE, Site, path};
use serde_json::{Value, json};

fn claim(site: &Site, storage: &str) -> (u8, Value) {
    let manifest = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": site.metadata("disk"),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": "standard",
            "resources": { "requests": { "storage": storage } },
        },
    });
    (2, manifest)
}

fn job(site: &Site, name: &str) -> (u8, Value) {
    let container = json!({ "name": "job", "image": GOOD_IMAGE });
    let spec = json!({ "template": { "spec": {
        "restartPolicy": "Never", "containers": [container],
    }}});
    let metadata = site.metadata(name);
    (4, json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec }))
}

/// The plan as JSON.
fn plan(site: &Site, release: &Release) -> Value {
    let ran = site.run(&["plan", path(&site.bundle(release)), "-o", "json"]).expect(0);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// What a plan says of each object: the change, its way back, and whether it is checked late.
fn steps(plan: &Value) -> BTreeMap<String, (String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap_or("none").to_owned();
    let steps = plan["steps"].as_array().unwrap().iter();
    steps
        .map(|step| {
            let name =
                format!("{}/{}", text(&step["object"]["kind"]), text(&step["object"]["name"]));
            let unchecked = step["unchecked"].as_bool().unwrap();
            (name, (text(&step["change"]), text(&step["wayBack"]), unchecked))
        })
        .collect()
}

#[test]
fn a_plan_shows_both_ways_and_a_rollback_does_what_it_says() {
    let site = Site::new("both-ways");
    let old = site.release(vec![
        site.config_map("changed", "old"),
        site.config_map("dropped", "old"),
        site.config_map("same", "old"),
        claim(&site, "1Gi"),
        job(&site, "migrate-1"),
        site.deployment("web", GOOD_IMAGE, Some(1)),
    ]);
    let new = site.release(vec![
        site.config_map("added", "new"),
        site.config_map("changed", "new"),
        site.config_map("same", "old"),
        claim(&site, "2Gi"),
        job(&site, "migrate-2"),
        site.deployment("web", OTHER_IMAGE, Some(1)),
    ]);
    site.apply(&old).expect(0);
    let same_uid = site.get("configmap", "same")["metadata"]["uid"].clone();

    let found = plan(&site, &new);
    assert_eq!(found["from"], old.id().to_string());
    let namespace = format!("Namespace/{}", site.namespace);
    for (object, change, way_back) in [
        (namespace.as_str(), "keep", "nothing"),
        ("ConfigMap/added", "create", "delete"),
        ("ConfigMap/changed", "update", "update"),
        ("ConfigMap/dropped", "prune", "create"),
        ("ConfigMap/same", "keep", "nothing"),
        ("PersistentVolumeClaim/disk", "update", "stay"),
        ("Job/migrate-1", "prune", "rerun"),
        ("Job/migrate-2", "create", "delete"),
        ("Deployment/web", "update", "update"),
    ] {
        let expected = (change.to_owned(), way_back.to_owned(), false);
        assert_eq!(steps(&found)[object], expected, "{object}");
    }
    let one_way = found["oneWay"].as_array().unwrap();
    assert_eq!(one_way.len(), 1, "{one_way:?}");
    assert_eq!(one_way[0]["object"]["kind"], "PersistentVolumeClaim");

    let bundle = site.bundle(&new);
    let shown = site.run(&["plan", path(&bundle), "--exit-code"]).expect(5).stdout;
    let back = format!("a4co-apply rollback {}", old.id().short());
    for fragment in [
        "2 to create, 3 to update, 2 to prune, 2 unchanged",
        "if it fails: 2 deleted again, 2 put back exactly as before, 1 put back but for what cannot",
        &format!(
            "{back}`: 2 to delete, 2 to create again, 2 to update back, 1 to stay as they are"
        ),
        "(wave 5; restarts pods; way back: update)",
        "(after the commit; way back: runs again)",
        "cannot be taken back (needs --accept-one-way):",
        "its storage grows from 1Gi to 2Gi",
        "data.text: \"old\" → \"new\"",
    ] {
        assert!(shown.contains(fragment), "`{fragment}` is not in\n{shown}");
    }
    site.apply(&new).expect(1).expect_told(&["cannot be taken back", "--accept-one-way"]);
    site.expect_release(Some(&old));
    let ran = site.run(&["apply", path(&bundle), "--accept-one-way"]).expect(0);
    ran.expect_told(&["update   Deployment/", "if it fails:", "afterwards,"]);
    assert!(!ran.stderr.contains("data.text"), "fields are for --verbose:\n{}", ran.stderr);

    site.rollback(&old.id().short()).expect(0);
    assert!(site.get("configmap", "added").is_null(), "deleted");
    assert!(site.get("job", "migrate-2").is_null(), "deleted");
    assert_eq!(site.text("changed"), "old", "updated back");
    assert_eq!(site.text("dropped"), "old", "created again");
    assert!(!site.get("job", "migrate-1").is_null(), "created again");
    assert_eq!(site.image("web"), GOOD_IMAGE, "updated back");
    let asked = &site.get("persistentvolumeclaim", "disk")["spec"]["resources"]["requests"];
    assert_eq!(asked["storage"], "2Gi", "stays");
    assert_eq!(site.get("configmap", "same")["metadata"]["uid"], same_uid, "nothing");
}

#[test]
fn what_comes_behind_a_namespace_a_definition_or_a_role_is_checked_in_its_wave() {
    let site = Site::new("behind");
    let group = format!("{}.example.com", site.namespace);
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("gadgets.{group}"), "labels": site.labels() },
        "spec": {
            "group": group, "scope": "Namespaced",
            "names": { "plural": "gadgets", "kind": "Gadget" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": {
                "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true },
            }}],
        },
    });
    let gadget = json!({
        "apiVersion": format!("{group}/v1"), "kind": "Gadget", "metadata": site.metadata("x"),
    });
    let roles = "rbac.authorization.k8s.io";
    let role = json!({
        "apiVersion": format!("{roles}/v1"), "kind": "Role", "metadata": site.metadata("reader"),
        "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }],
    });
    let binding = |name: &str, role: &str| {
        json!({
            "apiVersion": format!("{roles}/v1"), "kind": "RoleBinding",
            "metadata": site.metadata(name),
            "roleRef": { "apiGroup": roles, "kind": "Role", "name": role },
            "subjects": [{ "apiGroup": roles, "kind": "User", "name": "ann" }],
        })
    };
    let release = site.release(vec![
        (0, definition),
        (1, role),
        (1, binding("to-new", "reader")),
        (1, binding("to-other", "other")),
        site.config_map("settings", "one"),
        (6, gadget),
    ]);
    for (case, unchecked) in [
        (
            "the namespace comes with it",
            &[
                "ConfigMap/settings",
                "Gadget/x",
                "Role/reader",
                "RoleBinding/to-new",
                "RoleBinding/to-other",
            ][..],
        ),
        ("the namespace is there", &["Gadget/x", "RoleBinding/to-new"]),
    ] {
        let found = plan(&site, &release);
        let found = steps(&found).into_iter().filter(|(_, (.., unchecked))| *unchecked);
        let found: Vec<_> = found.map(|(object, _)| object).collect();
        assert_eq!(found, unchecked, "{case}");
        let shown = site.run(&["plan", path(&site.bundle(&release))]).expect(0).stdout;
        let line = format!("Gadget/{}/x  (checked in wave 6)", site.namespace);
        assert!(shown.contains(&line), "{case}: {shown}");
        assert!(shown.contains("no earlier release to go back to"), "{case}: {shown}");
        if case == "the namespace comes with it" {
            site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
        }
    }
    site.apply(&release).expect(0);
    site.cluster.kubectl(&["delete", "crd", &format!("gadgets.{group}")]).expect_success();
}

#[test]
fn a_plan_asks_about_what_does_not_exist_yet() {
    let site = Site::new("asked");
    site.apply(&site.release(vec![site.config_map("settings", "one")])).expect(0);
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": site.metadata("web"),
        "spec": { "ports": [{ "port": 99999 }] },
    });
    let release = site.release(vec![site.config_map("settings", "two"), (3, service)]);
    let ran = site.run(&["plan", path(&site.bundle(&release))]).expect(1);
    ran.expect_told(&["would refuse", &format!("Service/{}/web", site.namespace), "not touched"]);
    assert_eq!(site.text("settings"), "one");
}

#[test]
fn what_apply_says_first_can_be_read_for_one_object_and_for_many() {
    let site = Site::new("readable");
    let release = |count: usize, text: &str| {
        let names = (0..count).map(|index| format!("settings-{index:02}"));
        let mut objects: Vec<_> = names.map(|name| site.config_map(&name, text)).collect();
        objects.push(site.deployment(
            "web",
            if text == "c" { OTHER_IMAGE } else { GOOD_IMAGE },
            Some(1),
        ));
        site.release(objects)
    };
    let is_step = |line: &&str| line.contains("wave ") && line.ends_with(')');
    let named = |stderr: &str| stderr.lines().filter(is_step).count();
    let apply = |release: &Release, more: &[&str]| {
        let bundle = site.bundle(release);
        site.run(&[&["apply", path(&bundle)], more].concat()).expect(0).stderr
    };
    let first = apply(&release(3, "a"), &[]);
    assert_eq!(named(&first), 5, "all of a few:\n{first}");
    let many = apply(&release(30, "b"), &[]);
    assert_eq!(named(&many), 0, "of many, none that is harmless:\n{many}");
    assert!(many.contains("and 30 more"), "{many}");
    let many = apply(&release(30, "c"), &[]);
    assert_eq!(named(&many), 1, "of many, those that matter:\n{many}");
    assert!(many.contains("restarts pods") && many.contains("and 30 more"), "{many}");
    let all = apply(&release(30, "d"), &["--verbose"]);
    assert_eq!(named(&all), 31, "{all}");
    assert_eq!(all.matches("data.text: \"c\" → \"d\"").count(), 30, "{all}");
}
