//! Apply, change, prune, fail and go back, on a real API server.

mod kit;

use a4co_bundle::Release;
use kit::{BAD_IMAGE, GOOD_IMAGE, Site, path};
use serde_json::{Value, json};

fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap_or("absent")
}

#[test]
fn the_first_release_is_installed_and_applying_it_again_writes_nothing() {
    let site = Site::new("install");
    let mut objects = vec![site.deployment("web", GOOD_IMAGE, Some(2))];
    // More of a kind than are read one by one.
    let names = ["settings", "b", "c", "d", "e", "f", "g"];
    objects.extend(names.map(|name| site.config_map(name, "one")));
    let release = site.release(objects);
    let ran = site.apply(&release).expect(0);
    assert!(ran.stdout.contains("it is the first one"), "{}", ran.stdout);
    assert_eq!(site.committed(), Some(release.id()));
    assert_eq!(site.get("deployment", "web")["status"]["availableReplicas"], 2);

    let watched = || {
        ["configmap/settings", "deployment/web", "configmap/a4co.shop", "lease/a4co.shop"].map(
            |object| {
                let (kind, name) = object.split_once('/').unwrap();
                version(&site.get(kind, name)).to_owned()
            },
        )
    };
    let before = watched();
    let ran = site.apply(&release).expect(0);
    assert!(ran.stdout.contains("nothing to do"), "{}", ran.stdout);
    assert_eq!(watched(), before, "not even the head or the lease are written");
}

#[test]
fn a_change_touches_only_what_differs() {
    let site = Site::new("change");
    let old = site.release(vec![site.config_map("a", "one"), site.config_map("b", "one")]);
    let new = site.release(vec![site.config_map("a", "two"), site.config_map("b", "one")]);
    site.apply(&old).expect(0);
    let b = version(&site.get("configmap", "b")).to_owned();
    let planned = site.run(&["plan", path(&site.bundle(&new)), "--exit-code"]).expect(5);
    assert!(planned.stdout.contains("data.text: \"one\" → \"two\""), "{}", planned.stdout);
    site.apply(&new).expect(0);
    assert_eq!(site.get("configmap", "a")["data"]["text"], "two");
    assert_eq!(version(&site.get("configmap", "b")), b);
}

/// A volume claim, which holds what people cannot get back.
fn claim(site: &Site, name: &str) -> (u8, Value) {
    let manifest = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": site.metadata(name),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": { "requests": { "storage": "1Gi" } },
        },
    });
    (2, manifest)
}

#[test]
fn what_a_release_drops_is_pruned_after_the_commit_but_never_a_namespace_or_a_volume_claim() {
    let site = Site::new("prune");
    let (a, b) = (site.config_map("a", "one"), site.config_map("b", "one"));
    let old = site.release(vec![a.clone(), b, claim(&site, "data")]);
    let new = Release::new(site.config(), vec![a]).unwrap();
    site.apply(&old).expect(0);
    let uid = site.get("pvc", "data")["metadata"]["uid"].clone();
    site.apply(&new).expect(0);
    assert_eq!(site.members("configmap,pvc"), ["a", "data"]);
    let phase = ["get", "namespace", &site.namespace, "-o", "jsonpath={.status.phase}"];
    assert_eq!(site.cluster.kubectl(&phase).expect_success(), "Active");

    let rolled = site.rollback(&old.id().short()).expect(0);
    assert!(rolled.stdout.contains("is applied"), "{}", rolled.stdout);
    assert_eq!(site.members("configmap,pvc"), ["a", "b", "data"]);
    assert_eq!(site.get("pvc", "data")["metadata"]["uid"], uid);
}

#[test]
fn a_release_that_fails_is_undone_and_the_old_one_restored() {
    let site = Site::new("fail");
    let old = site.release(vec![
        site.config_map("settings", "old"),
        site.config_map("dropped", "old"),
        site.deployment("web", GOOD_IMAGE, Some(2)),
    ]);
    let new = site.release(vec![
        site.config_map("settings", "new"),
        site.config_map("added", "new"),
        site.deployment("web", BAD_IMAGE, Some(2)),
    ]);
    site.apply(&old).expect(0);
    let ran = site.run(&["apply", path(&site.bundle(&new)), "--timeout", "4s"]).expect(3);
    ran.expect_told(&["web: 1 of 2 pods are updated", "ImagePullBackOff", "release", "again"]);
    assert_eq!(site.committed(), Some(old.id()));
    assert_eq!(site.members("configmap"), ["dropped", "settings"], "nothing was pruned or is left");
    assert_eq!(site.get("configmap", "settings")["data"]["text"], "old");
    let web = site.get("deployment", "web");
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], GOOD_IMAGE);
    assert_eq!(site.head()["state"], "idle");
    let ran = site.apply(&old).expect(0);
    assert!(ran.stdout.contains("nothing to do"), "{}", ran.stdout);
}

#[test]
fn a_first_release_that_fails_leaves_nothing_but_its_namespace_and_history() {
    let site = Site::new("fail-first");
    let release = site.release(vec![
        site.config_map("settings", "one"),
        site.deployment("web", BAD_IMAGE, Some(1)),
    ]);
    let ran = site.run(&["apply", path(&site.bundle(&release)), "--timeout", "3s"]).expect(3);
    ran.expect_told(&["the cluster has no release, as before"]);
    assert_eq!(site.members("configmap,deployment"), [] as [&str; 0]);
    let history = site.run(&["history", "-n", &site.namespace]).expect(0);
    assert!(history.stdout.contains("rolled back"), "{}", history.stdout);
}

#[test]
fn a_rollback_finds_its_release_by_hash_and_needs_no_file() {
    let site = Site::new("rollback");
    let one = site.release(vec![site.config_map("a", "one")]);
    let first_digit = &one.id().short()[..1];
    // Another release whose id begins with the same digit.
    let two = (0..1000)
        .map(|number| site.release(vec![site.config_map("a", &format!("two {number}"))]))
        .find(|release| release.id().starts_with(first_digit))
        .unwrap();
    site.apply(&one).expect(0);
    site.apply(&two).expect(0);

    let ran = site.rollback(first_digit).expect(1);
    ran.expect_told(&["is ambiguous: 2 releases", &one.id().short(), &two.id().short()]);
    let ran = site.rollback("0123456789").expect(1);
    ran.expect_told(&["no release in the history begins with `0123456789`", &one.id().short()]);
    assert_eq!(site.committed(), Some(two.id()));

    site.rollback(&one.id().short()[..8]).expect(0);
    assert_eq!(site.get("configmap", "a")["data"]["text"], "one");
    site.run(&["rollback", "-n", &site.namespace]).expect(0);
    assert_eq!(site.committed(), Some(two.id()), "without a release it means the one before");

    let history = site.run(&["history", "-n", &site.namespace, "-o", "json"]).expect(0);
    let history: Value = serde_json::from_str(&history.stdout).unwrap();
    let actions: Vec<_> =
        history["entries"].as_array().unwrap().iter().map(|e| e["action"].clone()).collect();
    assert_eq!(actions, ["rollback", "rollback", "apply", "apply"], "newest first");
}

#[test]
fn what_others_deleted_is_put_back_by_apply_and_what_they_changed_is_refused() {
    let site = Site::new("drift");
    let release = site.release(vec![site.config_map("a", "one"), site.config_map("b", "one")]);
    site.apply(&release).expect(0);
    let expect_shown = |line: &str| {
        let status = site.run(&["status", "-n", &site.namespace]).expect(0);
        assert!(status.stdout.contains(line), "`{line}` is not in:\n{}", status.stdout);
    };
    site.kubectl(&["delete", "configmap", "b"]);
    site.kubectl(&["label", "configmap", "a", "mine=yes"]);
    expect_shown("/b missing");
    site.apply(&release).expect(0);
    assert_eq!(site.text("b"), "one");
    assert_eq!(site.get("configmap", "a")["metadata"]["labels"]["mine"], "yes");

    let other = r#"{"data":{"text":"other"}}"#;
    site.kubectl(&["patch", "configmap", "a", "--type=merge", "-p", other]);
    expect_shown("/a drifted");
    let ran = site.apply(&release).expect(1);
    ran.expect_told(&["others own fields", ".data.text", "kubectl-patch"]);
    assert_eq!(site.text("a"), "other");
}

#[test]
fn json_results_are_complete_documents_on_standard_output() {
    let site = Site::new("json");
    let release = site.release(vec![site.config_map("a", "one")]);
    let bundle = site.bundle(&release);
    for (args, key, expected) in [
        (vec!["verify", path(&bundle)], "app", "shop"),
        (vec!["plan", path(&bundle)], "to", &*release.id().to_string()),
        (vec!["apply", path(&bundle)], "release", &*release.id().to_string()),
        (vec!["status", "-n", &site.namespace], "state", "idle"),
        (vec!["history", "-n", &site.namespace], "namespace", &*site.namespace),
    ] {
        let ran = site.run(&[args.as_slice(), &["--output", "json"]].concat()).expect(0);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(document["schema"], 1, "{args:?}");
        assert_eq!(document[key], expected, "{args:?}");
    }
}
