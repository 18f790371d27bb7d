//! What belongs to somebody else is never deleted, never overwritten and never shown, and a
//! release that could not be undone because of it is not begun.

mod kit;

use a4co_bundle::Release;
use kit::{BAD_IMAGE, GOOD_IMAGE, OTHER_IMAGE, Site, path, running::until};
use serde_json::{Value, json};

fn two_deployments(site: &Site, web: &str, api: &str) -> Release {
    let [web, api] =
        [("web", web), ("api", api)].map(|(name, image)| site.deployment(name, image, Some(1)));
    site.release(vec![web, api])
}

fn pod_count(site: &Site) -> usize {
    site.kubectl(&["get", "pods", "-o", "name"]).lines().count()
}

#[test]
fn an_object_with_our_label_that_no_release_has_is_refused_and_never_deleted() {
    let site = Site::new("labelled");
    let old = site.release(vec![site.config_map("a", "one")]);
    site.apply(&old).expect(0);
    let labels = site.labels();
    let copied = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "data": { "theirs": "precious" },
        "metadata": { "name": "copied", "namespace": site.namespace, "labels": labels },
    });
    site.cluster.kubectl_with_input(&["create", "-f", "-"], &copied.to_string()).expect_success();
    for (case, name) in [("a person copied the label", "copied"), ("the head is gone", "a")] {
        if name == "a" {
            site.kubectl(&["delete", "configmap", "a4co.shop"]);
        }
        let before = site.get("configmap", name);
        let failing = site.deployment("web", BAD_IMAGE, Some(1));
        let new = site.release(vec![site.config_map(name, "new"), failing]);
        let ran = site.apply_within(&new, "2s");
        assert_eq!(site.get("configmap", name), before, "{case}");
        let object = format!("ConfigMap/{}/{name}", site.namespace);
        assert!(ran.stderr.contains(&object), "{case}:\n{}", ran.stderr);
        assert_eq!(ran.code, 1, "{case}:\n{}", ran.stderr);
        assert!(site.get("deployment", "web").is_null(), "{case}");
    }
}

#[test]
fn a_hotfix_by_somebody_else_outlives_a_release_that_fails() {
    let site = Site::new("hotfix");
    let old = two_deployments(&site, GOOD_IMAGE, GOOD_IMAGE);
    site.apply(&old).expect(0);
    site.kubectl(&["set", "image", "deployment/web", &format!("web={OTHER_IMAGE}")]);
    let hotfixed = site.get("deployment", "web")["metadata"]["managedFields"].clone();

    let new = two_deployments(&site, OTHER_IMAGE, BAD_IMAGE);
    site.apply_within(&new, "2s").expect(3);
    assert_eq!(site.image("web"), OTHER_IMAGE, "the hotfix stays");
    let owners = |fields: &Value| -> Vec<Value> {
        let is_spec = |entry: &&Value| entry["subresource"].is_null();
        let entries = fields.as_array().unwrap().iter().filter(is_spec);
        let is_person = |entry: &&Value| entry["manager"] != "kube-controller-manager";
        entries.filter(is_person).map(|entry| entry["fieldsV1"].clone()).collect()
    };
    let restored = site.get("deployment", "web")["metadata"]["managedFields"].clone();
    assert_eq!(owners(&restored), owners(&hotfixed), "and so do its owners");
    assert_eq!(site.image("api"), GOOD_IMAGE);
    assert_eq!(site.committed(), Some(old.id()));
    assert_eq!(site.head()["state"], "idle");
}

#[test]
fn an_old_release_that_cannot_become_ready_again_does_not_bar_the_next_one() {
    let site = Site::new("unready");
    let release = |image, replicas| {
        let (wave, mut web) = site.deployment("web", image, Some(replicas));
        web["spec"]["strategy"] = json!({ "type": "Recreate" });
        site.release(vec![site.config_map("settings", image), (wave, web)])
    };
    let old = release(GOOD_IMAGE, 1);
    site.apply(&old).expect(0);

    let running = site.start(site.cluster.kubeconfig(), &release(BAD_IMAGE, 1), "4s");
    until("the new release", || site.image("web") == BAD_IMAGE && pod_count(&site) == 1);
    site.kubectl(&["create", "quota", "none", "--hard=pods=0"]);
    let ran = running.end().expect(4);
    ran.expect_told(&[&format!("Deployment/{}/web", site.namespace)]);
    site.expect_release(Some(&old));

    let next = release(OTHER_IMAGE, 0);
    site.apply(&next).expect(0);
    site.expect_release(Some(&next));
}

#[test]
fn what_somebody_changes_while_a_wave_is_awaited_is_not_committed() {
    for (case, change) in [
        ("undone", &["rollout", "undo", "deployment/web"] as &[&str]),
        ("set", &["set", "image", "deployment/web", &format!("web={GOOD_IMAGE}")]),
    ] {
        let site = Site::new(case);
        let release = |image, text| {
            let settings = site.config_map("settings", text);
            site.release(vec![settings, site.deployment("web", image, Some(1))])
        };
        let old = release(GOOD_IMAGE, "old");
        site.apply(&old).expect(0);
        let running = site.start(site.cluster.kubeconfig(), &release(BAD_IMAGE, "new"), "20s");
        until("the new release", || site.image("web") == BAD_IMAGE && pod_count(&site) == 2);
        site.kubectl(change);
        let ran = running.end();
        assert_eq!(ran.code, 3, "{case}:\n{}{}", ran.stdout, ran.stderr);
        site.expect_release(Some(&old));
    }
}

#[test]
fn what_somebody_changes_during_a_release_that_fails_is_set_back_and_named() {
    let site = Site::new("third");
    let release = |image| site.release(vec![site.deployment("web", image, Some(1))]);
    let old = release(GOOD_IMAGE);
    site.apply(&old).expect(0);
    let running = site.start(site.cluster.kubeconfig(), &release(BAD_IMAGE), "20s");
    until("the new release", || site.image("web") == BAD_IMAGE && pod_count(&site) == 2);
    let set = |image| site.kubectl(&["set", "image", "deployment/web", &format!("web={image}")]);
    set(OTHER_IMAGE);
    let ran = running.end().expect(3);
    let web = format!("Deployment/{}/web", site.namespace);
    ran.expect_told(&["somebody else changed", "kubectl-set", &web, "is set back"]);
    site.expect_release(Some(&old));
}

#[test]
fn a_plan_never_shows_what_is_in_a_secret() {
    let site = Site::new("secrecy");
    let release = |plain: &str, encoded: &str| {
        let secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": site.metadata("login"),
            "stringData": { "password": plain }, "data": { "token": encoded },
        });
        site.release(vec![(2, secret)])
    };
    // The second value of each is the first one in base64.
    let old = release("hunter2", "aHVudGVyMg==");
    let new = release("S3CRET", "UzNDUkVU");
    let hidden = ["hunter2", "aHVudGVyMg", "S3CRET", "UzNDUkVU"];
    let expect_hidden = |release: &Release, change: &str| {
        for format in ["text", "json"] {
            let ran = site.run(&["plan", path(&site.bundle(release)), "-o", format]).expect(0);
            let shown = ran.stdout + &ran.stderr;
            assert!(shown.contains(change), "{change} {format}:\n{shown}");
            for value in hidden {
                assert!(!shown.contains(value), "{change} {format}: `{value}` is in\n{shown}");
            }
        }
    };
    expect_hidden(&old, "create");
    let ran = site.apply(&old).expect(0);
    assert!(!(ran.stdout + &ran.stderr).contains("hunter2"));
    expect_hidden(&new, "update");
    let ran = site.apply(&new).expect(0);
    assert!(!(ran.stdout + &ran.stderr).contains("S3CRET"));
}

#[test]
fn a_failed_first_release_leaves_a_namespace_that_was_there_as_it_was() {
    let site = Site::new("was-there");
    site.cluster.kubectl(&["create", "namespace", &site.namespace]).expect_success();
    let labels = || -> Value {
        let namespace = site.cluster.kubectl(&["get", "namespace", &site.namespace, "-o", "json"]);
        let namespace: Value = serde_json::from_str(&namespace.expect_success()).unwrap();
        namespace["metadata"]["labels"].clone()
    };
    let before = labels();
    let release = site.release(vec![site.deployment("web", BAD_IMAGE, Some(1))]);
    site.apply_within(&release, "2s").expect(3);
    assert_eq!(labels(), before);
    site.expect_release(None);
}
